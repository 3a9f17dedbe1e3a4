package golden

import (
	"math"
	"testing"

	"fsdfm/model"
)

// Network is the case's shape as a model.Config with the reference's step
// conditioning.
func (c *Case) Network(stepAware bool) model.Config {
	k := c.Config
	return model.Config{
		VocabSize: k.Vocab, Masked: k.Masked, Length: k.Length, HiddenSize: k.HiddenSize, CondDim: k.CondDim,
		Blocks: k.Blocks, Heads: k.Heads, StepAware: stepAware, StepConditioning: model.Fused,
	}
}

// Weights reads a network whose parameters stand under prefix; later cases
// overlay earlier ones.
func Weights(config model.Config, prefix string, cases ...*Case) *model.Weights {
	w := model.NewWeights(config)
	for _, e := range w.Entries {
		found := false
		for _, c := range cases {
			if c.Has(prefix + e.Name) {
				copy(w.View(e.Name), c.Float32(prefix+e.Name))
				found = true
			}
		}
		if !found {
			cases[0].t.Fatalf("golden parameter %s is missing", prefix+e.Name)
		}
	}
	return w
}

// NearTraining holds parameters after training to the tolerances of the golden
// README: rms 1e-6, largest 2e-4. flat has w's layout; the case holds what is
// wanted under prefix.
func NearTraining(t testing.TB, prefix string, c *Case, w *model.Weights, flat []float32) {
	t.Helper()
	sum, n := 0.0, 0
	for _, e := range w.Entries {
		want := c.Float32(prefix + e.Name)
		for i, v := range w.Slice(flat, e) {
			d := math.Abs(float64(v) - float64(want[i]))
			if !(d <= 2e-4) {
				t.Errorf("%s%s[%d] is %v, want %v", prefix, e.Name, i, v, want[i])
			}
			sum, n = sum+d*d, n+1
		}
	}
	if rms := math.Sqrt(sum / float64(n)); !(rms <= 1e-6) {
		t.Errorf("%s: rms difference %.2g, tolerance 1e-6", prefix, rms)
	}
}
