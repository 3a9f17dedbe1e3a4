package flowtest

import (
	"math"
	"testing"
)

// Frequencies fails t if counts are not plausible draws from the distribution
// want, which need not sum to 1: a chi-square test that a correct sampler fails
// once in a million. Values of probability 0 must not occur.
func Frequencies(t *testing.T, counts []int, want []float64) {
	t.Helper()
	draws, mass := 0, 0.0
	for v, n := range counts {
		draws, mass = draws+n, mass+want[v]
	}
	chi, freedom := 0.0, -1.0
	rare, rareWant := 0, 0.0 // values expected fewer than 5 times count as one
	add := func(n int, expected float64) {
		d := float64(n) - expected
		chi, freedom = chi+d*d/expected, freedom+1
	}
	for v, n := range counts {
		switch expected := want[v] / mass * float64(draws); {
		case want[v] == 0 && n > 0:
			t.Errorf("value %d of probability 0 came up %d times in %d draws", v, n, draws)
		case expected >= 5:
			add(n, expected)
		default:
			rare, rareWant = rare+n, rareWant+expected
		}
	}
	if rareWant > 0 {
		add(rare, max(rareWant, 1))
	}
	if most := quantile(freedom); chi > most {
		t.Errorf("chi-square %.1f over %d draws, at most %.1f if correct: counts %v, wanted proportional to %.4g", chi, draws, most, counts, want)
	}
}

// quantile is the chi-square that is exceeded once in a million, by Wilson and
// Hilferty's cube-root approximation.
func quantile(freedom float64) float64 {
	const z = 4.7534 // normal quantile of 1 - 1e-6
	if freedom < 1 {
		return 1e-3 // one value: nothing may differ
	}
	s := 2 / (9 * freedom)
	return freedom * math.Pow(1-s+z*math.Sqrt(s), 3)
}
