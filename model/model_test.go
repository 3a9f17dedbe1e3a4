package model_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
)

func TestGoldenEmbeddings(t *testing.T) {
	c := golden.Load(t, "scheduler_path")
	times := c.Float64("in/t_emb")
	got := make([]float32, len(times)*256)
	model.Sinusoid(got, times)
	golden.Near(t, "time embedding", got, c.Float32("out/timestep_embedding"), 1e-6) // fp32 rounding of the reference's arguments
	network := model.Config{HiddenSize: 32, Heads: 2}
	golden.Near(t, "rotary frequencies", network.RotaryFrequencies(), c.Float32("out/rotary_inv_freq"), 1e-6)
}

// TestLogStepEmbedding: a network told h by its logarithm answers like one told
// ln(1/h) itself.
func TestLogStepEmbedding(t *testing.T) {
	c := model.Config{VocabSize: 5, Length: 3, HiddenSize: 8, CondDim: 4, Blocks: 1, Heads: 2, StepAware: true, StepConditioning: model.Fused, StepEmbedding: model.Log}
	w := model.NewWeights(c)
	w.Init(3)
	for i := range w.Data { // the zero layers too, or h would not show
		w.Data[i] += float32(i%7-3) / 20
	}
	raw := *w
	raw.Config.StepEmbedding = model.Raw
	x := flow.NewTokens(1, 3)
	logits := func(w *model.Weights, h float64) []float32 {
		l, err := model.NewDenoiser(w).Logits(x, []float64{0.5}, []float64{h})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	got, want := logits(w, 1./64), logits(&raw, math.Log(64))
	golden.Near(t, "logits", got, want, 0)
	if slices.Equal(got, logits(&raw, 1./64)) {
		t.Error("the raw step size gives the same logits: the test shows nothing")
	}
}

// TestPaperSizes pins the parameter counts of METHOD: 169.6 M and 170.2 M at
// 768 x 12, 1.33 B at 2048 x 21, 1.71 B at 2048 x 28.
func TestPaperSizes(t *testing.T) {
	base := model.Config{VocabSize: 50257, HiddenSize: 768, CondDim: 128, Blocks: 12, Heads: 12, StepConditioning: model.Fused}
	large := model.Config{VocabSize: 50257, HiddenSize: 2048, CondDim: 256, Blocks: 21, Heads: 32, StepConditioning: model.Fused}
	larger := large
	larger.Blocks = 28
	for _, tc := range []struct {
		c        model.Config
		millions float64
		within   float64
	}{{base, 169.6, 0.05}, {base.Student(), 170.2, 0.05}, {large, 1330, 5}, {larger, 1710, 5}} {
		if got := float64(tc.c.Parameters()) / 1e6; math.Abs(got-tc.millions) > tc.within {
			t.Errorf("%d x %d has %.2f M parameters, want %.1f", tc.c.HiddenSize, tc.c.Blocks, got, tc.millions)
		}
	}
}

var tiny = model.Config{VocabSize: 11, Length: 8, HiddenSize: 16, CondDim: 8, Blocks: 2, Heads: 2, StepConditioning: model.Additive}

func TestInit(t *testing.T) {
	for _, c := range []model.Config{tiny, tiny.Student(), {VocabSize: 11, Masked: true, HiddenSize: 16, CondDim: 8, Blocks: 1, Heads: 2, StepAware: true, StepConditioning: model.Fused}} {
		w := model.NewWeights(c)
		w.Init(3)
		if c.Parameters() != len(w.Data) {
			t.Errorf("%d parameters counted, %d laid out", c.Parameters(), len(w.Data))
		}
		again := model.NewWeights(c)
		again.Init(3)
		if w.Hash() != again.Hash() {
			t.Error("the same seed drew other weights")
		}
		again.Init(4)
		if w.Hash() == again.Hash() {
			t.Error("another seed drew the same weights")
		}
		for _, e := range w.Entries {
			largest := 0.0
			for _, v := range w.View(e.Name) {
				largest = max(largest, math.Abs(float64(v)))
			}
			zero := strings.Contains(e.Name, "adaLN_modulation") || strings.HasPrefix(e.Name, "output_layer.linear") ||
				c.StepConditioning == model.Additive && strings.HasPrefix(e.Name, "dt_embedding.mlp.2")
			if (largest == 0) != zero {
				t.Errorf("%s: largest value %v, want zero: %v", e.Name, largest, zero)
			}
			if len(e.Shape) == 2 && !zero && e.Name != "vocab_embed.weight" && largest > 1/math.Sqrt(float64(e.Shape[1])) {
				t.Errorf("%s: largest value %v is above 1/sqrt(%d)", e.Name, largest, e.Shape[1])
			}
		}
	}
}

// TestShapesShareAnArena: graphs of several batch shapes and two networks give
// the same logits whatever ran before.
func TestShapesShareAnArena(t *testing.T) {
	w := model.NewWeights(tiny)
	w.Init(1)
	for i := range w.View("output_layer.linear.weight") {
		w.View("output_layer.linear.weight")[i] = float32(math.Sin(float64(i)))
	}
	d := model.NewDenoiser(w)
	logits := func(rows int) []float32 {
		x := flow.NewTokens(rows, tiny.Length)
		for i := range x.IDs {
			x.IDs[i] = int32(i % tiny.VocabSize)
		}
		times := make([]float64, rows)
		view, err := d.Logits(x, times, nil)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(view)
	}
	first := logits(1)
	all := logits(5)
	golden.Near(t, "the first of five rows", all[:len(first)], first, 0)
	golden.Near(t, "one row again", logits(1), first, 0)
}

func TestWrongShapes(t *testing.T) {
	d := model.NewDenoiser(model.NewWeights(tiny))
	x := flow.NewTokens(2, tiny.Length)
	if _, err := d.Logits(x, make([]float64, 1), nil); err == nil {
		t.Error("one time for two rows was accepted")
	}
	x.IDs[0] = 11
	if _, err := d.Logits(x, make([]float64, 2), nil); err == nil || !strings.Contains(err.Error(), "token 11") {
		t.Errorf("error is %v, want one that names the token", err)
	}
}

func TestValidate(t *testing.T) {
	c := model.Config{Heads: 3, HiddenSize: 16, Dropout: 1, StepConditioning: "both"}
	err := c.Validate()
	if err == nil {
		t.Fatal("a broken config was accepted")
	}
	for _, want := range []string{"cond_dim", "n_blocks", "n_heads", "dropout", "step_conditioning"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}
