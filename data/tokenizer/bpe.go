package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// BPE merges the bytes (or the characters) of pieces of text into tokens. Safe
// for concurrent use.
type BPE struct {
	file      huggingFace // what it was made of
	tokens    []string    // [V] the text of each token
	missing   []bool      // [V] ids that no token has; nil: none
	endOfText int32
	added     addedTokens
	normalize func(string) string // nil: none
	blanks    *blanks             // nil: the tokens are made of bytes
	splitters []splitter          // from coarse to fine
	alphabet  alphabet
	rules     merges
	whole     map[string]int32 // pieces that are tokens as they are; nil: merge all
	encoders  sync.Pool        // of *encoder
}

var _ Tokenizer = (*BPE)(nil)

// longestPiece bounds memory: a longer piece of text, in bytes, is merged in
// parts.
const longestPiece = 1 << 20

// Name returns "bpe".
func (*BPE) Name() string { return "bpe" }

// Vocab is one more than the highest id.
func (b *BPE) Vocab() int { return len(b.tokens) }

// EndOfText is the id of <|endoftext|>, or of what a foreign vocabulary calls
// it.
func (b *BPE) EndOfText() int32 { return b.endOfText }

// Encode takes any bytes. Special tokens such as end of text are not looked for
// in text: where they are spelled out, they are text.
func (b *BPE) Encode(text string) ([]int32, error) {
	e, ok := b.encoders.Get().(*encoder)
	if !ok {
		e = &encoder{known: map[string]span{}}
	}
	defer b.encoders.Put(e)
	if b.normalize != nil {
		text = b.normalize(text)
	}
	ids := make([]int32, 0, len(text)/3+8)
	for begins := true; len(text) > 0; begins = false {
		at, size, id := b.added.find(text)
		part := text[:at]
		if b.blanks != nil {
			part = b.blanks.write(part, begins)
		}
		ids = b.split(ids, part, b.splitters, e)
		if size > 0 {
			ids = append(ids, id)
		}
		text = text[at+size:]
	}
	return ids, nil
}

// split cuts text in pieces and appends their tokens to dst.
func (b *BPE) split(dst []int32, text string, by []splitter, e *encoder) []int32 {
	if len(by) == 0 {
		for len(text) > 0 {
			n := min(len(text), longestPiece)
			dst = b.piece(dst, text[:n], e)
			text = text[n:]
		}
		return dst
	}
	for len(text) > 0 {
		n := by[0](text)
		dst = b.split(dst, text[:n], by[1:], e)
		text = text[n:]
	}
	return dst
}

// Limits of an encoder's memory of pieces.
const (
	knownPieces = 1 << 16
	knownLength = 64 // bytes
)

// encoder remembers the tokens of pieces seen before.
type encoder struct {
	known  map[string]span
	ids    []int32 // of all known pieces
	start  []int32 // of the piece at hand
	merger merger
}

// span is a part of encoder.ids.
type span struct{ from, to int32 }

// piece appends the tokens of one piece to dst.
func (b *BPE) piece(dst []int32, text string, e *encoder) []int32 {
	if s, ok := e.known[text]; ok {
		return append(dst, e.ids[s.from:s.to]...)
	}
	if id, ok := b.whole[text]; ok {
		return append(dst, id)
	}
	e.start = b.alphabet.tokens(e.start[:0], text)
	from := len(dst)
	dst = e.merger.merge(dst, e.start, b.rules)
	if len(text) <= knownLength {
		e.remember(text, dst[from:])
	}
	return dst
}

func (e *encoder) remember(text string, ids []int32) {
	if len(e.known) == knownPieces {
		clear(e.known)
		e.ids = e.ids[:0]
	}
	from := int32(len(e.ids))
	e.ids = append(e.ids, ids...)
	e.known[strings.Clone(text)] = span{from, int32(len(e.ids))}
}

// Decode returns the bytes as they are, so the text can be invalid UTF-8 where
// a character is cut; see Tokenizer for the ids that are no tokens.
func (b *BPE) Decode(ids []int32) string {
	var text strings.Builder
	text.Grow(4 * len(ids))
	begins := true
	for _, id := range ids {
		switch {
		case id == b.endOfText:
			text.WriteString(DocumentBreak)
		case id < 0 || int(id) >= len(b.tokens) || b.missing != nil && b.missing[id]:
			text.WriteString(Outside)
		case begins && b.blanks != nil && b.blanks.strip:
			text.WriteString(strings.TrimPrefix(b.tokens[id], " "))
		default:
			text.WriteString(b.tokens[id])
		}
		begins = id == b.endOfText
	}
	return text.String()
}

// MarshalJSON returns the tokenizer.json form.
func (b *BPE) MarshalJSON() ([]byte, error) { return b.file.marshal() }

// alphabet is how a piece begins: every byte is a token, or every character.
type alphabet struct {
	bytes   [256]int32     // -1: none
	runes   map[rune]int32 // nil: bytes
	unknown int32          // for what has no token; -1: its bytes have
	fuse    bool           // unknown characters in a row are one
}

// tokens appends the tokens that the merges of a piece begin with.
func (a *alphabet) tokens(dst []int32, text string) []int32 {
	if a.runes == nil {
		for i := range len(text) {
			dst = append(dst, a.bytes[text[i]])
		}
		return dst
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		id, ok := a.runes[r]
		switch {
		case ok && !(r == utf8.RuneError && size == 1):
			dst = append(dst, id)
		case a.unknown < 0:
			for j := range size {
				dst = append(dst, a.bytes[text[i+j]])
			}
		case !a.fuse || i == 0 || dst[len(dst)-1] != a.unknown:
			dst = append(dst, a.unknown)
		}
		i += size
	}
	return dst
}
