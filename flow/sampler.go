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

	t, h  []float64 // [B]
	given []int32   // x as it came, [B, L]
	final FinalDraw
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
	s.resize(x)
	for step := 1; step < len(grid); step++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("flow: stopped before sampling step %d of %d: %w", step, len(grid)-1, err)
		}
		logits, err := s.ask(x, grid[step-1], grid[step])
		if err != nil {
			return fmt.Errorf("flow: sampling step %d of %d: %w", step, len(grid)-1, err)
		}
		solver := s.Solver
		if step == len(grid)-1 {
			solver = &s.final
		}
		s.Stepper.Step(solver, x, logits, s.t, s.h, rng)
		for i, keep := range frozen {
			if keep {
				x.IDs[i] = s.given[i]
			}
		}
		if observe != nil {
			observe(step, grid[step], x)
		}
	}
	return nil
}

// ask evaluates the network for the step from one time to the next.
func (s *Sampler) ask(x Tokens, from, to float64) ([]float32, error) {
	for i := range s.t {
		s.t[i], s.h[i] = from, to-from
	}
	logits, err := s.Denoiser.Logits(x, s.t, s.h)
	if err != nil {
		return nil, err
	}
	v := s.Denoiser.Vocab()
	for i := range x.IDs { // one logit a position tells: NaN spreads through a layer
		if l := float64(logits[i*v]); math.IsNaN(l) {
			return nil, fmt.Errorf("the logits of row %d, position %d are not numbers: the weights have diverged, use an earlier checkpoint", i/x.Length, i%x.Length)
		}
	}
	return logits, nil
}

func (s *Sampler) resize(x Tokens) {
	s.final.Mask = s.Source.Mask()
	if len(s.t) != x.Batch {
		s.t, s.h = make([]float64, x.Batch), make([]float64, x.Batch)
	}
	s.given = append(s.given[:0], x.IDs...)
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
