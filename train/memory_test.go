package train_test

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/ops"
	"fsdfm/train"
)

// gradient computes the gradient of a network with dropout twice, the second
// time added to the first.
func gradient(t *testing.T, w *model.Weights, arena *ops.Arena, rows int) []float32 {
	t.Helper()
	grad, batch := make([]float32, len(w.Data)), rowsLoss(rows, loss.CrossEntropy{})
	g, p, err := model.Compile(func() (*model.Graph, *ops.Program, error) {
		g, err := model.Build(w, grad, arena, rows, w.Config.Length)
		if err != nil {
			return nil, nil, err
		}
		dx := loss.Head(g.Builder, g.Hidden, g.Output.Weight, g.Output.Bias, batch)
		p, err := g.Builder.CompileFrom(g.Hidden, dx)
		return g, p, err
	})
	if err != nil {
		t.Fatal(err)
	}
	ids, times, h := make([]int32, rows*w.Config.Length), make([]float64, rows), make([]float64, rows)
	for i := range ids {
		ids[i] = int32(i*i) % int32(w.Config.VocabSize)
	}
	for i := range times {
		times[i], h[i], g.Seeds[i] = float64(i)/float64(rows), 0.125, uint64(i)
	}
	batch.X1 = ids
	if err := g.Feed(ids, times, h); err != nil {
		t.Fatal(err)
	}
	for _, g.Builder.Accumulate = range []bool{false, true} {
		if _, err := p.Run(); err != nil {
			t.Fatal(err)
		}
	}
	return grad
}

// TestPlanChangesNothing: gradients are bit-equal whether every output owns its
// memory, lies in a shared arena, after programs of other shapes too, or is
// recomputed.
func TestPlanChangesNothing(t *testing.T) {
	for name, c := range map[string]model.Config{"pretrained": tiny, "student": tiny.Student(), "fused": {
		VocabSize: 11, Length: 8, HiddenSize: 16, CondDim: 8, Blocks: 3, Heads: 2, Dropout: 0.1, StepAware: true, StepConditioning: model.Fused,
	}} {
		t.Run(name, func(t *testing.T) {
			w := model.NewWeights(c)
			w.Init(3)
			for i := range w.Data {
				w.Data[i] += 0.05 * float32(math.Sin(float64(i))) // the start values gate every block off
			}
			arena, small := ops.NewArena(), ops.NewArena()
			small.Recompute = true
			for _, rows := range []int{2, 5, 3} {
				want := gradient(t, w, nil, rows)
				golden.Near(t, "gradient", gradient(t, w, arena, rows), want, 0)
				golden.Near(t, "gradient with recomputation", gradient(t, w, small, rows), want, 0)
				if slices.Max(want) < 1e-3 {
					t.Error("the gradient is next to nothing")
				}
			}
		})
	}
}

// heap is the memory in use.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// TestTrainingBytes compares the estimate with what a loop and one backward
// pass allocate.
func TestTrainingBytes(t *testing.T) {
	deep := model.Config{VocabSize: 77, Length: 64, HiddenSize: 96, CondDim: 32, Blocks: 8, Heads: 4, Dropout: 0.1, StepConditioning: model.Additive}
	wide := model.Config{VocabSize: 9000, Length: 128, HiddenSize: 128, CondDim: 64, Blocks: 2, Heads: 4, StepConditioning: model.Additive}
	for name, tc := range map[string]struct {
		model.Config
		recompute bool
	}{"deep": {deep, false}, "deep, recomputed": {deep, true}, "wide": {wide, false}} {
		t.Run(name, func(t *testing.T) {
			const rows = 8
			c := train.DefaultConfig()
			c.Recompute = tc.recompute
			x, batch := flow.NewTokens(rows, tc.Length), rowsLoss(rows, loss.CrossEntropy{})
			batch.X1 = x.IDs
			before := heap()
			w := model.NewWeights(tc.Config)
			w.Init(1)
			l := train.New(c, w)
			if err := l.Learner.Backward(x, make([]float64, rows), nil, nil, batch, false); err != nil {
				t.Fatal(err)
			}
			// 25 %: the estimate leaves out what grows with the rows alone, and
			// the kernels' scratch.
			got, want := heap()-before, tc.TrainingBytes(rows, tc.Length, tc.recompute)
			if math.Abs(got/want-1) > 0.25 {
				t.Errorf("%.1f MB allocated, %.1f estimated", got/1e6, want/1e6)
			}
			t.Logf("%.1f MB allocated, %.1f estimated", got/1e6, want/1e6)
			runtime.KeepAlive(l)
		})
	}
}
