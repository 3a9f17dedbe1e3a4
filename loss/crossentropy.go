package loss

import (
	"math"

	"fsdfm/ops/kernel"
)

// CrossEntropy is -ln p(x_1).
type CrossEntropy struct{}

// Position implements Loss: dz = p - [x_1].
func (CrossEntropy) Position(dz []float32, at *Position, weight float64) float64 {
	axpy(dz, weight, at.P)
	bump(dz, at.X1, -weight)
	return -at.logP(at.X1)
}

// axpy adds a*x to dz, unless dz is nil.
func axpy(dz []float32, a float64, x []float32) {
	if dz != nil {
		kernel.Axpy(dz, float32(a), x)
	}
}

// bump adds a to dz[i], unless dz is nil.
func bump(dz []float32, i int32, a float64) {
	if dz != nil {
		dz[i] += float32(a)
	}
}

// FinalDraw is -ln of the last step's kernel: the draw from p; with a mask
// token, only masked positions are drawn, from p without the mask.
type FinalDraw struct{ Mask int32 } // -1: no mask token

// Position implements Loss.
func (f FinalDraw) Position(dz []float32, at *Position, weight float64) float64 {
	if f.Mask < 0 {
		return CrossEntropy{}.Position(dz, at, weight)
	}
	if at.XT != f.Mask {
		return 0
	}
	// -ln p(x_1) + ln(1 - p(mask)), with 1 - p(mask) summed over the others
	mask, rest := float64(at.P[f.Mask]), 0.0
	for i, p := range at.P {
		if int32(i) != f.Mask {
			rest += float64(p)
		}
	}
	axpy(dz, weight*(1+mask/rest), at.P)
	bump(dz, at.X1, -weight)
	bump(dz, f.Mask, -weight*mask/rest)
	return math.Log(rest) - at.logP(at.X1)
}
