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

// Move implements Solver.
func (m MixtureEuler) Move(p Position) int32 {
	if m.Mask >= 0 && p.Token != m.Mask {
		return p.Token
	}
	sum := p.Weigh()
	if sum == 0 {
		return p.Token
	}
	if p.Token >= 0 && int(p.Token) < len(p.Logits) {
		p.Logits[p.Token] = 0
	}
	// Weights are p*sum, rates p/step.
	step := max(p.H, leastStep)
	perRate := sum * step
	total := raise(p.Logits, leastRate*perRate)
	if p.Whether < JumpProbability(min(total/perRate, mostJumps/step), p.H) {
		return p.Draw(total)
	}
	return p.Token
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
