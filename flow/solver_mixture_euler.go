package flow

// MixtureEuler is the other solver of the FS-DFM code, kept for comparison: its
// rates p/h make the jump probability, at most 1-exp(-1) = 0.632, the same for
// every h.
type MixtureEuler struct {
	Mask int32 // jumps from this token only; -1 = from every token
}

var _ Solver = MixtureEuler{}

// Bounds of the rates as that code sets them.
const (
	leastStep = 1e-8
	leastRate = 1e-9 // of every destination, x itself included
	mostJumps = 50   // of h*lambda
)

// Step implements Solver.
func (m MixtureEuler) Step(x Tokens, logits []float32, t, h []float64, rng []Rand) {
	checkStep(x, logits, t, h, rng)
	for i, r := range rng {
		step := max(h[i], leastStep)
		eachPosition(x, i, logits, func(token *int32, logits []float32) {
			u := r.Float64()
			if m.Mask >= 0 && *token != m.Mask {
				return
			}
			stay, others := exponentiate(logits, *token)
			if others+stay == 0 {
				return
			}
			// Weights are p*(stay+others), rates p/step.
			perRate := (stay + others) * step
			total := raise(logits, leastRate*perRate)
			if u < JumpProbability(min(total/perRate, mostJumps/step), h[i]) {
				*token = draw(logits, total, r.Float64(), *token)
			}
		})
	}
}

// raise lifts weights to at least least and returns their sum.
func raise(weight []float32, least float64) float64 {
	sum := 0.0
	for v, w := range weight {
		weight[v] = max(w, float32(least))
		sum += float64(weight[v])
	}
	return sum
}
