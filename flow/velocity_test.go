package flow_test

import (
	"fmt"
	"math"
	"testing"

	"fsdfm/flow"
)

// The reference divides the cumulative scale by h + 1e-8 instead of h.
const referenceShift = 1e-8

func TestCumulativeVelocityGolden(t *testing.T) {
	g := readGolden(t, "generator")
	probs, x := g.floats("in/probs"), g.ids("in/x")
	const l, v = 3, 11
	u := make([]float32, v)
	for _, n := range []float64{1, 2} {
		name := fmt.Sprintf("out/cum_n%v/", n)
		alpha, rates := g.doubles(name+"alpha"), g.doubles(name+"u")
		lambda, jump := g.doubles(name+"lambda"), g.doubles(name+"p_jump")
		for b, at := range g.doubles("in/t") {
			h := g.doubles("in/h")[b]
			scale := flow.Cumulative(flow.Polynomial{N: n}, at, h) * h / (h + referenceShift)
			// 1e-5: the fp32 logarithms of the reference, at 1-kappa = 1e-8 too.
			near(t, fmt.Sprintf("n = %v, row %d: scale", n, b), scale, alpha[b], 1e-5)
			for i := b * l; i < (b+1)*l; i++ {
				flow.Velocity(u, probs[i*v:(i+1)*v], x[i], scale)
				sum := 0.0
				for k, r := range u {
					sum += float64(r)
					near(t, fmt.Sprintf("n = %v: velocity of position %d to %d", n, i, k), float64(r), rates[i*v+k], 1e-5)
				}
				near(t, fmt.Sprintf("n = %v: rate of position %d", n, i), sum, lambda[i], 1e-5)
				near(t, fmt.Sprintf("n = %v: jump probability of position %d", n, i), flow.JumpProbability(sum, h), jump[i], 1e-5)
			}
		}
	}
}

func TestMixtureEulerVelocityGolden(t *testing.T) {
	g := readGolden(t, "generator")
	probs, x, rates := g.floats("in/probs"), g.ids("in/x"), g.doubles("out/euler/u")
	const l, v = 3, 11
	u := make([]float32, v)
	for i := range x {
		flow.Velocity(u, probs[i*v:(i+1)*v], x[i], 1/g.doubles("in/h")[i/l])
		for k, r := range u {
			near(t, fmt.Sprintf("velocity of position %d to %d", i, k), float64(r), rates[i*v+k], 1e-5)
		}
	}
}

// Whether a position jumps is one comparison with its first uniform, so a
// uniform just below the golden jump probability jumps and one just above does
// not.
func TestJumpsAtTheGoldenProbability(t *testing.T) {
	g := readGolden(t, "generator")
	for name, s := range map[string]flow.Solver{
		"cum_n1": flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}},
		"cum_n2": flow.EulerCumulative{Scheduler: flow.Polynomial{N: 2}},
		"euler":  flow.MixtureEuler{Mask: -1},
	} {
		for i, p := range g.doubles("out/" + name + "/p_jump") {
			for _, d := range []float64{-1e-5, 1e-5} { // fp32 rounding of the reference
				if p+d < 0 || p+d >= 1 {
					continue // no uniform
				}
				x := flow.Tokens{Batch: 1, Length: 1, IDs: []int32{g.ids("in/x")[i]}}
				logits := logarithms(g.floats("in/probs")[i*11 : (i+1)*11])
				r := &replay{t, []float64{p + d, 0.5}}
				before := x.IDs[0]
				step(s, x, logits, g.doubles("in/t")[i/3:i/3+1], g.doubles("in/h")[i/3:i/3+1], []flow.Rand{r})
				if jumped := x.IDs[0] != before; jumped != (d < 0) {
					t.Errorf("%s, position %d: jumped is %v at a uniform of %v, p_jump = %v", name, i, jumped, p+d, p)
				}
			}
		}
	}
}

func TestVelocityOfTheEnds(t *testing.T) {
	s := flow.Polynomial{N: 1}
	if v := flow.Instantaneous(s, 1, 0); v != 1e8 {
		t.Errorf("instantaneous scale at t = 1 is %v: 1-kappa must be clamped at 1e-8", v)
	}
	if v := flow.Cumulative(s, 1, 0.5); v != 0 {
		t.Errorf("cumulative scale at t = 1 is %v: must be 0", v)
	}
	near(t, "cumulative scale over [0.9, 1.4]", flow.Cumulative(s, 0.9, 0.5), math.Log(0.1/1e-8)/0.5, 1e-12)
	if p := flow.JumpProbability(math.Inf(1), 0); p != 0 {
		t.Errorf("jump probability in no time is %v", p)
	}
	if p := flow.JumpProbability(math.Inf(1), 0.1); p != 1 {
		t.Errorf("jump probability at an infinite rate is %v", p)
	}
	u := []float32{9, 9}
	flow.Velocity(u, []float32{0.25, 0.75}, 2, 4) // a mask token outside the posterior
	if u[0] != 1 || u[1] != 3 {
		t.Errorf("velocity from a token outside is %v, want [1 3]", u)
	}
}

func logarithms(p []float32) []float32 {
	l := make([]float32, len(p))
	for i, v := range p {
		l[i] = float32(math.Log(float64(v)))
	}
	return l
}
