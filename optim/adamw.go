package optim

import (
	"fmt"
	"math"

	"fsdfm/ops/kernel"
)

// AdamW updates one flat parameter vector (Loshchilov & Hutter 2019, decoupled
// decay on every value).
type AdamW struct {
	Config  Config
	Moment1 []float32
	Moment2 []float32
}

// NewAdamW makes an optimizer for n values with zero moments.
func NewAdamW(c Config, n int) *AdamW {
	return &AdamW{Config: c, Moment1: make([]float32, n), Moment2: make([]float32, n)}
}

// Step applies update number step (from 1) with learning rate lr, clipping the
// gradient to Config.Clip, and moves ema (nil: none) towards the new values by
// 1-emaDecay. It returns the gradient's norm before the clip; a norm that is
// not finite is an error and changes nothing.
func (a *AdamW) Step(params, grads, ema []float32, step int, lr, emaDecay float64) (norm float64, err error) {
	norm = math.Sqrt(kernel.SumSquares(grads))
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, fmt.Errorf("optim: the gradient norm at step %d is %v: lower the learning rate or look at the data", step, norm)
	}
	scale := 1.0
	if a.Config.Clip > 0 {
		scale = min(1, a.Config.Clip/(norm+1e-6))
	}
	kernel.AdamW(params, a.Moment1, a.Moment2, ema, grads, kernel.AdamWStep{
		LR: lr, Beta1: a.Config.Beta1, Beta2: a.Config.Beta2, Eps: a.Config.Eps, WeightDecay: a.Config.WeightDecay,
		Bias1: 1 - math.Pow(a.Config.Beta1, float64(step)), Bias2: 1 - math.Pow(a.Config.Beta2, float64(step)),
		GradScale: scale, EMADecay: emaDecay,
	})
	return norm, nil
}

// LearningRate is linear warm-up, then a cosine from LR to LR*MinLRRatio over
// the steps 1..total. Steps count from 1.
func (c Config) LearningRate(step, total int) float64 {
	if step < c.Warmup {
		return c.LR * float64(step) / float64(c.Warmup)
	}
	low := c.LR * c.MinLRRatio
	if total <= c.Warmup {
		return c.LR
	}
	x := float64(step-c.Warmup) / float64(total-c.Warmup)
	return low + (c.LR-low)*(1+math.Cos(math.Pi*x))/2
}
