package kernel

import "math"

// AdamWStep holds the numbers of one optimizer step k. Bias1 and Bias2 are 1 - Beta1^k and
// 1 - Beta2^k; GradScale multiplies the gradient first (clipping, averaging); EMADecay is
// used only with an EMA copy.
type AdamWStep struct {
	LR, Beta1, Beta2, Eps, WeightDecay, Bias1, Bias2, GradScale, EMADecay float64
}

// adamWConstants are the factors of AdamW's inner loop.
type adamWConstants struct {
	gradScale, beta1, rest1, beta2, rest2 float32 // rest = 1 - beta
	decay                                 float32 // 1 - LR WeightDecay
	stepSize                              float32 // LR / Bias1
	invSqrtBias2, eps                     float32
	restEMA                               float32 // 1 - EMADecay
}

// AdamW updates the parameters p, their moments m and v, and if ema is not nil its moving
// average, from the gradient g (Loshchilov & Hutter 2019, algorithm 2):
//
//	g' = GradScale g
//	m = Beta1 m + (1-Beta1) g';  v = Beta2 v + (1-Beta2) g'^2
//	p = (1 - LR WeightDecay) p - LR/Bias1 m / (sqrt(v)/sqrt(Bias2) + Eps)
//	ema += (1-EMADecay) (p - ema)
func AdamW(p, m, v, ema, g []float32, s AdamWStep) {
	if len(m) != len(p) || len(v) != len(p) || len(g) != len(p) || (ema != nil && len(ema) != len(p)) {
		panic("kernel: AdamW: slices differ in length")
	}
	c := adamWConstants{
		gradScale: float32(s.GradScale),
		beta1:     float32(s.Beta1), rest1: float32(1 - s.Beta1),
		beta2: float32(s.Beta2), rest2: float32(1 - s.Beta2),
		decay: float32(1 - s.LR*s.WeightDecay), stepSize: float32(s.LR / s.Bias1),
		invSqrtBias2: float32(1 / math.Sqrt(s.Bias2)), eps: float32(s.Eps),
		restEMA: float32(1 - s.EMADecay),
	}
	parallelRanges(len(p), elementGrain, func(lo, hi int) {
		use.adamW(p[lo:hi], m[lo:hi], v[lo:hi], partOf(ema, lo, hi), g[lo:hi], &c)
	})
}

func adamWPlain(p, m, v, ema, g []float32, c *adamWConstants) {
	for i := range p {
		gi := g[i] * c.gradScale
		mi := c.beta1*m[i] + c.rest1*gi
		vi := c.beta2*v[i] + c.rest2*gi*gi
		m[i], v[i] = mi, vi
		root := float32(math.Sqrt(float64(vi)))
		p[i] = p[i]*c.decay - c.stepSize*mi/(root*c.invSqrtBias2+c.eps)
		if ema != nil {
			ema[i] += c.restEMA * (p[i] - ema[i])
		}
	}
}
