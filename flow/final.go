package flow

import "math"

// FinalDraw is the step that ends a sampling run: every position is drawn from
// p, so a run of one step is one factorised draw. From a mask source only the
// positions still masked are drawn, and p(mask) is set to 0, before any
// truncation.
type FinalDraw struct {
	Mask int32 // of the source; -1 = none
}

var _ Solver = FinalDraw{}

// Move implements Solver.
func (f FinalDraw) Move(p Position) int32 {
	if f.Mask >= 0 {
		if p.Token != f.Mask {
			return p.Token
		}
		if int(f.Mask) < len(p.Logits) {
			p.Logits[f.Mask] = float32(math.Inf(-1))
		}
	}
	return p.Draw(p.Weigh())
}
