// Package sample turns a trained network and a budget of steps into text, and
// reads and writes exported models.
package sample

import (
	"context"
	"fmt"

	"fsdfm/flow"
)

// Generator draws samples. Sample i of a seed is the same whatever batch it is
// drawn in.
type Generator struct {
	Sampler flow.Sampler
	Length  int // tokens a sample
	Batch   int // samples drawn together
	Seed    uint64
	Given   []int32 // tokens at the start that stay as they are, at most Length
}

// Draw makes n samples with a budget of steps. progress (nil: none) is told how
// many model evaluations of steps*batches are done.
func (g *Generator) Draw(ctx context.Context, steps, n int, progress func(done int)) ([][]int32, error) {
	if steps < 1 {
		return nil, fmt.Errorf("steps is %d: a budget is at least 1 step", steps)
	}
	if n < 1 {
		return nil, fmt.Errorf("n is %d: ask for at least 1 sample", n)
	}
	if len(g.Given) > g.Length {
		return nil, fmt.Errorf("the prompt has %d tokens but a sample only %d: shorten it", len(g.Given), g.Length)
	}
	samples, done := make([][]int32, 0, n), 0
	for first := 0; first < n; first += g.Batch {
		x := flow.NewTokens(min(g.Batch, n-first), g.Length)
		streams := flow.Streams(g.Seed, "sample", int64(first), x.Batch)
		g.Sampler.Source.Sample(x, streams)
		frozen := g.freeze(x)
		err := g.Sampler.Run(ctx, x, flow.TimeGrid(steps), streams, frozen, func(int, float64, flow.Tokens) {
			if done++; progress != nil {
				progress(done)
			}
		})
		if err != nil {
			return nil, err
		}
		for i := range x.Batch {
			samples = append(samples, x.Row(i))
		}
	}
	return samples, nil
}

// freeze writes the given tokens into every row and marks them.
func (g *Generator) freeze(x flow.Tokens) []bool {
	if len(g.Given) == 0 {
		return nil
	}
	frozen := make([]bool, len(x.IDs))
	for i := range x.Batch {
		copy(x.Row(i), g.Given)
		for j := range g.Given {
			frozen[i*x.Length+j] = true
		}
	}
	return frozen
}
