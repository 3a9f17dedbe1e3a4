package flow

import "math"

// Commonness is rarity * ln(u(v)) for the unigram distribution u of a text,
// [V], of use as that of Uncertainty.
func Commonness(u []float64, rarity float64) []float32 {
	c := make([]float32, len(u))
	for v, share := range u {
		c[v] = float32(rarity * math.Log(share))
	}
	return c
}

// Uncertainty writes how much every row's posterior leaves open, in nats,
// summed over its positions: dst [B] of logits [B, L, V]. It is low where a
// state agrees with itself, as text does. scratch [B, L, V] is used up, and NaN
// counts as in Stepper.Weigh.
//
// Without commonness it is the entropy H(p). With it, [V], it is
// H(p) + E_p[commonness]: for ln u(v), u the unigram distribution of the text,
// that is -KL(p || u), so a posterior that is sure of a rare token counts for
// more than one that is sure of a common one.
func (s *Stepper) Uncertainty(dst []float64, logits, scratch, commonness []float32, length int) {
	by := s.Weigh
	if by == nil {
		by = weigh
	}
	vocab := len(logits) / (len(dst) * length)
	copy(scratch, logits)
	row := func(i int) {
		dst[i] = 0
		for at := i * length * vocab; at < (i+1)*length*vocab; at += vocab {
			dst[i] += uncertainty(logits[at:at+vocab], scratch[at:at+vocab], commonness, by)
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

// uncertainty is ln(sum w) - sum w (ln(w) - commonness) / sum w with
// w = exp(logit - top).
func uncertainty(logits, weights, commonness []float32, weigh func([]float32) (float32, float64)) float64 {
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
	for v, c := range commonness {
		mean -= float64(weights[v]) * float64(c)
	}
	return math.Log(sum) - mean/sum
}
