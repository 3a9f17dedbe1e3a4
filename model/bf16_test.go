package model_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/ops"
)

// inBF16 keeps w's matrices in bfloat16.
func inBF16(t testing.TB, w *model.Weights) *model.Weights {
	half, err := model.ReadBF16(w.Config, func(e model.Entry, dst []float32) error {
		copy(dst, w.View(e.Name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return half
}

// random draws every value, also those that Init leaves zero.
func random(c model.Config) *model.Weights {
	w := model.NewWeights(c)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range w.Data {
		w.Data[i] = 0.3 * float32(rng.NormFloat64())
	}
	return w
}

func logitsOf(t testing.TB, w *model.Weights, rows int) []float32 {
	x := flow.NewTokens(rows, tiny.Length)
	times, steps := make([]float64, rows), make([]float64, rows)
	for i := range x.IDs {
		x.IDs[i] = int32(i % tiny.VocabSize)
	}
	for i := range times {
		times[i], steps[i] = float64(i)/float64(rows), 0.125
	}
	logits, err := model.NewDenoiser(w).Logits(x, times, steps)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// TestBF16 wants the logits of a float32 network with rounded matrices, and
// those of the network itself up to that rounding.
func TestBF16(t *testing.T) {
	fused := tiny.Student()
	fused.StepConditioning, fused.Masked = model.Fused, true
	for _, c := range []model.Config{tiny, tiny.Student(), fused} {
		w := random(c)
		rounded := w.Clone()
		for _, e := range w.Entries {
			if len(e.Shape) == 2 {
				view := rounded.View(e.Name)
				half := make([]ops.BF16, len(view))
				ops.RoundBF16(half, view)
				for i, b := range half {
					view[i] = b.Float32()
				}
			}
		}
		half := inBF16(t, w)
		if !half.Rounded() || w.Rounded() {
			t.Error("Rounded does not tell which weights are")
		}
		for _, rows := range []int{1, 3} {
			got := logitsOf(t, half, rows)
			golden.Near(t, "logits over rounded weights", got, logitsOf(t, rounded, rows), 1e-6)
			// A value rounds by at most 2^-9 of itself; a dozen products in a
			// row, each of which may pass that on.
			golden.Near(t, "logits", got, logitsOf(t, w, rows), 12./(1<<9))
		}
	}
}

func TestReadBF16PassesErrorsOn(t *testing.T) {
	broken := errors.New("the file is short")
	if _, err := model.ReadBF16(tiny, func(model.Entry, []float32) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// TestBF16TakesHalfTheMemory measures what weights keep on the heap.
func TestBF16TakesHalfTheMemory(t *testing.T) {
	c := model.Config{VocabSize: 5000, HiddenSize: 128, CondDim: 64, Blocks: 2, Heads: 4, StepConditioning: model.Additive}
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	w := model.NewWeights(c)
	full := heap() - before
	before = heap()
	half := inBF16(t, w)
	share := (heap() - before) / full
	if math.Abs(share-0.5) > 0.02 { // vectors stay float32
		t.Errorf("weights in bfloat16 take %.3f of the memory", share)
	}
	runtime.KeepAlive(w)
	runtime.KeepAlive(half)
}

// BenchmarkForward runs networks with both kinds of weights in turn.
func BenchmarkForward(b *testing.B) {
	for _, c := range []model.Config{
		{VocabSize: 256, HiddenSize: 256, CondDim: 128, Blocks: 6, Heads: 4, StepConditioning: model.Additive},
		{VocabSize: 50257, HiddenSize: 768, CondDim: 128, Blocks: 12, Heads: 12, StepConditioning: model.Additive},
	} {
		for _, length := range []int{64, 1024} {
			b.Run(fmt.Sprintf("V=%d/L=%d", c.VocabSize, length), func(b *testing.B) {
				w := model.NewWeights(c)
				w.Init(1)
				networks := []*model.Denoiser{model.NewDenoiser(w), model.NewDenoiser(inBF16(b, w))}
				x, fast := flow.NewTokens(1, length), []float64{math.Inf(1), math.Inf(1)}
				for b.Loop() {
					for i, d := range networks {
						begun := time.Now()
						if _, err := d.Logits(x, []float64{0.5}, nil); err != nil {
							b.Fatal(err)
						}
						fast[i] = min(fast[i], time.Since(begun).Seconds()*1000)
					}
				}
				b.ReportMetric(fast[0], "fp32-ms")
				b.ReportMetric(fast[1], "bf16-ms")
			})
		}
	}
}
