package kernel

import "math"

// SoftmaxRow computes dst[i] = exp(x[i] - lse) and returns lse = log(sum of exp(x[i])).
// dst may be x; one x[i] at least must be finite. It runs on the caller's goroutine: call it
// from Parallel for many rows.
func SoftmaxRow(dst, x []float32) (logSumExp float32) {
	if len(dst) != len(x) || len(x) == 0 {
		panic("kernel: SoftmaxRow: dst and x must have the same length, at least 1")
	}
	return use.softmaxRow(dst, x)
}

func softmaxRowPlain(dst, x []float32) float32 {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	var sum float64
	for i, v := range x {
		e := exp32(v - top)
		dst[i] = e
		sum += float64(e)
	}
	scale := float32(1 / sum)
	for i := range dst {
		dst[i] *= scale
	}
	return top + float32(math.Log(sum))
}
