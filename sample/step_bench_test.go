package sample_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"fsdfm/flow"
	"fsdfm/model"
)

// timed adds up the time that a network takes.
type timed struct {
	flow.Denoiser
	spent time.Duration
}

func (t *timed) Logits(x flow.Tokens, at, h []float64) ([]float32, error) {
	begun := time.Now()
	defer func() { t.spent += time.Since(begun) }()
	return t.Denoiser.Logits(x, at, h)
}

// BenchmarkStep reports which share of a sampling step is spent outside the
// network, for the last two steps of a budget: the jumping step in which most
// positions jump, one in two, and the one that draws every position.
func BenchmarkStep(b *testing.B) {
	const length = 1024
	small := model.Config{VocabSize: 256, HiddenSize: 256, CondDim: 128, Blocks: 6, Heads: 4, StepAware: true, StepConditioning: model.Additive}
	wide := model.Config{VocabSize: 50257, HiddenSize: 768, CondDim: 128, Blocks: 12, Heads: 12, StepAware: true, StepConditioning: model.Additive}
	for _, c := range []model.Config{small, wide} {
		w := randomWeights(c)
		for _, rows := range []int{1, 8} {
			for _, steps := range []int{8, 1024} {
				b.Run(fmt.Sprintf("V=%d/rows=%d/steps=%d", c.VocabSize, rows, steps), func(b *testing.B) {
					benchmarkStep(b, w, flow.NewTokens(rows, length), 1/float64(steps))
				})
			}
		}
	}
}

func benchmarkStep(b *testing.B, w *model.Weights, x flow.Tokens, h float64) {
	source, network := flow.Uniform{Vocab: w.Config.VocabSize}, &timed{Denoiser: model.NewDenoiser(w)}
	s := flow.Sampler{Denoiser: network, Solver: flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}, Source: source, Stepper: model.NewStepper()}
	rng := flow.Streams(1, "step", 0, x.Batch)
	source.Sample(x, rng)
	var total, inside [2]time.Duration
	begun := time.Now()
	lap := func(step int, _ float64, _ flow.Tokens) {
		now := time.Now()
		total[step-1], inside[step-1] = total[step-1]+now.Sub(begun), inside[step-1]+network.spent
		begun, network.spent = now, 0
	}
	run := func() {
		begun, network.spent = time.Now(), 0
		if err := s.Run(context.Background(), x, []float64{1 - 2*h, 1 - h, 1}, rng, nil, lap); err != nil {
			b.Fatal(err)
		}
	}
	run() // compiles the graph and touches the memory
	total, inside = [2]time.Duration{}, [2]time.Duration{}
	for b.Loop() {
		run()
	}
	for i, name := range []string{"jumping", "drawing"} {
		b.ReportMetric(100*float64(total[i]-inside[i])/float64(total[i]), name+"-outside-%")
	}
	b.ReportMetric(inside[0].Seconds()*1000/float64(b.N), "ms/forward")
	b.ReportMetric((total[1]-inside[1]).Seconds()*1000/float64(b.N), "ms/draw")
}

// randomWeights have logits that differ from token to token, unlike the start
// of training.
func randomWeights(c model.Config) *model.Weights {
	w := model.NewWeights(c)
	w.Init(1)
	rng := rand.New(rand.NewPCG(1, 2))
	out := w.View("output_layer.linear.weight")
	for i := range out {
		out[i] = 0.1 * float32(rng.NormFloat64())
	}
	return w
}
