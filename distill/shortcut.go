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
	Denoiser flow.Denoiser
	Solver   flow.Solver
	Stages   []Stage
	Stepper  flow.Stepper

	t, h []float64
}

var _ Teacher = (*Shortcut)(nil)

// Target implements Teacher.
func (s *Shortcut) Target(dst []float32, x flow.Tokens, t, h []float64, rng []flow.Rand) error {
	state := x.Clone()
	s.t, s.h = append(s.t[:0], t...), append(s.h[:0], h...)
	for i := range s.h {
		s.h[i] /= 2
	}
	clear(dst)
	for k, stage := range s.Stages {
		for i := range s.t {
			s.t[i] = min(1, t[i]+stage.At*h[i])
		}
		logits, err := s.Denoiser.Logits(state, s.t, s.h)
		if err != nil {
			return err
		}
		w := float32(stage.Weight)
		for i, v := range logits {
			dst[i] += w * v
		}
		if k+1 < len(s.Stages) {
			s.Stepper.Step(s.Solver, state, logits, s.t, s.h, rng)
		}
	}
	return nil
}
