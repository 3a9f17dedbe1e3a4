package kernel

// The tanh form of GELU is x/2 (1 + tanh(u)) = x sigmoid(2u), 2u = x (geluC1 + geluC3 x^2)
// with geluC1 = 2 sqrt(2/pi) and geluC3 = 0.044715 geluC1.
const (
	geluC1 = 1.5957691216057308
	geluC3 = 0.07135481627260025
)

// GELU computes dst[i] = gelu(x[i]), tanh form. dst may be x.
func GELU(dst, x []float32) {
	if len(dst) != len(x) {
		panic("kernel: GELU: dst and x differ in length")
	}
	parallelRanges(len(x), elementGrain, func(lo, hi int) { use.gelu(dst[lo:hi], x[lo:hi]) })
}

// GELUBackward computes dx[i] = dy[i] gelu'(x[i]). dx may be dy or x.
func GELUBackward(dx, dy, x []float32) {
	if len(dx) != len(x) || len(dy) != len(x) {
		panic("kernel: GELUBackward: slices differ in length")
	}
	parallelRanges(len(x), elementGrain, func(lo, hi int) {
		use.geluBackward(dx[lo:hi], dy[lo:hi], x[lo:hi])
	})
}

func geluPlain(dst, x []float32) {
	for i, v := range x {
		dst[i] = v / (1 + exp32(-v*(geluC1+geluC3*v*v)))
	}
}

// gelu' = s + x s (1 - s) (geluC1 + 3 geluC3 x^2) with s = sigmoid(2u).
func geluBackwardPlain(dx, dy, x []float32) {
	for i, v := range x {
		s := 1 / (1 + exp32(-v*(geluC1+geluC3*v*v)))
		dx[i] = dy[i] * (s + v*s*(1-s)*(geluC1+3*geluC3*v*v))
	}
}
