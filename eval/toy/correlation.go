package main

import "math"

// TotalCorrelation is the expected divergence, in nats, of the joint posterior
// from the product of its marginals,
//
//	E over x_t of KL(p(x_1 | x_t) || prod_i p(x_1[i] | x_t)),
//
// on the path at a share kappa of data. It is what the last, factorised draw of
// a run loses if it starts from a state of the path there, however good the
// network is.
func (s *States) TotalCorrelation(c Chain, kappa float64) float64 {
	joint, sum := s.Joint(c), 0.0
	posterior := make([]float64, len(joint))
	for i := range joint {
		mass := s.posterior(posterior, joint, s.rows.Row(i), kappa)
		if mass > 0 {
			sum += mass * s.correlation(posterior)
		}
	}
	return sum
}

// posterior writes p(x_1 | x_t = row) and returns p(x_t = row).
func (s *States) posterior(dst, joint []float64, row []int32, kappa float64) (mass float64) {
	for k, p := range joint {
		for j, b := range s.rows.Row(k) {
			if p > 0 {
				p *= onPath(s.Source, row[j], b, kappa)
			}
		}
		dst[k] = p
		mass += p
	}
	if mass > 0 {
		normalize(dst)
	}
	return mass
}

// correlation is the sum of the marginals' entropies less the joint's.
func (s *States) correlation(p []float64) float64 {
	size := s.Source.Rows()
	marginals := make([]float64, s.Length*size)
	sum := 0.0
	for k, q := range p {
		for j, b := range s.rows.Row(k) {
			marginals[j*size+int(b)] += q
		}
		sum += xlogx(q)
	}
	for _, q := range marginals {
		sum -= xlogx(q)
	}
	return sum
}

func xlogx(p float64) float64 {
	if p <= 0 {
		return 0
	}
	return p * math.Log(p)
}
