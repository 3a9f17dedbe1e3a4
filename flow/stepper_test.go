package flow_test

import (
	"slices"
	"sync"
	"testing"

	"fsdfm/flow"
)

// Who moves which position does not matter.
func TestStepperIsTheSameInAnyOrder(t *testing.T) {
	const vocab = 40
	src := flow.Mask{Vocab: vocab - 1}
	logits := make([]float32, 3*21*vocab)
	for i, r := 0, flow.Streams(8, "logits", 0, 1)[0]; i < len(logits); i++ {
		logits[i] = 10 * float32(r.Float64())
	}
	orders := map[string]func(n int, body func(i int)){
		"backwards": func(n int, body func(i int)) {
			for i := range n {
				body(n - 1 - i)
			}
		},
		"at once": func(n int, body func(i int)) {
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { body(i) })
			}
			all.Wait()
		},
	}
	for _, name := range flow.SolverNames() {
		solver, err := flow.NewSolver(name, flow.Polynomial{N: 1}, src)
		if err != nil {
			t.Fatal(err)
		}
		for _, solver := range []flow.Solver{solver, flow.FinalDraw{Mask: src.Mask()}} {
			run := func(s flow.Stepper) []int32 {
				x, rng := flow.NewTokens(3, 21), flow.Streams(9, "order", 0, 3)
				for i := range x.IDs {
					x.IDs[i] = int32(vocab - 1 - i%2)
				}
				for range 2 { // the second time with buffers at hand
					s.Step(solver, x, slices.Clone(logits), []float64{0, 0.2, 0.9}, []float64{0.5, 0.7, 0.05}, rng)
				}
				return x.IDs
			}
			want := run(flow.Stepper{})
			for order, parallel := range orders {
				if got := run(flow.Stepper{Parallel: parallel}); !slices.Equal(got, want) {
					t.Errorf("%T %s: tokens %v, in order %v", solver, order, got, want)
				}
			}
		}
	}
}
