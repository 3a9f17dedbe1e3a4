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

// Step implements Solver.
func (a Ancestral) Step(x Tokens, logits []float32, t, h []float64, rng []Rand) {
	stepToClean(a.Scheduler, Cumulative, x, logits, t, h, rng)
}

// Step implements Solver.
func (e Euler) Step(x Tokens, logits []float32, t, h []float64, rng []Rand) {
	stepToClean(e.Scheduler, Instantaneous, x, logits, t, h, rng)
}

// stepToClean decides first whether to move, since that does not depend on
// x_1: the posterior is needed only where it does.
func stepToClean(s Scheduler, scale Scale, x Tokens, logits []float32, t, h []float64, rng []Rand) {
	checkStep(x, logits, t, h, rng)
	for i, r := range rng {
		move := JumpProbability(scale(s, t[i], h[i]), h[i])
		eachPosition(x, i, logits, func(token *int32, logits []float32) {
			if r.Float64() < move {
				_, total := exponentiate(logits, -1)
				*token = draw(logits, total, r.Float64(), *token)
			}
		})
	}
}
