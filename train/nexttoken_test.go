package train_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"fsdfm/data"
	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/train"
)

func newJudge(w *model.Weights) *train.NextToken {
	return &train.NextToken{Learner: train.NewLearner(w), EMA: model.NewDenoiser(w), Seed: 4}
}

// TestNextTokenGradient compares the gradient with central differences of the
// loss along random directions, tensor by tensor.
func TestNextTokenGradient(t *testing.T) {
	c := tiny.Judge()
	c.Dropout = 0
	w, rng := model.NewWeights(c), rand.New(rand.NewPCG(5, 0))
	for i := range w.Data {
		w.Data[i] = float32(rng.NormFloat64()) / 4
	}
	o, x := newJudge(w), flow.NewTokens(3, tiny.Length)
	for i := range x.IDs {
		x.IDs[i] = int32(rng.IntN(c.VocabSize))
	}
	m := train.Micro{X1: x, Total: 3}
	value, err := o.Loss(m)
	if err != nil {
		t.Fatal(err)
	}
	grad := append([]float32(nil), o.Learner.Grad...)
	evaluate := func() float64 {
		v, err := o.Evaluate(m)
		if err != nil {
			t.Fatal(err)
		}
		return v / 3
	}
	golden.NearScalar(t, "loss with and without a gradient", value/3, evaluate(), 1e-6)
	for _, e := range w.Entries {
		data, was := w.View(e.Name), append([]float32(nil), w.View(e.Name)...)
		direction, want := make([]float64, len(data)), 0.0
		for i, g := range w.Slice(grad, e) {
			direction[i] = math.Copysign(1, rng.Float64()-0.5)
			want += direction[i] * float64(g)
		}
		const eps = 1e-3
		shifted := func(by float64) float64 {
			for i, d := range direction {
				data[i] = was[i] + float32(by*d)
			}
			return evaluate()
		}
		got := (shifted(eps) - shifted(-eps)) / (2 * eps)
		copy(data, was)
		// 1e-3: rounding of the float32 loss over 2 eps, and eps^2 of the third derivative.
		if math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
			t.Errorf("%s: derivative along a direction is %v, differences say %v", e.Name, want, got)
		}
	}
}

// TestJudgeLearns a sequence in which two tokens decide the next: x_i = x_{i-1}
// + x_{i-2} mod V. Only the second token of a row stays a guess.
func TestJudgeLearns(t *testing.T) {
	const rows, length = 121, 8
	v := tiny.VocabSize
	ids := make([]int32, 0, rows*length)
	for r := range rows {
		a, b := r%v, r/v
		for range length {
			ids = append(ids, int32(a))
			a, b = b, (a+b)%v
		}
	}
	all, err := data.NewRows(ids, length)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(t, t.TempDir(), false)
	c := tiny.Judge()
	c.HiddenSize, c.Dropout = 32, 0
	w := model.NewWeights(c)
	w.Init(3)
	config := l.Config
	config.Steps, config.Batch, config.MicroBatch, config.LogEvery, config.CheckpointEvery, config.EvalEvery = 400, 32, 32, 400, 400, 0
	judge := train.New(config, w)
	judge.Kind, judge.Dir, judge.Length, judge.RunConfig, judge.Metrics = "judge", t.TempDir(), length, l.RunConfig, l.Metrics
	o := &train.NextToken{Learner: judge.Learner, EMA: model.NewDenoiser(w)}
	judge.Objective, judge.Train = o, data.NewReader(all, 1)
	if err := judge.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	sum, err := o.Evaluate(train.Micro{X1: flow.Tokens{Batch: rows, Length: length, IDs: ids}, Total: rows})
	if err != nil {
		t.Fatal(err)
	}
	guess := math.Log(float64(v)) / (length - 1) // nats a token of the second token alone
	if got := sum / rows; got < guess-1e-3 || got > guess+0.1 {
		t.Errorf("loss is %.4f nats a token, want about %.4f", got, guess)
	}
}

func TestNextTokenRefuses(t *testing.T) {
	m := train.Micro{X1: flow.NewTokens(1, 8), Total: 1}
	if _, err := newJudge(model.NewWeights(tiny)).Loss(m); err == nil {
		t.Error("a network that sees all tokens was trained to predict the next")
	}
	m.X1 = flow.NewTokens(1, 1)
	if _, err := newJudge(model.NewWeights(tiny.Judge())).Loss(m); err == nil {
		t.Error("rows of one token were accepted")
	}
}
