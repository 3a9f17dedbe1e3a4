package flow

// EulerCumulative jumps along the velocity of the cumulative scale (arXiv
// 2509.20624, section 3.2): with probability 1 - exp(-h*scale*(1-p(x))), to a
// token drawn from p without x.
type EulerCumulative struct {
	Scheduler Scheduler
}

var _ Solver = EulerCumulative{}

// Move implements Solver.
func (e EulerCumulative) Move(p Position) int32 {
	scale := Cumulative(e.Scheduler, p.T, p.H)
	if p.Whether >= JumpProbability(scale, p.H) { // stays even if p(x) = 0
		return p.Token
	}
	stay, others := p.Split()
	if others > 0 && p.Whether < JumpProbability(scale*others/(stay+others), p.H) {
		return p.Draw(others)
	}
	return p.Token
}
