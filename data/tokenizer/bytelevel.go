package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// tokenizer.json cannot hold bytes that are no text, so byte-level tokenizers
// write every byte as a character, by GPT-2's rule: printable characters of
// Latin-1 stand for themselves, the other 68 bytes for U+0100 and up in order.

// byteRunes is the character of every byte, runeBytes its inverse, byteOrder
// the bytes in the order of GPT-2's first 256 ids.
var byteRunes, runeBytes, byteOrder = func() (runes [256]rune, bytes map[rune]byte, order []byte) {
	bytes = make(map[rune]byte, 256)
	var hidden []byte
	for c := range 256 {
		if '!' <= c && c <= '~' || 0xa1 <= c && c <= 0xac || 0xae <= c {
			runes[c] = rune(c)
			order = append(order, byte(c))
		} else {
			runes[c] = rune(256 + len(hidden))
			hidden = append(hidden, byte(c))
		}
		bytes[runes[c]] = byte(c)
	}
	return runes, bytes, append(order, hidden...)
}()

// spell writes the bytes of a token as characters.
func spell(token string) string {
	var b strings.Builder
	for i := range len(token) {
		b.WriteRune(byteRunes[token[i]])
	}
	return b.String()
}

// unspell is the inverse of spell; not ok if a character stands for no byte.
func unspell(spelled string) (token string, ok bool) {
	b := make([]byte, 0, utf8.RuneCountInString(spelled))
	for _, r := range spelled {
		c, known := runeBytes[r]
		if !known {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), true
}
