package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Chars has one token for each distinct character of the text it was made
// from, in code point order; end of text is the last id.
type Chars struct {
	runes []rune
	ids   map[rune]int32
}

var _ Tokenizer = (*Chars)(nil)

// NewChars takes the characters of text, which must be valid UTF-8 and not
// empty.
func NewChars(text string) (*Chars, error) {
	return collect(func(yield func(string, error) bool) { yield(text, nil) })
}

// collect takes the characters of all texts.
func collect(texts Texts) (*Chars, error) {
	seen := map[rune]bool{}
	for text, err := range texts {
		if err != nil {
			return nil, err
		}
		if at := invalidUTF8(text); at >= 0 {
			return nil, fmt.Errorf("characters: invalid UTF-8 at byte %d of %.40q: clean the text or use the bytes tokenizer", at, text)
		}
		last := rune(-1)
		for _, r := range text {
			if r != last {
				seen[r], last = true, r
			}
		}
	}
	runes := make([]rune, 0, len(seen))
	for r := range seen {
		runes = append(runes, r)
	}
	slices.Sort(runes)
	return newChars(runes)
}

// newChars takes sorted distinct runes.
func newChars(runes []rune) (*Chars, error) {
	if len(runes) == 0 {
		return nil, errors.New("characters: the text is empty")
	}
	c := &Chars{runes: runes, ids: make(map[rune]int32, len(runes))}
	for i, r := range runes {
		c.ids[r] = int32(i)
	}
	return c, nil
}

// Name returns "char".
func (c *Chars) Name() string { return "char" }

// Vocab is the number of distinct characters plus end of text.
func (c *Chars) Vocab() int { return len(c.runes) + 1 }

// EndOfText is the last id.
func (c *Chars) EndOfText() int32 { return int32(len(c.runes)) }

// Encode returns one id a character. The error names the first character that
// is not in the vocabulary.
func (c *Chars) Encode(text string) ([]int32, error) {
	ids := make([]int32, 0, len(text))
	for at, r := range text {
		id, ok := c.ids[r]
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], Outside) {
			return nil, fmt.Errorf("characters: invalid UTF-8 at byte %d: clean the text or use the bytes tokenizer", at)
		}
		if !ok {
			return nil, fmt.Errorf("characters: %q (%U) at byte %d is not among the %d known: make the tokenizer from text that has it, or use the bytes tokenizer", r, r, at, len(c.runes))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Decode returns one character an id; see Tokenizer for the other ids.
func (c *Chars) Decode(ids []int32) string {
	var b strings.Builder
	b.Grow(len(ids))
	for _, id := range ids {
		switch {
		case id >= 0 && int(id) < len(c.runes):
			b.WriteRune(c.runes[id])
		case id == c.EndOfText():
			b.WriteString(DocumentBreak)
		default:
			b.WriteString(Outside)
		}
	}
	return b.String()
}

// MarshalJSON returns the tokenizer.json form.
func (c *Chars) MarshalJSON() ([]byte, error) {
	return json.Marshal(ownFile{Format: format, Type: c.Name(), Characters: string(c.runes)})
}

// loadChars refuses characters that are not sorted and distinct: the ids of a
// trained network depend on the order.
func loadChars(own ownFile) (Tokenizer, error) {
	runes := []rune(own.Characters)
	for i := 1; i < len(runes); i++ {
		if runes[i] <= runes[i-1] {
			return nil, fmt.Errorf("characters: %q follows %q: they must be distinct and in code point order", runes[i], runes[i-1])
		}
	}
	return newChars(runes)
}

// invalidUTF8 is the byte offset of the first invalid sequence, or -1.
func invalidUTF8(text string) int {
	for at, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], Outside) {
			return at
		}
	}
	return -1
}
