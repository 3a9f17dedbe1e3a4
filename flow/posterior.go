package flow

import "math"

// An exponent below this is taken as -Inf: its weight would not be a normal
// float32.
const leastExponent = -87

// exponentiate turns one position's logits [V] into the weights
// exp(logit - max) of its posterior, in place, except that the weight of x
// becomes 0. It returns that weight and the sum of all others: 1-p(x), which
// decides whether to jump, loses no digits where p(x) is close to 1.
//
// A logit that is NaN counts as -Inf, +Inf takes all the mass. If no logit is
// above -Inf all weights are 0 and so are both results. An x outside the
// logits has weight 0.
func exponentiate(logits []float32, x int32) (stay, others float64) {
	top := float32(math.Inf(-1))
	for _, l := range logits {
		if l > top {
			top = l
		}
	}
	if math.IsInf(float64(top), -1) {
		clear(logits)
		return 0, 0
	}
	if x < 0 || int(x) >= len(logits) {
		return 0, weigh(logits, top)
	}
	stay = weigh(logits[x:x+1], top)
	others = weigh(logits[:x], top) + weigh(logits[x+1:], top)
	logits[x] = 0
	return stay, others
}

// weigh replaces logits by exp(logit - top) and returns the sum.
func weigh(logits []float32, top float32) float64 {
	sum := 0.0
	for v, l := range logits {
		w := float32(0)
		if d := l - top; d > leastExponent {
			w = exp(d)
		} else if l == top { // +Inf
			w = 1
		}
		logits[v] = w
		sum += float64(w)
	}
	return sum
}

// draw returns the first token whose cumulative weight exceeds u*total, u in
// [0, 1), in index order; if rounding leaves none, the last token of positive
// weight. Without any such it returns otherwise.
func draw(weight []float32, total, u float64, otherwise int32) int32 {
	target, sum := u*total, 0.0
	for v, w := range weight {
		sum += float64(w)
		if sum > target {
			return int32(v)
		}
	}
	for v := len(weight) - 1; v >= 0; v-- {
		if weight[v] > 0 {
			return int32(v)
		}
	}
	return otherwise
}
