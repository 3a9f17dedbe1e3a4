package flow

import "math"

// exp is e^d for d in [leastExponent, 0], rounded as well as a float32 can be:
// math.Exp takes twice as long, and a solver spends most of its step here.
//
// With n = d/ln 2 rounded and z the rest, at most ln(2)/2, it is 2^n times the
// Taylor series of e^z.
func exp(d float32) float32 {
	const round = 3 << 51 // adding it leaves no room for a fraction
	y := float64(d) * math.Log2E
	n := y + round
	z := (y - (n - round)) * math.Ln2
	series := 1 + z*(1+z*(1.0/2+z*(1.0/6+z*(1.0/24+z*(1.0/120+z*(1.0/720+z*(1.0/5040)))))))
	return float32(series * math.Float64frombits((math.Float64bits(n)+1023)<<52))
}
