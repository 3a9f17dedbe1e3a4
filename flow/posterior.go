package flow

import "math"

// An exponent below this is taken as -Inf: its weight would not be a normal
// float32.
const leastExponent = -87

// weigh is Stepper.Weigh in plain Go: it replaces logits by exp(logit - top),
// top the largest of them, and returns top and the sum.
func weigh(logits []float32) (top float32, sum float64) {
	top = float32(math.Inf(-1))
	for _, l := range logits {
		if l > top {
			top = l
		}
	}
	if math.IsInf(float64(top), -1) {
		clear(logits)
		return top, 0
	}
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
	return top, sum
}

// draw returns the first token whose cumulative weight exceeds u*total, u in
// [0, 1), in index order; if rounding leaves none, the last token of positive
// weight. Without any such it returns otherwise.
func draw(weight []float32, total, u float64, otherwise int32) int32 {
	target := u * total
	first, sum := skip(weight, target)
	for v := first; v < len(weight); v++ {
		if sum += float64(weight[v]); sum > target {
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

// skip returns the first token of the block of 8 in which the cumulative weight
// exceeds target, and the sum before it. One addition after the other would
// take three times as long.
func skip(weight []float32, target float64) (first int, sum float64) {
	for ; first+8 <= len(weight); first += 8 {
		w := (*[8]float32)(weight[first:])
		block := (float64(w[0]) + float64(w[1])) + (float64(w[2]) + float64(w[3])) +
			((float64(w[4]) + float64(w[5])) + (float64(w[6]) + float64(w[7])))
		if sum+block > target {
			break
		}
		sum += block
	}
	return first, sum
}
