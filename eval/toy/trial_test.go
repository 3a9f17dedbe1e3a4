package main

import (
	"context"
	"testing"

	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/ops"
)

// TestStudent is the short form of the comparison: half of its compute, one
// seed, the distribution of the samples computed and not estimated.
func TestStudent(t *testing.T) {
	ops.SetThreads(1)
	ctx := context.Background()
	x := Enumerable("uniform", 0.25)
	x.Seed, x.Pretrain.Steps, x.Units = 3, x.Pretrain.Steps/2, x.Units/2
	own, err := x.Undistilled(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	distilled, units, err := x.Student(ctx, own, Best(x.Source))
	if err != nil {
		t.Fatal(err)
	}
	longer, err := x.Undistilled(ctx, units)
	if err != nil {
		t.Fatal(err)
	}
	// A row is routed at random, so that the cost is met on average only.
	if units < x.Units*9/10 || units > x.Units*11/10 {
		t.Errorf("the student cost %d units, want about %d", units, x.Units)
	}
	s := NewStates(x.source(), x.Length)
	joint := s.Joint(x.Chain)
	for _, steps := range []int{2, 4} {
		distance := func(d flow.Denoiser) float64 {
			p, err := s.Run(d, x.scheduler(), steps)
			if err != nil {
				t.Fatal(err)
			}
			return TotalVariation(p, joint)
		}
		few, many := distance(model.NewDenoiser(distilled)), distance(model.NewDenoiser(longer))
		t.Logf("%d steps: total variation %.3f, undistilled %.3f, exact posterior %.3f", steps, few, many, distance(x.Posterior()))
		// Of three seeds the worst ratio was 0.81 at 2 steps and 0.79 at 4.
		if !(few < 0.9*many) {
			t.Errorf("%d steps: total variation %v of the student, %v of the model of the same compute", steps, few, many)
		}
	}
}
