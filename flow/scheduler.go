package flow

import "math"

// Scheduler is kappa, the share of data on the path: increasing, 0 at t = 0 and
// 1 at t = 1.
type Scheduler interface {
	Kappa(t float64) float64
	DKappa(t float64) float64       // d kappa / dt
	KappaInverse(k float64) float64 // the t with kappa(t) = k
}

var _ Scheduler = Polynomial{}

// Polynomial is kappa(t) = t^N.
type Polynomial struct {
	N float64 // above 0; 1 is the linear path
}

// Kappa implements Scheduler.
func (p Polynomial) Kappa(t float64) float64 { return math.Pow(t, p.N) }

// DKappa implements Scheduler. For N < 1 it is +Inf at t = 0.
func (p Polynomial) DKappa(t float64) float64 { return p.N * math.Pow(t, p.N-1) }

// KappaInverse implements Scheduler.
func (p Polynomial) KappaInverse(k float64) float64 { return math.Pow(k, 1/p.N) }
