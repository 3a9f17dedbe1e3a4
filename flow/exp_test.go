package flow

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	if exp(0) != 1 {
		t.Errorf("e^0 = %v", exp(0))
	}
	worst := 0.0
	for d := float32(leastExponent); d <= 0; d += 1e-3 {
		want := math.Exp(float64(d))
		worst = max(worst, math.Abs(float64(exp(d))-want)/want)
	}
	if worst > 6e-8 { // 2^-24 = 5.96e-8 is float32 rounding itself
		t.Errorf("relative error %v, at most 6e-8", worst)
	}
}
