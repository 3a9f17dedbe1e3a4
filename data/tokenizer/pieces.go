package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitter returns the length in bytes of the first piece of text, which is
// not empty. Tokens never cross from one piece to the next.
type splitter func(text string) int

// class is what the splitters know of a character.
type class uint8

const (
	other  class = iota // punctuation, marks, symbols, controls, invalid UTF-8
	letter              // \p{L}
	number              // \p{N}
	space               // \s: White_Space
)

// ascii is the class of the characters below 128.
var ascii = func() (table [utf8.RuneSelf]class) {
	for c := range table {
		table[c] = classOf(rune(c))
	}
	return table
}()

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsSpace(r):
		return space
	case unicode.IsNumber(r):
		return number
	}
	return other
}

// at is the class and the length of the character at text[i:], which is not
// empty. A byte that is no UTF-8 is a character.
func at(text string, i int) (class, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	return classOf(r), size
}

// run is the end of the characters of class c that follow text[:i].
func run(text string, i int, c class) int {
	for i < len(text) {
		next, size := at(text, i)
		if next != c {
			break
		}
		i += size
	}
	return i
}

// runWhitespace is the end of the whitespace that follows text[:i], and where
// its last character begins.
func runWhitespace(text string, i int) (end, last int) {
	last = i
	for i < len(text) {
		c, size := at(text, i)
		if c != space {
			break
		}
		last = i
		i += size
	}
	return i, last
}

// gpt2Pattern is what splitGPT2 matches, as tokenizer.json files write it.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// splitGPT2 matches gpt2Pattern: contractions; letters, numbers or others with
// the blank before them; whitespace but for the character before the next
// piece.
func splitGPT2(text string) int {
	if text[0] == '\'' {
		if n := contraction(text, false); n > 0 {
			return n
		}
	}
	begin := 0
	if text[0] == ' ' && len(text) > 1 {
		begin = 1
	}
	c, size := at(text, begin)
	if c != space {
		return run(text, begin+size, c)
	}
	return splitWhitespace(text)
}

// splitWhitespace matches \s+(?!\S)|\s+ at whitespace.
func splitWhitespace(text string) int {
	end, last := runWhitespace(text, 0)
	if end == len(text) || last == 0 {
		return end
	}
	return last
}

// contraction is the length of one of 's 't 're 've 'm 'll 'd at the beginning
// of text, or 0.
func contraction(text string, fold bool) int {
	if len(text) < 2 {
		return 0
	}
	lower := func(i int) byte {
		if c := text[i]; fold && 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return text[i]
	}
	switch lower(1) {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(text) > 2 && lower(2) == 'e' {
			return 3
		}
	case 'l':
		if len(text) > 2 && lower(2) == 'l' {
			return 3
		}
	}
	return 0
}

// patterns are the regular expressions that tokenizer.json files split by, as
// far as they are known here.
var patterns = []struct {
	regex string
	split splitter
}{
	{gpt2Pattern, splitGPT2},
	{llama3Pattern, splitWords(3)},
	{qwen2Pattern, splitWords(1)},
	{`\p{N}`, splitNumbers(1)},
	{`\p{N}{1,3}`, splitNumbers(3)},
}

// The patterns that splitWords matches.
const (
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Pattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// splitWords matches llama3Pattern, with up to digits numbers in a piece.
func splitWords(digits int) splitter {
	return func(text string) int {
		if text[0] == '\'' {
			if n := contraction(text, true); n > 0 {
				return n
			}
		}
		c, size := at(text, 0)
		switch {
		case c == letter:
			return run(text, size, letter)
		case c == number:
			return numbers(text, digits)
		case size < len(text) && text[0] != '\r' && text[0] != '\n':
			if next, n := at(text, size); next == letter {
				return run(text, size+n, letter)
			} else if next == other && text[0] == ' ' {
				return newlines(text, run(text, size+n, other))
			}
		}
		if c == other {
			return newlines(text, run(text, size, other))
		}
		end, _ := runWhitespace(text, 0)
		if last := strings.LastIndexAny(text[:end], "\r\n"); last >= 0 {
			return last + 1
		}
		return splitWhitespace(text)
	}
}

// newlines is the end of the line ends that follow text[:i].
func newlines(text string, i int) int {
	for i < len(text) && (text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// numbers is the end of up to most numbers at the beginning of text.
func numbers(text string, most int) int {
	i := 0
	for range most {
		if i == len(text) {
			break
		}
		c, size := at(text, i)
		if c != number {
			break
		}
		i += size
	}
	return i
}

// splitNumbers isolates runs of up to most numbers.
func splitNumbers(most int) splitter {
	return func(text string) int {
		if n := numbers(text, most); n > 0 {
			return n
		}
		i := 0
		for i < len(text) {
			c, size := at(text, i)
			if c == number {
				break
			}
			i += size
		}
		return i
	}
}

// splitBlanks begins a piece with each ▁.
func splitBlanks(text string) int {
	if next := strings.Index(text[1:], blank); next >= 0 {
		return next + 1
	}
	return len(text)
}

// splitWide begins a piece where ▁ follows something else: no token crosses
// that in most vocabularies.
func splitWide(text string) int {
	i := 0
	for strings.HasPrefix(text[i:], blank) {
		i += len(blank)
	}
	if next := strings.Index(text[i:], blank); next >= 0 {
		return i + next
	}
	return len(text)
}
