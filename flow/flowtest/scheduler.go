package flowtest

import (
	"math"
	"testing"

	"fsdfm/flow"
)

// TestScheduler checks that kappa runs from 0 to 1 without ever falling, that
// DKappa is its derivative and KappaInverse its inverse, and that the scales of
// the velocity are what the method says: additive over steps, and an exact step
// of the path from a token that p rules out.
func TestScheduler(t *testing.T, s flow.Scheduler) {
	if k0, k1 := s.Kappa(0), s.Kappa(1); k0 != 0 || k1 != 1 {
		t.Errorf("kappa runs from %v to %v: must be from 0 to 1", k0, k1)
	}
	for i := range 99 {
		testTime(t, s, float64(i+1)/100)
	}
	for _, x := range []float64{0, 0.1, 0.5, 0.999, 1} {
		for _, h := range []float64{1.0 / 1024, 0.25, 0.5, 1} {
			testStep(t, s, x, min(h, 1-x))
		}
		if v := flow.Cumulative(s, x, 0); v != flow.Instantaneous(s, x, 0) {
			t.Errorf("cumulative scale at t = %v, h = 0 is %v: must be its limit, the instantaneous one", x, v)
		}
	}
}

func testTime(t *testing.T, s flow.Scheduler, x float64) {
	const d = 1e-5
	before, at, after := s.Kappa(x-d), s.Kappa(x), s.Kappa(x+d)
	if !(before <= at && at <= after) {
		t.Errorf("kappa falls near t = %v", x)
	}
	// Central differences: error about d^2 * kappa''', and rounding over d.
	if slope := (after - before) / (2 * d); math.Abs(slope-s.DKappa(x)) > 1e-5*max(1, slope) {
		t.Errorf("DKappa(%v) = %v, but kappa rises by %v", x, s.DKappa(x), slope)
	}
	// The inverse is only as good as kappa is steep.
	if back := s.KappaInverse(at); math.Abs(back-x) > 1e-9 && math.Abs(s.Kappa(back)-at) > 1e-12 {
		t.Errorf("KappaInverse(Kappa(%v)) = %v", x, back)
	}
}

// testStep checks one step [x, x+h].
func testStep(t *testing.T, s flow.Scheduler, x, h float64) {
	whole := h * flow.Cumulative(s, x, h)
	halves := h/2*flow.Cumulative(s, x, h/2) + h/2*flow.Cumulative(s, x+h/2, h/2)
	if h > 0 && math.Abs(whole-halves) > 1e-9*max(1, whole) {
		t.Errorf("cumulative scale over [%v, %v]: %v in one step, %v in two", x, x+h, whole, halves)
	}
	if h == 0 || x+h == 1 { // 1-kappa is clamped at the end
		return
	}
	jump := flow.JumpProbability(flow.Cumulative(s, x, h), h)
	if want := (s.Kappa(x+h) - s.Kappa(x)) / (1 - s.Kappa(x)); math.Abs(jump-want) > 1e-9 {
		t.Errorf("jump probability over [%v, %v] where p(x) = 0 is %v, want %v", x, x+h, jump, want)
	}
}
