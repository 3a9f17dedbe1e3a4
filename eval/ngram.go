package eval

import (
	"math"
	"slices"
)

// MaxOrder is the longest n-gram that an NGram can hold.
const MaxOrder = 8

// NGram is an interpolated modified Kneser-Ney model (Chen & Goodman, "An
// Empirical Study of Smoothing Techniques for Language Modeling", 1998,
// section 3) of token rows. It is immutable: use it from any goroutine.
//
// It is a trie of sorted arrays: level n holds the contexts of n tokens and
// the grams of n+1 that extend them. A gram of level n has the same index as
// the context of level n+1 that it is.
type NGram struct {
	vocab  int
	levels []level // order of them
}

type level struct {
	prefixes []prefix // sorted, then one more that closes the last range
	grams    []gram   // by context, then by last token
}

// prefix c owns grams[prefixes[c].first:prefixes[c+1].first].
type prefix struct {
	first int32
	rest  float32 // probability it leaves to the context that is one token shorter
}

type gram struct {
	last  int32
	share float32 // of the last token after the others, discounted
}

var _ Judge = (*NGram)(nil)

// Order is the length of the longest n-gram.
func (m *NGram) Order() int { return len(m.levels) }

// Vocab is V: tokens are in [0, V).
func (m *NGram) Vocab() int { return m.vocab }

// LogProb is ln p(w | ctx). Only the last order-1 tokens of ctx count, and
// fewer of them where the training text never had them in a row. A token
// outside [0, V) has -Inf.
func (m *NGram) LogProb(ctx []int32, w int32) float64 {
	h := start()
	for _, c := range ctx[max(0, len(ctx)-m.Order()+1):] {
		m.read(&h, c)
	}
	return math.Log(m.read(&h, w))
}

// Score implements Judge. The first tokens have shorter contexts: rows are cut
// from running text, so there is no begin marker.
func (m *NGram) Score(tokens []int32) (nll float64, n int) {
	h := start()
	for _, w := range tokens {
		nll -= math.Log(m.read(&h, w))
	}
	return nll, len(tokens)
}

// history is the end of the text read so far: context[n] is the index in level
// n of its last n tokens, for n < known.
type history struct {
	context [MaxOrder]int32
	known   int
}

func start() history { return history{known: 1} }

// read returns p(w | h), shortest context first:
//
//	p_0 = 1/V;  p_n = share(w | last n-1 tokens) + rest(last n-1 tokens) * p_(n-1)
//
// and then adds w to h.
func (m *NGram) read(h *history, w int32) float64 {
	if w < 0 || int(w) >= m.vocab {
		*h = start()
		return 0
	}
	p := 1 / float64(m.vocab)
	known, seen := 1, true // a gram is seen only where its suffixes are
	before := *h
	for n := range before.known {
		l := &m.levels[n]
		c := before.context[n]
		from, to := l.prefixes[c].first, l.prefixes[c+1].first
		p *= float64(l.prefixes[c].rest)
		if !seen {
			continue
		}
		i := find(l.grams[from:to], w, m.vocab)
		if seen = i >= 0; seen {
			p += float64(l.grams[from+i].share)
			if n+1 < len(m.levels) {
				h.context[n+1] = from + i
				known++
			}
		}
	}
	h.known = known
	return p
}

// find is the index of the gram that ends in w, or -1.
func find(grams []gram, w int32, vocab int) int32 {
	if len(grams) == vocab {
		return w // every token follows
	}
	i, ok := slices.BinarySearchFunc(grams, w, func(g gram, w int32) int { return int(g.last - w) })
	if !ok {
		return -1
	}
	return int32(i)
}
