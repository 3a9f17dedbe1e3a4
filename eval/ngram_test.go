package eval_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"fsdfm/data"
	"fsdfm/eval"
)

const ascii = 128 // vocabulary of ids

// ids are the bytes of ASCII text.
func ids(s string) []int32 {
	x := make([]int32, len(s))
	for i := range len(s) {
		x[i] = int32(s[i])
	}
	return x
}

// austen is a part of the embedded corpus: chapters to train a judge on, and
// others that it does not see, as one row.
func austen(tb testing.TB) (train [][]int32, held []int32) {
	tb.Helper()
	text, err := data.Austen()
	if err != nil {
		tb.Fatal(err)
	}
	for i, doc := range data.Documents(text) {
		switch i % 4 {
		case 1:
			train = append(train, ids(doc))
		case 3:
			held = append(held, ids(doc)...)
		}
	}
	return train, held[:40000]
}

func train(tb testing.TB, docs [][]int32, order, vocab int) *eval.NGram {
	tb.Helper()
	m, err := eval.TrainNGram(docs, order, vocab)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// randomDocs have few different tokens in short cycles, so that long n-grams
// repeat.
func randomDocs(r *rand.Rand, docs, vocab int) [][]int32 {
	x := make([][]int32, docs)
	for d := range x {
		w := int32(0)
		for range r.IntN(60) {
			if w = (w*w + 1) % int32(vocab); r.IntN(3) == 0 {
				w = int32(r.IntN(vocab))
			}
			x[d] = append(x[d], w)
		}
	}
	return x
}

// Text a b a c, all bigrams once: discount 1/2. The unigrams have 2, 1, 1
// tokens before them, the boundary being one: discounts 1, 1/2, 1/2 (too few
// for others).
func TestNGramByHand(t *testing.T) {
	const a, b, c = 0, 1, 2
	m := train(t, [][]int32{{a, b, a, c}}, 2, 3)
	for _, test := range []struct {
		ctx  []int32
		w    int32
		want float64
	}{
		{nil, a, 1./4 + 2./4*1/3},
		{nil, b, 1./8 + 2./4*1/3},
		{nil, c, 1./8 + 2./4*1/3},
		{[]int32{a}, a, 1. / 2 * 5 / 12},
		{[]int32{a}, b, 1./4 + 1./2*7/24},
		{[]int32{b}, a, 1./2 + 1./2*5/12},
		{[]int32{c}, a, 5. / 12}, // nothing ever followed c
		{[]int32{c, c, a, b}, a, 17. / 24},
	} {
		// 1e-7: shares and rests are float32
		if got := math.Exp(m.LogProb(test.ctx, test.w)); math.Abs(got-test.want) > 1e-7 {
			t.Errorf("p(%d | %v) = %v, want %v", test.w, test.ctx, got, test.want)
		}
	}
}

func TestNGramSumsToOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for order := 1; order <= eval.MaxOrder; order++ {
		const vocab = 7
		docs := randomDocs(r, 40, vocab-1) // a token that never occurs
		m := train(t, docs, order, vocab)
		for range 200 {
			ctx := make([]int32, r.IntN(10))
			for i := range ctx {
				ctx[i] = int32(r.IntN(vocab))
			}
			sum := 0.0
			for w := range int32(vocab) {
				l := m.LogProb(ctx, w)
				if !(l <= 0 && l > -50) {
					t.Fatalf("order %d: ln p(%d | %v) = %v", order, w, ctx, l)
				}
				sum += math.Exp(l)
			}
			if math.Abs(sum-1) > 1e-6 { // float32 shares
				t.Fatalf("order %d: the probabilities after %v sum to %v", order, ctx, sum)
			}
		}
	}
}

// plain is the same model by maps of strings, straight from the formulas.
type plain struct {
	vocab    int
	counts   []map[string]int // by length of the n-gram
	discount [][4]float64
}

func key(x []int32) string { return fmt.Sprint(x) }

func newPlain(docs [][]int32, order, vocab int) plain {
	m := plain{vocab, make([]map[string]int, order+1), make([][4]float64, order+1)}
	for n := 1; n <= order; n++ {
		before := map[string]map[int32]bool{}
		m.counts[n] = map[string]int{}
		for _, doc := range docs {
			for i := range len(doc) - n + 1 {
				k := key(doc[i : i+n])
				if before[k] == nil {
					before[k] = map[int32]bool{}
				}
				left := int32(-1)
				if i > 0 {
					left = doc[i-1]
				}
				before[k][left] = true
				m.counts[n][k]++
			}
		}
		for k, b := range before {
			if n < order {
				m.counts[n][k] = len(b)
			}
		}
		m.discount[n] = plainDiscounts(m.counts[n])
	}
	return m
}

func plainDiscounts(counts map[string]int) [4]float64 {
	var n [5]float64
	for k := 1; k < 5; k++ {
		for _, c := range counts {
			if c == k {
				n[k]++
			}
		}
	}
	y := n[1] / (n[1] + 2*n[2])
	d := [4]float64{0, 1 - 2*y*n[2]/n[1], 2 - 3*y*n[3]/n[2], 3 - 4*y*n[4]/n[3]}
	for k := 1; k < 4; k++ {
		if !(d[k] > 0 && d[k] <= float64(k)) {
			return [4]float64{0, 0.5, 1, 1.5}
		}
	}
	return d
}

