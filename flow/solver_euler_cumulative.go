package flow

// EulerCumulative jumps along the velocity of the cumulative scale (arXiv
// 2509.20624, section 3.2): with probability 1 - exp(-h*scale*(1-p(x))), to a
// token drawn from p without x.
type EulerCumulative struct {
	Scheduler Scheduler
}

var _ Solver = EulerCumulative{}

// Step implements Solver.
func (e EulerCumulative) Step(x Tokens, logits []float32, t, h []float64, rng []Rand) {
	checkStep(x, logits, t, h, rng)
	for i, r := range rng {
		scale := Cumulative(e.Scheduler, t[i], h[i])
		most := JumpProbability(scale, h[i]) // where p(x) = 0
		eachPosition(x, i, logits, func(token *int32, logits []float32) {
			u := r.Float64()
			if u >= most { // stays whatever p is
				return
			}
			stay, others := exponentiate(logits, *token)
			if others > 0 && u < JumpProbability(scale*others/(stay+others), h[i]) {
				*token = draw(logits, others, r.Float64(), *token)
			}
		})
	}
}
