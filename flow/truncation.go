package flow

import (
	"slices"
	"sync"
)

// Truncation keeps the likeliest tokens of a posterior and renormalises it. It
// acts on p, before a solver makes rates of it: a token that is cut has p = 0,
// and a position that holds one is left at the full rate of the scale. Tokens as
// likely as the last one kept are kept too. The zero value keeps all.
type Truncation struct {
	TopK int     // the k likeliest stay; 0: all
	TopP float64 // then the fewest stay that hold this share of what is left; 0 or 1: all
}

// Active reports whether it may cut anything.
func (c Truncation) Active() bool { return c.TopK > 0 || c.TopP > 0 && c.TopP < 1 }

// cut sets the weights of cut tokens to 0 and returns the sum of the others;
// sum is that of all.
func (c Truncation) cut(weights []float32, sum float64) float64 {
	if !(sum > 0) {
		return sum
	}
	if c.TopK > 0 && c.TopK < len(weights) {
		sum = drop(weights, float64(c.TopK), boundOfTopK(weights, c.TopK), func(float32) float64 { return 1 })
	}
	if c.TopP > 0 && c.TopP < 1 {
		// All smaller ones together have less than the share to be cut.
		bound := (1 - c.TopP) * sum / float64(len(weights))
		sum = drop(weights, c.TopP*sum, float32(bound), func(w float32) float64 { return float64(w) })
	}
	return sum
}

// boundOfTopK is at most the k-th largest weight: the k-th largest of the
// maxima of blocks, which are few.
func boundOfTopK(weights []float32, k int) float32 {
	const block = 64
	if len(weights) < k*block {
		return 0
	}
	buffer := scratch.Get().(*[]float32)
	defer scratch.Put(buffer)
	*buffer = (*buffer)[:0]
	for w := range slices.Chunk(weights, block) {
		*buffer = append(*buffer, slices.Max(w))
	}
	return threshold(*buffer, float64(k), func(float32) float64 { return 1 })
}

// drop sets all weights below the threshold, which is at least bound, to 0 and
// returns the sum of the others.
func drop(weights []float32, need float64, bound float32, mass func(float32) float64) (sum float64) {
	buffer := scratch.Get().(*[]float32)
	defer scratch.Put(buffer)
	*buffer = (*buffer)[:0]
	for _, w := range weights {
		if w > 0 && w >= bound {
			*buffer = append(*buffer, w)
		}
	}
	least := threshold(*buffer, need, mass)
	for v, w := range weights {
		if w < least {
			weights[v] = 0
		} else {
			sum += float64(w)
		}
	}
	return sum
}

// scratch holds copies of a position's weights: positions are moved by several
// goroutines.
var scratch = sync.Pool{New: func() any { return new([]float32) }}

// threshold is the largest value of w such that the values of at least it have
// a mass of need, above 0; if all together have less, the smallest one. It
// reorders w: a quickselect that looks only into the part that holds the answer.
func threshold(w []float32, need float64, mass func(float32) float64) float32 {
	for {
		pivot := median(w[0], w[len(w)/2], w[len(w)-1])
		above, equal := partition(w, pivot)
		held := 0.0
		for _, v := range w[:above] {
			held += mass(v)
		}
		if above > 0 && held >= need {
			w = w[:above]
			continue
		}
		need -= held + float64(equal-above)*mass(pivot)
		if need <= 0 || equal == len(w) {
			return pivot
		}
		w = w[equal:]
	}
}

// partition orders w into values above the pivot, w[:above], equal to it,
// w[above:equal], and below.
func partition(w []float32, pivot float32) (above, equal int) {
	below := len(w)
	for equal < below {
		switch v := w[equal]; {
		case v > pivot:
			w[above], w[equal] = v, w[above]
			above++
			equal++
		case v < pivot:
			below--
			w[equal], w[below] = w[below], v
		default:
			equal++
		}
	}
	return above, equal
}

func median(a, b, c float32) float32 { return max(min(a, b), min(max(a, b), c)) }
