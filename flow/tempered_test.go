package flow_test

import (
	"slices"
	"testing"

	"fsdfm/flow"
)

var _ flow.Denoiser = flow.Tempered{}

func TestTemperedDividesTheLogits(t *testing.T) {
	for temperature, want := range map[float64][]float32{0.5: {2, -4}, 1: {1, -2}, 2: {0.5, -1}} {
		d := flow.Tempered{Denoiser: constant(1, -2), Temperature: temperature}
		got, err := d.Logits(flow.NewTokens(1, 1), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || d.Vocab() != 2 {
			t.Errorf("temperature %v: %v, want %v", temperature, got, want)
		}
	}
}
