package flow

import "math"

// Scale is the factor before (p - delta_x) in the velocity over [t, t+h].
type Scale func(s Scheduler, t, h float64) float64

// Least value of 1 - kappa: the scales stay finite at t = 1.
const leastNoise = 1e-8

// Instantaneous is kappa'(t) / (1 - kappa(t)), whatever h.
func Instantaneous(s Scheduler, t, _ float64) float64 {
	return s.DKappa(t) / noise(s, t)
}

// Cumulative is ln[(1-kappa(t)) / (1-kappa(t+h))] / h, the average of the
// instantaneous scale over the step (arXiv 2509.20624, section 3.2), with t+h
// clamped to 1. Its limit for h = 0 is the instantaneous scale.
func Cumulative(s Scheduler, t, h float64) float64 {
	if h <= 0 {
		return Instantaneous(s, t, h)
	}
	return math.Log(noise(s, t)/noise(s, min(1, t+h))) / h
}

func noise(s Scheduler, t float64) float64 {
	return min(1, max(leastNoise, 1-s.Kappa(t)))
}

// Velocity writes the rates of the jumps from token x, posterior and dst [V]:
//
//	dst[v] = max(0, scale * (posterior[v] - [v = x])) for v != x, and 0 for v = x
//
// The solvers never form it: its sum is scale*(1-p(x)), and its direction is p
// without x.
func Velocity(dst, posterior []float32, x int32, scale float64) {
	for v, p := range posterior {
		dst[v] = float32(max(0, scale*float64(p)))
	}
	if x >= 0 && int(x) < len(dst) {
		dst[x] = 0
	}
}

// JumpProbability is 1 - exp(-h*lambda), the probability that a Poisson process
// of rate lambda fires within h.
func JumpProbability(lambda, h float64) float64 {
	if !(h*lambda > 0) { // also 0*Inf
		return 0
	}
	return -math.Expm1(-h * lambda)
}
