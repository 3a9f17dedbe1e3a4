package flow_test

import (
	"fmt"
	"testing"

	"fsdfm/flow"
	"fsdfm/flow/flowtest"
)

func TestPolynomial(t *testing.T) {
	for _, n := range []float64{0.5, 1, 1.5, 2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { flowtest.TestScheduler(t, flow.Polynomial{N: n}) })
	}
}

func TestPolynomialGolden(t *testing.T) {
	g := readGolden(t, "scheduler_path")
	for _, n := range []float64{1, 2} {
		s := flow.Polynomial{N: n}
		name := fmt.Sprintf("out/n%v/", n)
		alpha, dalpha := g.doubles(name+"alpha_t"), g.doubles(name+"d_alpha_t")
		sigma, inverse := g.doubles(name+"sigma_t"), g.doubles(name+"kappa_inverse")
		for i, x := range g.doubles("in/t") {
			const tol = 1e-6 // fp32 rounding of the reference
			near(t, fmt.Sprintf("n = %v: kappa(%v)", n, x), s.Kappa(x), alpha[i], tol)
			near(t, fmt.Sprintf("n = %v: 1-kappa(%v)", n, x), 1-s.Kappa(x), sigma[i], tol)
			near(t, fmt.Sprintf("n = %v: kappa'(%v)", n, x), s.DKappa(x), dalpha[i], tol)
			near(t, fmt.Sprintf("n = %v: inverse of kappa at %v", n, x), s.KappaInverse(x), inverse[i], tol)
		}
	}
}
