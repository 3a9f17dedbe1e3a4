package distill

import "fsdfm/flow"

// Teacher yields the logits that a student's logits at (x, t, h) should match.
type Teacher interface {
	// Target writes logits [B, L, V] for states x [B, L] at times t [B] with
	// step sizes h [B]. x is left as it was.
	Target(dst []float32, x flow.Tokens, t, h []float64, rng []flow.Rand) error
}

// Shortcut is the teacher of arXiv 2509.20624, section 3.3: the average of a
// few evaluations of the EMA student with half the step size, each from the
// state that the one before jumped to.
type Shortcut struct {
	flow.Jumper // whose Candidates the most coherent is kept of, at each such state
	Solver      flow.Solver
	Stages      []Stage

	leg flow.Leg
}

var _ Teacher = (*Shortcut)(nil)

// Target implements Teacher.
func (s *Shortcut) Target(dst []float32, x flow.Tokens, t, h []float64, rng []flow.Rand) error {
	state := x.Clone()
	half := append(s.leg.H[:0], h...)
	for i := range half {
		half[i] /= 2
	}
	s.leg = flow.Leg{T: append(s.leg.T[:0], t...), H: half, NextT: append(s.leg.NextT[:0], t...), NextH: half}
	logits, err := s.Denoiser.Logits(state, s.leg.T, half)
	if err != nil {
		return err
	}
	clear(dst)
	add(dst, logits, s.Stages[0].Weight)
	for _, stage := range s.Stages[1:] {
		for i := range t {
			s.leg.NextT[i] = min(1, t[i]+stage.At*h[i])
		}
		if logits, err = s.Jump(s.Solver, state, logits, s.leg, rng); err != nil {
			return err
		}
		add(dst, logits, stage.Weight)
		s.leg.T, s.leg.NextT = s.leg.NextT, s.leg.T
	}
	return nil
}

// add adds weight * logits to dst.
func add(dst, logits []float32, weight float64) {
	w := float32(weight)
	for i, v := range logits {
		dst[i] += w * v
	}
}
