// Package watch shows how a text was written, step by step: in a terminal as it
// happens, or afterwards as a page that plays several models side by side.
package watch

import (
	"slices"
	"time"
	"unicode/utf8"
)

// Recording is how one model wrote one text of L tokens.
type Recording struct {
	Name  string                // of the model and its budget
	Steps int                   // planned
	Piece func(id int32) string // the bytes of a token; not a whole character, perhaps
	Given []bool                // [L] positions that were not written, but given

	Start  []int32 // [L] the tokens at the start
	Frames []Frame // what each step did
}

// Frame is one step.
type Frame struct {
	T       float64 // time of the path that it reached
	Seconds float64 // of the clock since the start
	Changes []Change
}

// Change is a position's new token.
type Change struct {
	Position int
	Token    int32
}

// Tokens are the tokens after k steps and which of them step k changed, both
// [L].
func (r *Recording) Tokens(k int) (ids []int32, changed []bool) {
	ids, changed = slices.Clone(r.Start), make([]bool, len(r.Start))
	for i, f := range r.Frames[:k] {
		for _, c := range f.Changes {
			ids[c.Position], changed[c.Position] = c.Token, i == k-1
		}
	}
	return ids, changed
}

// Cell is what a position shows.
type Cell struct {
	Text           string // whole characters; "" if the next token goes on with one
	Changed, Given bool   // by the last step; from the start
}

// Cells is the text after k steps [L]. A character of several tokens stands with
// its last one; bytes that make none become U+FFFD.
func (r *Recording) Cells(k int) []Cell {
	ids, changed := r.Tokens(k)
	cells, pending := make([]Cell, len(ids)), ""
	for i, id := range ids {
		text := pending + r.Piece(id)
		whole := complete(text)
		if i == len(ids)-1 {
			whole = len(text)
		}
		cells[i] = Cell{valid(text[:whole]), changed[i], r.Given[i]}
		pending = text[whole:]
	}
	return cells
}

// complete is the length of s without a character at its end that lacks bytes.
func complete(s string) int {
	for n := len(s) - 1; n >= 0 && n >= len(s)-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n]) {
			if !utf8.FullRuneInString(s[n:]) {
				return n
			}
			break
		}
	}
	return len(s)
}

// valid replaces every byte that belongs to no character.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// Recorder makes a Recording while a text is written.
type Recorder struct {
	*Recording
	// Show, if not nil, is called after the start and after every step. The clock
	// stands still meanwhile.
	Show func()

	tokens []int32
	clock  func() time.Time
	since  time.Time
	spent  time.Duration
}

// Record begins a recording.
func Record(r *Recording) *Recorder { return &Recorder{Recording: r, clock: time.Now} }

// Observe is told the tokens [L] at the start, as step 0, and after every step.
func (r *Recorder) Observe(step int, t float64, ids []int32) {
	if step == 0 {
		r.Start, r.Frames, r.spent = slices.Clone(ids), nil, 0
	} else {
		r.spent += r.clock().Sub(r.since)
		f := Frame{T: t, Seconds: r.spent.Seconds()}
		for i, id := range ids {
			if id != r.tokens[i] {
				f.Changes = append(f.Changes, Change{i, id})
			}
		}
		r.Frames = append(r.Frames, f)
	}
	r.tokens = append(r.tokens[:0], ids...)
	if r.Show != nil {
		r.Show()
	}
	r.since = r.clock()
}
