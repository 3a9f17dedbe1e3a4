package loss

import (
	"math"
	"slices"
)

// ForwardKL is KL(q || p) with q the softmax of the target logits. The zero
// value compares whole distributions; the fields restrict or weigh it as in
// knowledge distillation (Hinton et al. 2015 for the temperature).
type ForwardKL struct {
	Temperature float64 // tau of both softmaxes, value times tau^2; 0 means 1
	TopK        int     // only the teacher's k likeliest tokens, both renormalised; 0: all
	TopP        float64 // only the teacher's likeliest tokens while their sum stays within p, the first always; 0: all
	Confidence  bool    // times 1 - H(q)/ln(tokens compared)
}

// Position implements Loss: dz = p - q.
func (f ForwardKL) Position(dz []float32, at *Position, weight float64) float64 {
	if f != (ForwardKL{}) {
		return f.restricted(dz, at, weight)
	}
	q, lse := at.teacher()
	axpy(dz, weight, at.P)
	axpy(dz, -weight, q)
	shift := at.LogSumExp - lse
	sum := 0.0
	for i, qi := range q {
		if qi > 0 {
			sum += float64(qi) * (float64(at.Target[i]) - float64(at.Z[i]) + shift)
		}
	}
	return sum
}

// restricted compares tempered softmaxes over a support that the teacher
// chooses: dz = tau*(p - q) there, 0 elsewhere.
func (f ForwardKL) restricted(dz []float32, at *Position, weight float64) float64 {
	tau := f.Temperature
	if tau == 0 {
		tau = 1
	}
	support := f.support(at.Target, tau)
	lnQ, lnP := logSoftmax(at.Target, support, tau), logSoftmax(at.Z, support, tau)
	kl, entropy := 0.0, 0.0
	for i := range support {
		q := math.Exp(lnQ[i])
		kl += q * (lnQ[i] - lnP[i])
		entropy -= q * lnQ[i]
	}
	if f.Confidence {
		weight *= f.confidence(entropy, len(at.Target))
		kl *= f.confidence(entropy, len(at.Target))
	}
	if dz != nil {
		for i, v := range support {
			dz[v] += float32(weight * tau * (math.Exp(lnP[i]) - math.Exp(lnQ[i])))
		}
	}
	return tau * tau * kl
}

// confidence is 1 - H/ln(n), clamped, with n the tokens compared.
func (f ForwardKL) confidence(entropy float64, vocab int) float64 {
	n := vocab
	if f.TopK > 0 {
		n = min(f.TopK, vocab)
	}
	return 1 - min(1, max(0, entropy/math.Log(float64(n))))
}

// support lists the tokens compared, the teacher's likeliest first.
func (f ForwardKL) support(target []float32, tau float64) []int {
	order := make([]int, len(target))
	for i := range order {
		order[i] = i
	}
	if f.TopK == 0 && f.TopP == 0 {
		return order
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case target[a] > target[b]:
			return -1
		case target[a] < target[b]:
			return 1
		}
		return 0
	})
	if f.TopK > 0 {
		order = order[:min(f.TopK, len(order))]
	}
	if f.TopP > 0 {
		sum, n := 0.0, 0
		for _, ln := range logSoftmax(target, order, tau) {
			if sum += math.Exp(ln); n > 0 && sum > f.TopP {
				break
			}
			n++
		}
		order = order[:n]
	}
	return order
}

// logSoftmax is ln softmax(z/tau) over the support.
func logSoftmax(z []float32, support []int, tau float64) []float64 {
	ln := make([]float64, len(support))
	top := math.Inf(-1)
	for i, v := range support {
		ln[i] = float64(z[v]) / tau
		top = max(top, ln[i])
	}
	sum := 0.0
	for _, v := range ln {
		sum += math.Exp(v - top)
	}
	for i := range ln {
		ln[i] -= top + math.Log(sum)
	}
	return ln
}

// ReverseKL is KL(p || q) with q the softmax of the target logits.
type ReverseKL struct{}

// Position implements Loss: with a = ln p - ln q, dz = p*(a - sum p a).
func (ReverseKL) Position(dz []float32, at *Position, weight float64) float64 {
	_, lse := at.teacher()
	shift := lse - at.LogSumExp
	log := func(i int) float64 { return float64(at.Z[i]) - float64(at.Target[i]) + shift }
	kl := 0.0
	for i, pi := range at.P {
		if pi > 0 {
			kl += float64(pi) * log(i)
		}
	}
	for i := range dz {
		if p := float64(at.P[i]); p > 0 {
			dz[i] += float32(weight * p * (log(i) - kl))
		}
	}
	return kl
}