func (m plain) prob(ctx []int32, w int32) float64 {
	n := len(ctx) + 1
	lower := 1 / float64(m.vocab)
	if n > 1 {
		lower = m.prob(ctx[1:], w)
	}
	total, rest, share := 0.0, 0.0, 0.0
	for v := range int32(m.vocab) {
		c := m.counts[n][key(append(append([]int32(nil), ctx...), v))]
		d := m.discount[n][min(c, 3)]
		total += float64(c)
		rest += d
		if v == w {
			share = float64(c) - d
		}
	}
	if total == 0 {
		return lower
	}
	return share/total + rest/total*lower
}

func TestNGramAgreesWithPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for order := 1; order <= 5; order++ {
		docs := randomDocs(r, 60, 6)
		m, want := train(t, docs, order, 6), newPlain(docs, order, 6)
		row := docs[0]
		for _, doc := range randomDocs(r, 5, 6) {
			row = append(row, doc...)
		}
		nll, n := m.Score(row)
		wantNLL := 0.0
		for i, w := range row {
			wantNLL -= math.Log(want.prob(row[max(0, i-order+1):i], w))
		}
		if n != len(row) || math.Abs(nll-wantNLL) > 1e-6*wantNLL { // float32 shares
			t.Errorf("order %d: %v nats for %d tokens, want %v for %d", order, nll, n, wantNLL, len(row))
		}
	}
}

func TestNGramLogProbIsScore(t *testing.T) {
	docs := randomDocs(rand.New(rand.NewPCG(5, 6)), 50, 9)
	m := train(t, docs, 4, 9)
	row := docs[3]
	sum := 0.0
	for i, w := range row {
		sum -= m.LogProb(row[:i], w)
	}
	if nll, _ := m.Score(row); math.Abs(nll-sum) > 1e-12*sum { // the same numbers summed alike
		t.Errorf("Score %v, sum of LogProb %v", nll, sum)
	}
}

// The text that a judge must order: real, 5 % replaced, drawn from a bigram
// model, drawn from a unigram model.
func TestNGramOrdersText(t *testing.T) {
	docs, held := austen(t)
	docs, held = docs[:len(docs)/3], held[:20000] // quick, also under -race
	m := train(t, docs, 6, ascii)
	r := rand.New(rand.NewPCG(7, 8))
	replaced := append([]int32(nil), held...)
	for i := range replaced {
		if r.IntN(20) == 0 {
			replaced[i] = held[r.IntN(len(held))]
		}
	}
	last := 0.0
	for _, text := range []struct {
		name string
		row  []int32
	}{
		{"real", held},
		{"5 % replaced", replaced},
		{"bigram sample", markov(r, held, 1)},
		{"unigram sample", markov(r, held, 0)},
	} {
		ppl, _ := eval.Perplexity(m, [][]int32{text.row})
		t.Logf("%-15s %7.2f", text.name, ppl)
		if ppl < 1.2*last {
			t.Errorf("%s: perplexity %.2f, should be well above %.2f", text.name, ppl, last)
		}
		last = ppl
	}
}

// markov draws as many tokens as text has, each one that follows the last
// `context` tokens somewhere in text.
func markov(r *rand.Rand, text []int32, context int) []int32 {
	follow := map[string][]int32{}
	for i := context; i < len(text); i++ {
		k := key(text[i-context : i])
		follow[k] = append(follow[k], text[i])
	}
	x := append([]int32(nil), text[:context]...)
	for len(x) < len(text) {
		next := follow[key(x[len(x)-context:])]
		x = append(x, next[r.IntN(len(next))])
	}
	return x
}

func TestNGramStrangeToken(t *testing.T) {
	m := train(t, [][]int32{{0, 1, 0, 1}}, 3, 2)
	for _, w := range []int32{-1, 2} {
		if l := m.LogProb([]int32{0}, w); !math.IsInf(l, -1) {
			t.Errorf("ln p(%d) = %v, want -Inf", w, l)
		}
		if got, want := m.LogProb([]int32{0, w}, 1), m.LogProb(nil, 1); got != want {
			t.Errorf("ln p(1 | 0 %d) = %v, want %v as without a context", w, got, want)
		}
	}
}

func TestTrainNGramErrors(t *testing.T) {
	for _, test := range []struct {
		docs         [][]int32
		order, vocab int
		want         string
	}{
		{[][]int32{{0}}, 0, 1, "order 0: must be in [1, 8]"},
		{[][]int32{{0}}, 9, 1, "order 9: must be in [1, 8]"},
		{[][]int32{{0}}, 5, 0, "a vocabulary of 0 tokens"},
		{nil, 5, 3, "no tokens to train on"},
		{[][]int32{{}, {}}, 5, 3, "no tokens to train on"},
		{[][]int32{{0}, {1, 3}}, 5, 3, "token 1 of document 1 is 3: must be in [0, 3)"},
		{[][]int32{{-1}}, 5, 3, "token 0 of document 0 is -1"},
	} {
		if _, err := eval.TrainNGram(test.docs, test.order, test.vocab); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}
}

func BenchmarkTrainNGram(b *testing.B) {
	docs, _ := austen(b)
	tokens := 0
	for _, d := range docs {
		tokens += len(d)
	}
	b.SetBytes(int64(tokens)) // so MB/s are million tokens a second
	for b.Loop() {
		train(b, docs, 6, ascii)
	}
}

func BenchmarkNGramScore(b *testing.B) {
	docs, held := austen(b)
	m := train(b, docs, 6, ascii)
	b.SetBytes(int64(len(held)))
	for b.Loop() {
		m.Score(held)
	}
}
