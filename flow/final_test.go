package flow_test

import (
	"math"
	"slices"
	"testing"

	"fsdfm/flow"
	"fsdfm/flow/flowtest"
)

func finalStep(x flow.Tokens, logits []float32, src flow.Source, rng []flow.Rand) {
	t := make([]float64, x.Batch)
	step(flow.FinalDraw{Mask: src.Mask()}, x, logits, t, t, rng)
}

func TestFinalDrawGolden(t *testing.T) {
	g := readGolden(t, "sampler_stats")
	const draws = 20000
	for name, src := range map[string]flow.Source{"out/final_uniform": flow.Uniform{Vocab: 7}, "out/final_mask": flow.Mask{Vocab: 6}} {
		x := flow.Tokens{Batch: 1, Length: draws, IDs: slices.Repeat([]int32{6}, draws)}
		finalStep(x, slices.Repeat(logarithms(g.floats("in/p_1t")), draws), src, flow.Streams(12, name, 0, 1))
		t.Run(name, func(t *testing.T) { flowtest.Frequencies(t, count(x.IDs, 7), g.doubles(name)) })
	}
}

func TestFinalDrawWritesMaskedPositionsOnly(t *testing.T) {
	x := flow.Tokens{Batch: 1, Length: 3, IDs: []int32{0, 2, 1}}
	r := &replay{t, slices.Repeat([]float64{0.5}, 6)}
	finalStep(x, slices.Repeat([]float32{-40, 0, 9}, 3), flow.Mask{Vocab: 2}, []flow.Rand{r})
	if want := []int32{0, 1, 1}; !slices.Equal(x.IDs, want) || len(r.uniforms) > 0 {
		t.Errorf("tokens %v with %d uniforms left, want %v with none", x.IDs, len(r.uniforms), want)
	}
}

func TestFinalDrawWithoutNumbersKeepsTheToken(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, l := range []float32{nan, inf} {
		x := flow.Tokens{Batch: 1, Length: 2, IDs: []int32{1, 2}}
		finalStep(x, slices.Repeat([]float32{l}, 6), flow.Uniform{Vocab: 3}, flow.Streams(1, "nan", 0, 1))
		if want := []int32{1, 2}; !slices.Equal(x.IDs, want) {
			t.Errorf("logits %v: tokens %v, want %v", l, x.IDs, want)
		}
	}
}
