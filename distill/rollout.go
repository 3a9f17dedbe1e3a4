package distill

import (
	"context"
	"fmt"

	"fsdfm/flow"
)

// Rollout is the many-step teacher: it samples whole trajectories and keeps the
// states after k/Grid of the steps, k = 0..Grid.
type Rollout struct {
	Sampler flow.Sampler
	Length  int
	Steps   int // model evaluations of a trajectory
	Grid    int // divides Steps
	Spacing flow.Spacing
	Seed    uint64
}

// Trajectories samples numbers first..first+n-1. A trajectory depends only on
// the seed and its number: states [n][(Grid+1)*L], time first.
func (r *Rollout) Trajectories(ctx context.Context, first int64, n int, progress func(step int)) ([][]int32, error) {
	if r.Grid < 1 || r.Steps%r.Grid != 0 {
		return nil, fmt.Errorf("distill: %d steps cannot be kept on a grid of %d: the grid must divide the steps", r.Steps, r.Grid)
	}
	streams := flow.Streams(r.Seed, "rollout", first, n)
	x := flow.NewTokens(n, r.Length)
	r.Sampler.Source.Sample(x, streams)
	states := make([][]int32, n)
	keep := func() {
		for i := range states {
			states[i] = append(states[i], x.Row(i)...)
		}
	}
	keep()
	every := r.Steps / r.Grid
	err := r.Sampler.Run(ctx, x, r.Spacing.Grid(r.Steps), streams, nil, func(step int, _ float64, _ flow.Tokens) {
		if step%every == 0 {
			keep()
		}
		if progress != nil {
			progress(step)
		}
	})
	return states, err
}
