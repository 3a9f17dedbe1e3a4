package flow

// Ancestral draws the clean token x_1 from p and moves there with probability
// (kappa(t+h)-kappa(t)) / (1-kappa(t)): the exact step of the mixture path
// towards a fixed x_1.
type Ancestral struct {
	Scheduler Scheduler
}

// Euler is Ancestral with the instantaneous scale: it moves with probability
// 1 - exp(-h*kappa'/(1-kappa)). It is the sampler of the undistilled baseline
// (arXiv 2407.15595).
type Euler struct {
	Scheduler Scheduler
}

var (
	_ Solver = Ancestral{}
	_ Solver = Euler{}
)

// Move implements Solver.
func (a Ancestral) Move(p Position) int32 {
	return moveToClean(p, Cumulative(a.Scheduler, p.T, p.H))
}

// Move implements Solver.
func (e Euler) Move(p Position) int32 {
	return moveToClean(p, Instantaneous(e.Scheduler, p.T, p.H))
}

// moveToClean decides first whether to move, since that does not depend on x_1:
// the posterior is needed only where it does.
func moveToClean(p Position, scale float64) int32 {
	if p.Whether >= JumpProbability(scale, p.H) {
		return p.Token
	}
	return p.Draw(p.Weigh())
}
