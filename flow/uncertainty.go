package flow

import "math"

// Uncertainty writes the entropy of every row's posterior, in nats, summed over
// its positions: dst [B] of logits [B, L, V]. It is low where a state leaves
// little open, as text does that agrees with itself. scratch [B, L, V] is used
// up, and NaN counts as in Stepper.Weigh.
func (s *Stepper) Uncertainty(dst []float64, logits, scratch []float32, length int) {
	by := s.Weigh
	if by == nil {
		by = weigh
	}
	vocab := len(logits) / (len(dst) * length)
	copy(scratch, logits)
	row := func(i int) {
		dst[i] = 0
		for at := i * length * vocab; at < (i+1)*length*vocab; at += vocab {
			dst[i] += entropy(logits[at:at+vocab], scratch[at:at+vocab], by)
		}
	}
	if s.Parallel != nil {
		s.Parallel(len(dst), row)
		return
	}
	for i := range dst {
		row(i)
	}
}

// entropy is ln(sum w) - sum w ln(w) / sum w with w = exp(logit - top).
func entropy(logits, weights []float32, weigh func([]float32) (float32, float64)) float64 {
	top, sum := weigh(weights)
	if !(sum > 0) {
		return 0
	}
	mean := 0.0
	for v, w := range weights {
		if w > 0 {
			mean += float64(w) * float64(logits[v]-top)
		}
	}
	return math.Log(sum) - mean/sum
}
