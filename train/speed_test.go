package train_test

import (
	"runtime"
	"testing"

	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/train"
)

// BenchmarkStep is a forward and backward pass of networks like the shipped
// ones; tokens/s is its figure, MB what its graph holds.
func BenchmarkStep(b *testing.B) {
	large := model.Config{VocabSize: 8192, Length: 256, HiddenSize: 256, CondDim: 128, Blocks: 6, Heads: 4, StepConditioning: model.Additive}
	for name, c := range map[string]struct {
		model.Config
		recompute bool
	}{
		"quickstart": {model.Config{VocabSize: 77, Length: 64, HiddenSize: 192, CondDim: 64, Blocks: 4, Heads: 4, StepConditioning: model.Additive}, false},
		"V8192":      {large, false}, "V8192 recomputed": {large, true},
	} {
		b.Run(name, func(b *testing.B) {
			w := model.NewWeights(c.Config)
			w.Init(1)
			l := train.NewLearner(w)
			l.Recompute = c.recompute
			rows := 2048 / c.Length
			x := flow.NewTokens(rows, c.Length)
			batch := rowsLoss(rows, loss.CrossEntropy{})
			batch.X1 = x.IDs
			t := make([]float64, rows)
			run := func() {
				if err := l.Backward(x, t, nil, nil, batch, false); err != nil {
					b.Fatal(err)
				}
			}
			before := heap()
			run()
			held := heap() - before
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(b.N*2048)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(held/1e6, "MB")
			runtime.KeepAlive(l)
		})
	}
}
