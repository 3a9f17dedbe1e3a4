package kernel

import "math"

// elementGrain is the number of elements one task of an elementwise kernel works on.
const elementGrain = 1 << 14

// Exp computes dst[i] = exp(x[i]) with a relative error of at most 1e-7. Results below the
// smallest normal number are 0. dst may be x.
func Exp(dst, x []float32) {
	if len(dst) != len(x) {
		panic("kernel: Exp: dst and x differ in length")
	}
	parallelRanges(len(x), elementGrain, func(lo, hi int) { use.exp(dst[lo:hi], x[lo:hi]) })
}

func expPlain(dst, x []float32) {
	for i, v := range x {
		dst[i] = exp32(v)
	}
}

// exp(x) = 2^n exp(r) with n = round(x/ln 2) and |r| <= ln(2)/2. ln 2 is split in two so
// that n*ln2High is exact; exp(r) = 1 + r + r^2 (expC2 + ... + expC6 r^4), where the
// coefficients interpolate at the Chebyshev nodes (relative error 1.1e-8).
const (
	log2E   = 1.44269504088896340736
	ln2High = 0.693359375
	ln2Low  = -2.12194440054690583e-4
	expC2   = 0.5
	expC3   = 0.1666657698969869
	expC4   = 0.04166655461720141
	expC5   = 0.008363179052728216
	expC6   = 0.0013926183587875844
	expMax  = 88.72283   // above: +Inf
	expMin  = -87.336544 // below: 0
	// Adding rounder to |x| < 2^22 leaves round(x) in the low bits of the sum.
	rounder = 3 << 22
)

func exp32(x float32) float32 {
	if x > expMax {
		return float32(math.Inf(1))
	}
	if x < expMin {
		return 0
	}
	t := x*log2E + rounder
	n := t - rounder
	r := x - n*ln2High - n*ln2Low
	q := expC2 + r*(expC3+r*(expC4+r*(expC5+r*expC6)))
	p := 1 + (r + r*r*q)
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(t)<<23)
}
