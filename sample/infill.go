package sample

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Infill is a text with gaps, in order.
type Infill []Piece

// Piece is a given text or a gap.
type Piece struct {
	Text string // "" for a gap
	Gap  int    // tokens to write, or Rest; 0 for a text
}

// Rest is the size of a gap that takes the tokens that nothing else takes.
const Rest = -1

// mostGap keeps sums of gaps from overflowing.
const mostGap = 1 << 20

// Continue is a prompt, what follows it, and a suffix; either may be empty.
func Continue(prompt, suffix string) Infill {
	var f Infill
	if prompt != "" {
		f = append(f, Piece{Text: prompt})
	}
	f = append(f, Piece{Gap: Rest})
	if suffix != "" {
		f = append(f, Piece{Text: suffix})
	}
	return f
}

// ParseInfill reads a text in which [MASK:20] stands for 20 tokens to write and
// [MASK], once at most, for as many as remain.
func ParseInfill(text string) (Infill, error) {
	const mark = "[MASK"
	var f Infill
	given, rest, gaps := "", text, 0
	for {
		at := strings.Index(rest, mark)
		if at < 0 {
			break
		}
		given, rest = given+rest[:at], rest[at+len(mark):]
		size, n, err := gap(rest)
		if err != nil {
			return nil, fmt.Errorf("infill, byte %d: %w", len(text)-len(rest)-len(mark), err)
		}
		if n == 0 { // [MASKED], say
			given += mark
			continue
		}
		if given != "" {
			f = append(f, Piece{Text: given})
		}
		f, given, rest, gaps = append(f, Piece{Gap: size}), "", rest[n:], gaps+1
	}
	if given += rest; given != "" {
		f = append(f, Piece{Text: given})
	}
	if gaps == 0 {
		return nil, errors.New("infill: there is nothing to write: mark the gaps, as in The [MASK:20] sat")
	}
	return f, f.check()
}

// gap reads what follows [MASK: its size and length in bytes, 0 if it is no
// gap.
func gap(s string) (size, n int, err error) {
	if strings.HasPrefix(s, "]") {
		return Rest, 1, nil
	}
	if !strings.HasPrefix(s, ":") {
		return 0, 0, nil
	}
	number, _, closed := strings.Cut(s[1:], "]")
	if !closed {
		return 0, 0, errors.New("a gap is not closed: write it as in [MASK:20]")
	}
	v, err := strconv.ParseUint(number, 10, 32)
	if err != nil || v < 1 || v > mostGap {
		return 0, 0, fmt.Errorf("a gap of %q tokens: must be a number from 1 to %d", number, mostGap)
	}
	return int(v), len(number) + 2, nil
}

func (f Infill) check() error {
	rests := 0
	for _, p := range f {
		if p.Gap == Rest {
			rests++
		}
	}
	if rests > 1 {
		return fmt.Errorf("infill: %d gaps have no size: give a number to all but one, as in [MASK:20]", rests)
	}
	return nil
}

// String writes f as ParseInfill reads it.
func (f Infill) String() string {
	var b strings.Builder
	for _, p := range f {
		switch {
		case p.Gap == Rest:
			b.WriteString("[MASK]")
		case p.Gap > 0:
			fmt.Fprintf(&b, "[MASK:%d]", p.Gap)
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// Free marks the positions of a Template that are to be written.
const Free int32 = -1

// Template is a sample's tokens [L] before it is drawn: given ones stay.
type Template []int32

// Blank has nothing given.
func Blank(length int) Template {
	t := make(Template, length)
	for i := range t {
		t[i] = Free
	}
	return t
}

// Encoder is the half of a tokenizer that reads.
type Encoder interface {
	Encode(text string) ([]int32, error)
}

// Template makes length tokens of the text. Every piece is encoded by itself.
func (f Infill) Template(tokenizer Encoder, length int) (Template, error) {
	pieces, given, gaps, grows := make([]Template, len(f)), 0, 0, -1
	for i, p := range f {
		switch {
		case p.Gap == Rest:
			grows = i
		case p.Gap > 0:
			pieces[i] = Blank(min(p.Gap, length+1)) // one too many is enough to tell
			gaps += p.Gap
		default:
			ids, err := tokenizer.Encode(p.Text)
			if err != nil {
				return nil, err
			}
			pieces[i] = ids
			given += len(ids)
		}
	}
	if err := fit(given, gaps, length, grows >= 0); err != nil {
		return nil, err
	}
	if grows >= 0 {
		pieces[grows] = Blank(length - given - gaps)
	}
	var t Template
	for _, p := range pieces {
		t = append(t, p...)
	}
	return t, nil
}

// fit says why a text does not make length tokens.
func fit(given, gaps, length int, grows bool) error {
	total := given + gaps
	what := fmt.Sprintf("the given text has %d tokens", given)
	if gaps > 0 {
		what += fmt.Sprintf(" and its gaps %d", gaps)
	}
	switch {
	case total > length:
		return fmt.Errorf("%s but a sample only %d: shorten it or draw longer samples", what, length)
	case total < length && !grows:
		return fmt.Errorf("%s but a sample %d: leave one gap without a number, [MASK], to take what remains, or draw samples of %d tokens", what, length, total)
	case given == length:
		return fmt.Errorf("%s, as many as a sample: nothing is left to write, shorten it or draw longer samples", what)
	}
	return nil
}
