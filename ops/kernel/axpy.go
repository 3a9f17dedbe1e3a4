package kernel

// Axpy computes dst[i] += a x[i]. It runs on the caller's goroutine: call it from Parallel
// for many rows.
func Axpy(dst []float32, a float32, x []float32) {
	if len(dst) != len(x) {
		panic("kernel: Axpy: dst and x must have the same length")
	}
	use.axpy(dst, a, x)
}

func axpyPlain(dst []float32, a float32, x []float32) {
	for i, v := range x {
		dst[i] += a * v
	}
}
