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
	Spacing flow.Spacing // of the times of a budget
	// Temperature is that of the posterior; 0 is 1.
	Temperature float64
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
	samples, done := make([][]int32, 0, n), 0
	count := func(step int, _ float64, _ flow.Tokens) {
		if step == 0 {
			return
		}
		if done++; progress != nil {
			progress(done)
		}
	}
	for first := 0; first < n; first += g.Batch {
		blanks := make([]Template, min(g.Batch, n-first))
		for i := range blanks {
			blanks[i] = Blank(g.Length)
		}
		drawn, err := g.Complete(ctx, g.Spacing.Grid(steps), first, blanks, count)
		if err != nil {
			return nil, err
		}
		samples = append(samples, drawn...)
	}
	return samples, nil
}

// Complete draws the samples numbered first, first+1, .. together, one for each
// template [L], through the times of grid. observe (nil: none) sees x [B, L] at
// the start, as step 0, and after every step.
func (g *Generator) Complete(ctx context.Context, grid []float64, first int, templates []Template, observe func(step int, t float64, x flow.Tokens)) ([][]int32, error) {
	x := flow.NewTokens(len(templates), g.Length)
	streams := flow.Streams(g.Seed, "sample", int64(first), x.Batch)
	g.Sampler.Source.Sample(x, streams)
	frozen, err := freeze(x, templates)
	if err != nil {
		return nil, err
	}
	if observe != nil {
		observe(0, grid[0], x)
	}
	if g.Temperature > 0 {
		network := g.Sampler.Denoiser
		defer func() { g.Sampler.Denoiser = network }()
		g.Sampler.Denoiser = flow.Tempered{Denoiser: network, Temperature: g.Temperature}
	}
	if err := g.Sampler.Run(ctx, x, grid, streams, frozen, observe); err != nil {
		return nil, err
	}
	samples := make([][]int32, x.Batch)
	for i := range samples {
		samples[i] = x.Row(i)
	}
	return samples, nil
}

// freeze writes the given tokens into their rows and marks them [B, L].
func freeze(x flow.Tokens, templates []Template) ([]bool, error) {
	frozen := make([]bool, len(x.IDs))
	for i, t := range templates {
		if len(t) != x.Length {
			return nil, fmt.Errorf("a template has %d tokens but a sample %d: must be as many", len(t), x.Length)
		}
		for j, id := range t {
			if id != Free {
				x.Row(i)[j], frozen[i*x.Length+j] = id, true
			}
		}
	}
	return frozen, nil
}
