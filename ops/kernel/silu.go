package kernel

// SiLU computes dst[i] = x[i] sigmoid(x[i]). dst may be x.
func SiLU(dst, x []float32) {
	if len(dst) != len(x) {
		panic("kernel: SiLU: dst and x differ in length")
	}
	parallelRanges(len(x), elementGrain, func(lo, hi int) { use.silu(dst[lo:hi], x[lo:hi]) })
}

// SiLUBackward computes dx[i] = dy[i] silu'(x[i]). dx may be dy or x.
func SiLUBackward(dx, dy, x []float32) {
	if len(dx) != len(x) || len(dy) != len(x) {
		panic("kernel: SiLUBackward: slices differ in length")
	}
	parallelRanges(len(x), elementGrain, func(lo, hi int) {
		use.siluBackward(dx[lo:hi], dy[lo:hi], x[lo:hi])
	})
}

func siluPlain(dst, x []float32) {
	for i, v := range x {
		dst[i] = v / (1 + exp32(-v))
	}
}

// silu' = s + x s (1 - s) with s = sigmoid(x).
func siluBackwardPlain(dx, dy, x []float32) {
	for i, v := range x {
		s := 1 / (1 + exp32(-v))
		dx[i] = dy[i] * (s + v*s*(1-s))
	}
}
