package flow

import (
	"context"
	"fmt"
	"math"
)

// Sampler runs a network from noise to data. It keeps its buffers between
// calls, so it is for one goroutine at a time.
type Sampler struct {
	Denoiser Denoiser
	Solver   Solver
	Source   Source
	Stepper  Stepper
	// Candidates are the jumps tried at every step but the last, each for one
	// evaluation more; see Jumper. Below 2: one jump.
	Candidates int
	Commonness []float32 // [V], what the choice among them adds for every token; nil: nothing

	leg    Leg
	final  FinalDraw
	jumper Jumper
}

// Run takes x [B, L] through the times of grid, in place: a solver's step for
// each interval but the last, which is a FinalDraw. Row i draws from rng[i]
// only.
//
// Positions marked in frozen [B, L] keep the token they came with; nil freezes
// none. observe, if not nil, sees every state: after step 1, 2, .., at time t.
// If ctx ends, Run returns its error between two steps.
func (s *Sampler) Run(ctx context.Context, x Tokens, grid []float64, rng []Rand, frozen []bool, observe func(step int, t float64, x Tokens)) error {
	if err := s.check(x, grid, rng, frozen); err != nil {
		return err
	}
	s.begin(x, frozen)
	last := len(grid) - 1
	var logits []float32 // at x, if already known
	for step := 1; step <= last; step++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("flow: stopped before sampling step %d of %d: %w", step, last, err)
		}
		err := s.step(x, grid[step-1:min(step+2, len(grid))], &logits, rng)
		if err != nil {
			return fmt.Errorf("flow: sampling step %d of %d: %w", step, last, err)
		}
		if observe != nil {
			observe(step, grid[step], x)
		}
	}
	return nil
}

// step goes from the first to the second of times; a third is where the next
// step ends, and without it this is the last. logits are those at x if they are
// already known, else nil, before and after.
func (s *Sampler) step(x Tokens, times []float64, logits *[]float32, rng []Rand) error {
	if *logits == nil {
		var err error
		if *logits, err = s.ask(x, times[0], times[1]); err != nil {
			return err
		}
	}
	s.leg.set(times)
	switch {
	case len(times) < 3:
		s.Stepper.Step(&s.final, x, *logits, s.leg.T, s.leg.H, rng)
	case s.Candidates > 1:
		var err error
		if *logits, err = s.jumper.Jump(s.Solver, x, *logits, s.leg, rng); err != nil {
			return err
		}
		return s.areNumbers(x, *logits)
	default:
		s.Stepper.Step(s.Solver, x, *logits, s.leg.T, s.leg.H, rng)
	}
	*logits = nil
	s.jumper.settle(x)
	return nil
}

// ask evaluates the network for the step from one time to the next.
func (s *Sampler) ask(x Tokens, from, to float64) ([]float32, error) {
	s.leg.set([]float64{from, to})
	logits, err := s.Denoiser.Logits(x, s.leg.T, s.leg.H)
	if err != nil {
		return nil, err
	}
	return logits, s.areNumbers(x, logits)
}

// areNumbers reports weights that have diverged.
func (s *Sampler) areNumbers(x Tokens, logits []float32) error {
	v := s.Denoiser.Vocab()
	for i := range x.IDs { // one logit a position tells: NaN spreads through a layer
		if l := float64(logits[i*v]); math.IsNaN(l) {
			return fmt.Errorf("the logits of row %d, position %d are not numbers: the weights have diverged, use an earlier checkpoint", i/x.Length, i%x.Length)
		}
	}
	return nil
}

// begin prepares for a run of x.
func (s *Sampler) begin(x Tokens, frozen []bool) {
	s.final.Mask = s.Source.Mask()
	s.leg.resize(x.Batch)
	j := &s.jumper
	j.Denoiser, j.Stepper, j.Candidates, j.Commonness = s.Denoiser, &s.Stepper, s.Candidates, s.Commonness
	j.given, j.frozen = append(j.given[:0], x.IDs...), frozen
}

func (s *Sampler) check(x Tokens, grid []float64, rng []Rand, frozen []bool) error {
	rows := s.Source.Rows()
	switch {
	case x.Batch < 1 || x.Length < 1 || len(x.IDs) != x.Batch*x.Length:
		return fmt.Errorf("flow: %d tokens for %d rows of %d: must be as many, at least one", len(x.IDs), x.Batch, x.Length)
	case len(rng) != x.Batch:
		return fmt.Errorf("flow: %d random streams for %d rows: every row needs its own", len(rng), x.Batch)
	case frozen != nil && len(frozen) != len(x.IDs):
		return fmt.Errorf("flow: %d frozen marks for %d tokens: must be as many, or none", len(frozen), len(x.IDs))
	case len(grid) < 2:
		return fmt.Errorf("flow: a run of no steps: ask for at least 1")
	case s.Denoiser.Vocab() != rows:
		return fmt.Errorf("flow: the network has %d tokens but the source %d: the source must be the one it was trained with", s.Denoiser.Vocab(), rows)
	}
	for i, id := range x.IDs {
		if id < 0 || int(id) >= rows {
			return fmt.Errorf("flow: token %d in row %d, position %d: must be in [0, %d)", id, i/x.Length, i%x.Length, rows)
		}
	}
	for i, t := range grid {
		if !(t >= 0 && t <= 1) || i > 0 && t <= grid[i-1] {
			return fmt.Errorf("flow: time %v at place %d of the grid: times must rise within [0, 1]", t, i)
		}
	}
	return nil
}
