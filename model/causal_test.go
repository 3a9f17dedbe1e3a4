package model_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
)

// judge is a causal network in which every tensor matters.
func judge() *model.Weights {
	w := model.NewWeights(tiny.Judge())
	rng := rand.New(rand.NewPCG(2, 0))
	for i := range w.Data {
		w.Data[i] = float32(rng.NormFloat64()) / 4
	}
	return w
}

// TestCausal changes one token at a time: logits before it stay bit for bit,
// its own and some later ones do not.
func TestCausal(t *testing.T) {
	const rows, length = 2, 21 // across a strip of 16 queries
	d, rng := model.NewDenoiser(judge()), rand.New(rand.NewPCG(1, 0))
	x := flow.NewTokens(rows, length)
	for i := range x.IDs {
		x.IDs[i] = int32(rng.IntN(tiny.VocabSize))
	}
	logits := func() []float32 {
		view, err := d.NextLogits(x)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(view)
	}
	before, v := logits(), d.Vocab()
	for i := range length {
		was := x.Row(1)[i]
		x.Row(1)[i] = (was + 1) % int32(tiny.VocabSize)
		after, at := logits(), (length+i)*v
		golden.Near(t, "logits before the change", after[:at], before[:at], 0)
		if slices.Equal(after[at:at+v], before[at:at+v]) {
			t.Errorf("logits at position %d do not depend on its token", i)
		}
		if last := len(after) - v; slices.Equal(after[last:], before[last:]) {
			t.Errorf("the last logits do not depend on token %d", i)
		}
		x.Row(1)[i] = was
	}
}

func TestNextLogitsOfADenoiser(t *testing.T) {
	if _, err := model.NewDenoiser(model.NewWeights(tiny)).NextLogits(flow.NewTokens(1, 8)); err == nil {
		t.Error("a network that sees all tokens gave next-token logits")
	}
	if err := tiny.Judge().Student().Validate(); err == nil {
		t.Error("a causal student was accepted")
	}
}
