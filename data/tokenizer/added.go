package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// addedTokens are the tokens that are looked for in text before it is cut in
// pieces, such as runs of blanks. Special ones are not among them.
type addedTokens struct {
	first  [256]bool    // the bytes they begin with
	tokens []addedToken // long ones first
}

func newAddedTokens(all []addedToken, blanks bool) (addedTokens, error) {
	var a addedTokens
	for _, t := range all {
		if t.Special || t.Content == "" {
			continue
		}
		if t.SingleWord || t.LStrip || t.RStrip {
			return a, fmt.Errorf("added token %q: single_word, lstrip and rstrip are not supported", t.Content)
		}
		if t.Normalized && blanks {
			return a, fmt.Errorf("added token %q: normalized is not supported where blanks are written as %s", t.Content, blank)
		}
		a.first[t.Content[0]] = true
		a.tokens = append(a.tokens, t)
	}
	slices.SortStableFunc(a.tokens, func(x, y addedToken) int { return cmp.Compare(len(y.Content), len(x.Content)) })
	return a, nil
}

// find returns where the first of them stands in text, the longest if there are
// several, and its id; at the end of text with size 0 if there is none.
func (a *addedTokens) find(text string) (at, size int, id int32) {
	if len(a.tokens) == 0 {
		return len(text), 0, 0
	}
	for at = range len(text) {
		if !a.first[text[at]] {
			continue
		}
		for _, t := range a.tokens {
			if strings.HasPrefix(text[at:], t.Content) {
				return at, len(t.Content), t.ID
			}
		}
	}
	return len(text), 0, 0
}
