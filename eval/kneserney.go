package eval

import (
	"errors"
	"fmt"
	"math"
)

// boundary stands before every document.
const boundary = -1

// TrainNGram counts docs and smooths the counts; order 5 orders text well,
// below 4 it no longer tells a good sampler from real text. Contexts never
// cross from one document to the next.
//
// It sorts by counting, so its time is linear in tokens*order.
func TrainNGram(docs [][]int32, order, vocab int) (*NGram, error) {
	if order < 1 || order > MaxOrder {
		return nil, fmt.Errorf("n-gram judge: order %d: must be in [1, %d]", order, MaxOrder)
	}
	if vocab < 1 {
		return nil, fmt.Errorf("n-gram judge: a vocabulary of %d tokens: needs at least 1", vocab)
	}
	t, err := newText(docs, vocab)
	if err != nil {
		return nil, fmt.Errorf("n-gram judge: %w", err)
	}
	m := &NGram{vocab: vocab, levels: make([]level, order)}
	contexts := 1 // the empty one
	for n := range m.levels {
		l, count, continuations := t.extend(contexts)
		if n > 0 {
			m.levels[n-1].smooth(continuations)
		}
		if n == order-1 {
			l.smooth(count)
		}
		m.levels[n], contexts = l, len(l.grams)
	}
	return m, nil
}

// text is the documents in one row, and the n-grams in it for an n that grows.
type text struct {
	tokens []int32 // a boundary before each document
	byLast []int32 // positions of all tokens but boundaries, by token
	sorted []int32 // the same, by the context before, then by token
	gram   []int32 // index of the n-gram that ends here; -1: a boundary is in it
	longer []int32 // the next gram
}

func newText(docs [][]int32, vocab int) (*text, error) {
	t := &text{}
	for d, doc := range docs {
		t.tokens = append(t.tokens, boundary)
		for i, w := range doc {
			if w < 0 || int(w) >= vocab {
				return nil, fmt.Errorf("token %d of document %d is %d: must be in [0, %d): encode with the tokenizer of the judged rows", i, d, w, vocab)
			}
		}
		t.tokens = append(t.tokens, doc...)
	}
	size := len(t.tokens)
	if size == len(docs) {
		return nil, errors.New("no tokens to train on: the judge's share of the corpus is empty")
	}
	if size > math.MaxInt32 {
		return nil, fmt.Errorf("%d tokens: the most it can count is %d: train on a part", size, math.MaxInt32)
	}
	t.gram, t.longer = make([]int32, size), make([]int32, size)
	all := make([]int32, 0, size)
	for i, w := range t.tokens {
		if w != boundary {
			all = append(all, int32(i))
		}
	}
	t.byLast, t.sorted = make([]int32, len(all)), make([]int32, len(all))
	countingSort(t.byLast, all, vocab, func(i int32) int32 { return t.tokens[i] })
	return t, nil
}

// extend makes every n-gram of the text one token longer. It returns the level
// of the contexts [n] and the grams [n+1], how often each gram occurs, and how
// many different tokens stand before each of the n-grams, a boundary being one.
func (t *text) extend(contexts int) (l level, count, continuations []int32) {
	before := func(i int32) int32 { return t.gram[i-1] }
	begins := countingSort(t.sorted, t.byLast, contexts+1, func(i int32) int32 { return before(i) + 1 })[1]
	continuations = make([]int32, contexts)
	t.afterBoundary(t.sorted[:begins], continuations)

	l.prefixes = make([]prefix, 1, contexts+1)
	for _, i := range t.sorted[begins:] {
		c, w := before(i), t.tokens[i]
		for len(l.prefixes) <= int(c) {
			l.prefixes = append(l.prefixes, prefix{first: int32(len(l.grams))})
		}
		if int(l.prefixes[c].first) == len(l.grams) || l.grams[len(l.grams)-1].last != w {
			l.grams = append(l.grams, gram{last: w})
			count = append(count, 0)
			continuations[t.gram[i]]++
		}
		t.longer[i] = int32(len(l.grams) - 1)
		count[t.longer[i]]++
	}
	for len(l.prefixes) <= contexts {
		l.prefixes = append(l.prefixes, prefix{first: int32(len(l.grams))})
	}
	t.gram, t.longer = t.longer, t.gram
	return l, count, continuations
}

// afterBoundary ends the growth of the n-grams at the given positions, and of
// the boundaries themselves: there is no token before them in their document.
func (t *text) afterBoundary(positions, continuations []int32) {
	for i, w := range t.tokens {
		if w == boundary {
			t.longer[i] = -1
		}
	}
	met := map[int32]bool{}
	for _, i := range positions {
		t.longer[i] = -1
		if g := t.gram[i]; g >= 0 && !met[g] {
			met[g] = true
			continuations[g]++
		}
	}
}

// countingSort writes src to dst by key in [0, keys), otherwise in its order,
// and returns where each key begins in dst, with the end after the last.
func countingSort(dst, src []int32, keys int, key func(int32) int32) []int32 {
	begin := make([]int32, keys+1)
	for _, i := range src {
		begin[key(i)+1]++
	}
	for k := range keys {
		begin[k+1] += begin[k]
	}
	next := append([]int32(nil), begin[:keys]...)
	for _, i := range src {
		k := key(i)
		dst[next[k]] = i
		next[k]++
	}
	return begin
}

// smooth turns the counts of the level's grams into probabilities.
func (l *level) smooth(count []int32) {
	d := newDiscounts(count)
	for c := range len(l.prefixes) - 1 {
		from, to := l.prefixes[c].first, l.prefixes[c+1].first
		total, rest := 0.0, 0.0
		for _, n := range count[from:to] {
			total += float64(n)
			rest += d.of(n)
		}
		if total == 0 { // ends a document, nothing follows
			l.prefixes[c].rest = 1
			continue
		}
		l.prefixes[c].rest = float32(rest / total)
		for g := from; g < to; g++ {
			l.grams[g].share = float32((float64(count[g]) - d.of(count[g])) / total)
		}
	}
}

// discounts are taken off a gram's count: [1] off 1, [2] off 2, [3] off more.
type discounts [4]float64

// fallback is for text too small for newDiscounts.
var fallback = discounts{0, 0.5, 1, 1.5}

func (d *discounts) of(count int32) float64 { return d[min(count, 3)] }

// newDiscounts estimates them from the number n_k of grams that occur k times
// (Chen & Goodman, equation 26): D_k = k - (k+1) Y n_(k+1)/n_k with
// Y = n_1 / (n_1 + 2 n_2). All of them must be in (0, k], else an unseen token
// could get no probability or a seen one a negative one.
func newDiscounts(count []int32) discounts {
	var n [5]float64
	for _, c := range count {
		if c < int32(len(n)) {
			n[c]++
		}
	}
	y := n[1] / (n[1] + 2*n[2])
	var d discounts
	for k := 1; k < len(d); k++ {
		d[k] = float64(k) - float64(k+1)*y*n[k+1]/n[k]
		if !(d[k] > 0 && d[k] <= float64(k)) {
			return fallback
		}
	}
	return d
}
