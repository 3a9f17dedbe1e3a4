package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"fsdfm/eval"
)

// p = (3/4, 1/4, 0) and q = (1/4, 1/4, 1/2): the middle is (1/2, 1/4, 1/4).
func TestJensenShannonByHand(t *testing.T) {
	a := eval.CountGrams([][]int32{{1, 1, 1, 2}}, 1)
	b := eval.CountGrams([][]int32{{1, 2}, {3, 3}}, 1)
	want := (0.75*math.Log2(1.5) + 0.25*math.Log2(0.5) + 0.5*math.Log2(2)) / 2
	for name, got := range map[string]float64{"a, b": eval.JensenShannon(a, b), "b, a": eval.JensenShannon(b, a)} {
		near(t, name, got, want, 1e-14) // rounding
	}
}

func TestJensenShannonEnds(t *testing.T) {
	a := eval.CountGrams([][]int32{{1, 2, 3}, {2, 3}}, 2)  // 12, 23, 23
	same := eval.CountGrams([][]int32{{2, 3, 2, 3, 9}}, 2) // 23, 32, 23, 39
	if got := eval.JensenShannon(a, a); got != 0 {
		t.Errorf("of itself: %v", got)
	}
	if got := eval.JensenShannon(a, eval.CountGrams([][]int32{{4, 5, 6}}, 2)); got != 1 {
		t.Errorf("nothing in common: %v, want 1", got)
	}
	if got := eval.JensenShannon(a, same); !(got > 0 && got < 1) {
		t.Errorf("something in common: %v", got)
	}
	if got := eval.JensenShannon(a, eval.CountGrams([][]int32{{1}}, 2)); !math.IsNaN(got) {
		t.Errorf("without an n-gram: %v, want NaN", got)
	}
}

// The better a sampler, the nearer it is to other text of the same author.
func TestJensenShannonOrdersText(t *testing.T) {
	docs, held := austen(t)
	reference := eval.CountGrams(docs[:20], 3)
	r := rand.New(rand.NewPCG(3, 4))
	last := 0.0
	for _, text := range []struct {
		name string
		row  []int32
	}{{"real", held[:8000]}, {"bigram sample", markov(r, held[:8000], 1)}, {"unigram sample", markov(r, held[:8000], 0)}} {
		d := eval.JensenShannon(eval.CountGrams([][]int32{text.row}, 3), reference)
		t.Logf("%-15s %.3f", text.name, d)
		if d < 1.2*last {
			t.Errorf("%s: %.3f bits, should be well above %.3f", text.name, d, last)
		}
		last = d
	}
}
