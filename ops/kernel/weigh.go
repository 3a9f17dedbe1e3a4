package kernel

import "math"

// Weigh replaces x by exp(x - top), top the largest of them, and returns top and the sum.
// NaN counts as -Inf, whose weight is 0. If top is +Inf it alone weighs 1; if it is -Inf,
// or x is empty, all weights and the sum are 0. It runs on the caller's goroutine.
//
// It is for draws from a softmax: the sum is of float64, as a draw is lost to rounding
// where it differs from the sum of the weights, and not normalised, as one that is drawn
// once need not be.
func Weigh(x []float32) (top float32, sum float64) {
	if top = use.topRow(x); math.IsInf(float64(top), 0) {
		return top, weighInfinite(x, top)
	}
	return top, use.weighRow(x, top)
}

// weighInfinite is the limit of finite logits.
func weighInfinite(x []float32, top float32) (sum float64) {
	for i, v := range x {
		x[i] = 0
		if v == top && v > 0 {
			x[i] = 1
			sum++
		}
	}
	return sum
}

func topRowPlain(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

func weighRowPlain(x []float32, top float32) (sum float64) {
	for i, v := range x {
		w := float32(0)
		if d := v - top; d >= expMin { // not for NaN
			w = exp32(d)
		}
		x[i] = w
		sum += float64(w)
	}
	return sum
}
