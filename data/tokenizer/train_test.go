package tokenizer

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// trainPlainly is Train's documentation as a program: count all pairs, join the
// most frequent one, begin again.
func trainPlainly(text string, vocab int) (rules []pair) {
	var words [][]int32
	for len(text) > 0 {
		n := splitGPT2(text)
		word := make([]int32, n)
		for i := range word {
			word[i] = int32(slices.Index(byteOrder, text[i]))
		}
		words = append(words, word)
		text = text[n:]
	}
	for id := int32(256); int(id) < vocab-1; id++ {
		counts := map[pair]int{}
		for _, w := range words {
			for i := range len(w) - 1 {
				counts[pair{w[i], w[i+1]}]++
			}
		}
		var best pair
		for p, n := range counts {
			if m := counts[best]; n > m || n == m && cmp.Or(cmp.Compare(p.left, best.left), cmp.Compare(p.right, best.right)) < 0 {
				best = p
			}
		}
		if counts[best] < 2 {
			break
		}
		rules = append(rules, best)
		for j, w := range words {
			var joined []int32
			for i := 0; i < len(w); i++ {
				if i+1 < len(w) && w[i] == best.left && w[i+1] == best.right {
					joined = append(joined, id)
					i++
				} else {
					joined = append(joined, w[i])
				}
			}
			words[j] = joined
		}
	}
	return rules
}

// trained returns the merges of a trained tokenizer.
func trained(t *testing.T, vocab int, docs ...string) [][2]string {
	t.Helper()
	b, err := Train(texts(docs...), vocab)
	if err != nil {
		t.Fatal(err)
	}
	if b.Vocab() != vocab || b.EndOfText() != int32(vocab-1) {
		t.Errorf("vocabulary of %d, end of text %d", b.Vocab(), b.EndOfText())
	}
	return b.file.Model.Merges
}

// The trainer makes the merges that its documentation says. Overcounting would
// show where characters repeat: xxx has one pair that can be joined, not two.
func TestTrainPlainly(t *testing.T) {
	const vocab = 300
	rng := rand.New(rand.NewPCG(5, 6))
	repeats := make([]byte, 4000)
	for i := range repeats {
		repeats[i] = "xxxyz  \n"[rng.IntN(8)]
	}
	for _, text := range []string{austen(t)[:20000], string(repeats), strings.Repeat(readFile(t, "testdata/unicode.txt"), 2)} {
		rules := trainPlainly(text, vocab)
		tokens := make([]string, 0, vocab)
		for _, c := range byteOrder {
			tokens = append(tokens, string([]byte{c}))
		}
		var want [][2]string
		for _, r := range rules {
			want = append(want, [2]string{spell(tokens[r.left]), spell(tokens[r.right])})
			tokens = append(tokens, tokens[r.left]+tokens[r.right])
		}
		if got := trained(t, 257+len(rules), text); !slices.Equal(got, want) {
			t.Errorf("merges are %q, want %q", got, want)
		}
	}
}

// Where documents begin and in which order they come changes nothing but the
// pieces at their ends.
func TestTrainDeterministic(t *testing.T) {
	docs := chunks(austen(t)[:400<<10])
	a := trained(t, 1024, docs...)
	slices.Reverse(docs)
	if b := trained(t, 1024, docs...); !slices.Equal(a, b) {
		t.Error("the order of the documents matters")
	}
	if want := [][2]string{{"Ġ", "t"}, {"Ġ", "a"}, {"h", "e"}}; !slices.Equal(a[:3], want) {
		t.Errorf("begins with %q, want %q", a[:3], want)
	}
}

// 1,024 tokens save what DATA.md's corpus of speeches saves too, about 2.7
// bytes a token.
func TestTrainCompresses(t *testing.T) {
	text := austen(t)
	b, err := Train(texts(text[:1<<20]), 1024)
	if err != nil {
		t.Fatal(err)
	}
	held := text[1<<20 : 1<<20+1<<18]
	if ratio := float64(len(held)) / float64(len(encode(t, b, held))); ratio < 2.6 || ratio > 3.2 {
		t.Errorf("%.2f bytes a token", ratio)
	}
}

func TestTrainErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, c := range []struct {
		says  string
		vocab int
		texts Texts
	}{
		{"vocabulary of 257: must be in 258..65536", 257, texts("a")},
		{"vocabulary of 70000", 70000, texts("a")},
		{"the text is empty", 300, texts()},
		{"too short for a vocabulary of 300: ask for 258 at most", 300, texts("abab")},
		{"disk on fire", 300, func(yield func(string, error) bool) { yield("", broken) }},
	} {
		if _, err := New("bpe", c.vocab, c.texts); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one with %q", err, c.says)
		}
	}
}
