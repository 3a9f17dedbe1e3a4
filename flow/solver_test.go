package flow_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fsdfm/flow"
	"fsdfm/flow/flowtest"
)

func TestSolvers(t *testing.T) {
	for _, name := range flow.SolverNames() {
		for _, n := range []float64{0.5, 1, 2} {
			for _, src := range []flow.Source{flow.Uniform{Vocab: 6}, flow.Mask{Vocab: 5}} {
				s, err := flow.NewSolver(name, flow.Polynomial{N: n}, src)
				if err != nil {
					t.Fatal(err)
				}
				t.Run(fmt.Sprintf("%s/n=%v/mask=%v", name, n, src.Mask()), func(t *testing.T) {
					flowtest.TestSolver(t, s, 6, max(src.Mask(), 0))
				})
			}
		}
	}
}

func TestNewSolverNamesTheKnown(t *testing.T) {
	_, err := flow.NewSolver("heun", flow.Polynomial{N: 1}, flow.Uniform{Vocab: 2})
	if err == nil || !strings.Contains(err.Error(), `"heun": must be one of [euler_cumulative euler ancestral mixture_euler]`) {
		t.Errorf("unknown name: %v", err)
	}
}

// The exact one-step transition matrices of the reference, and the closed form
// of the ancestral step.
func TestTransitionsGolden(t *testing.T) {
	g := readGolden(t, "sampler_stats")
	linear := flow.Polynomial{N: 1}
	for name, s := range map[string]flow.Solver{
		"mixture_euler":                             flow.MixtureEuler{Mask: -1},
		"mixture_euler_mask":                        flow.MixtureEuler{Mask: 6},
		"mixture_euler_with_cumulative_scalar":      flow.EulerCumulative{Scheduler: linear},
		"mixture_euler_with_cumulative_scalar_mask": flow.EulerCumulative{Scheduler: linear},
		"teacher_euler":                             flow.Euler{Scheduler: linear},
	} {
		p := g.doubles("out/" + name + "/P")
		for i, at := range g.doubles("in/t") {
			for x := range 7 {
				row := (7*i + x) * 7
				transition(t, name, s, g.floats("in/p_1t"), int32(x), at, g.doubles("in/h")[i], p[row:row+7])
			}
		}
	}
}

func TestAncestralIsTheExactPathStep(t *testing.T) {
	g := readGolden(t, "sampler_stats")
	for _, n := range []float64{0.5, 1, 2} {
		s := flow.Polynomial{N: n}
		for i, at := range g.doubles("in/t") {
			h := g.doubles("in/h")[i]
			move := (s.Kappa(at+h) - s.Kappa(at)) / (1 - s.Kappa(at))
			for x := range 7 {
				want := make([]float64, 7)
				for v, p := range g.doubles("in/p_1t") {
					want[v] = move * p
				}
				want[x] += 1 - move
				transition(t, "ancestral", flow.Ancestral{Scheduler: s}, g.floats("in/p_1t"), int32(x), at, h, want)
			}
		}
	}
}

// transition compares 10,000 steps from x with their distribution.
func transition(t *testing.T, name string, s flow.Solver, p []float32, x int32, at, h float64, want []float64) {
	t.Helper()
	const draws = 10000
	tokens := flow.Tokens{Batch: 1, Length: draws, IDs: slices.Repeat([]int32{x}, draws)}
	step(s, tokens, slices.Repeat(logarithms(p), draws), []float64{at}, []float64{h}, flow.Streams(11, name, int64(x), 1))
	t.Run(fmt.Sprintf("%s/t=%.4g/h=%.4g/x=%d", name, at, h, x), func(t *testing.T) {
		flowtest.Frequencies(t, count(tokens.IDs, len(want)), want)
	})
}

// The mid states of the reference's RK-4 teacher, from its logits and uniforms.
func TestTeacherStatesGolden(t *testing.T) {
	g := readGolden(t, "rk4_cumulative")
	s := flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}
	x := flow.Tokens{Batch: 5, Length: 16, IDs: g.ids("in/x_t")}
	for k, after := range []float64{0, 0.5, 0.5} { // stage times, in steps
		at, half := g.doubles("in/t"), g.doubles("in/dt")
		for i := range at {
			at[i] += after * half[i]
			half[i] /= 2
		}
		jump, destination := g.doubles(fmt.Sprintf("mid/r_jump_%d", k+1)), g.doubles(fmt.Sprintf("mid/r_cat_%d", k+1))
		rng := make([]*replay, x.Batch)
		for i := range rng {
			rng[i] = &replay{t: t}
			rng[i].add(jump[i*x.Length:(i+1)*x.Length], destination[i*x.Length:(i+1)*x.Length])
		}
		step(s, x, g.floats(fmt.Sprintf("out/k%d_logits", k+1)), at, half, streams(rng))
		if want := g.ids(fmt.Sprintf("mid/x_%d", k+1)); !slices.Equal(x.IDs, want) {
			t.Errorf("stage %d: state %v, want %v", k+1, x.IDs, want)
		}
		for i, r := range rng {
			if len(r.uniforms) > 0 {
				t.Errorf("stage %d, row %d: %d uniforms left", k+1, i, len(r.uniforms))
			}
		}
	}
}

// add appends the draws of a row of positions. Where to is -1 if the position
// does not jump.
func (r *replay) add(whether, where []float64) {
	for i, u := range whether {
		r.uniforms = append(r.uniforms, u, where[i])
	}
}

func step(s flow.Solver, x flow.Tokens, logits []float32, t, h []float64, rng []flow.Rand) {
	new(flow.Stepper).Step(s, x, logits, t, h, rng)
}

func streams(rng []*replay) []flow.Rand {
	s := make([]flow.Rand, len(rng))
	for i, r := range rng {
		s[i] = r
	}
	return s
}

// A rate of 1-p(x) = 1e-12 still jumps at its own probability.
func TestSmallRatesKeepTheirDigits(t *testing.T) {
	s := flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}
	other := math.Log(1e-12)
	want := math.Log(2) * 1e-12 // kappa from 0 to 1/2
	for _, u := range []float64{0.999 * want, 1.001 * want} {
		x := flow.NewTokens(1, 1)
		step(s, x, []float32{0, float32(other)}, []float64{0}, []float64{0.5}, []flow.Rand{&replay{t, []float64{u, 0.5}}})
		if jumped := x.IDs[0] == 1; jumped != (u < want) {
			t.Errorf("jumped is %v at a uniform of %v, probability %v", jumped, u, want)
		}
	}
}

// A uniform just below 1 stays on tokens of positive probability.
func TestDrawsDoNotFallOffTheEnd(t *testing.T) {
	const below1 = 1 - 1.0/(1<<53)
	inf := float32(math.Inf(-1))
	logits := make([]float32, 1001)
	for v := range logits {
		logits[v] = -float32(v) / 77
	}
	logits[999], logits[1000] = inf, inf
	for _, s := range []flow.Solver{flow.Ancestral{Scheduler: flow.Polynomial{N: 1}}, flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}} {
		x := flow.NewTokens(1, 1)
		step(s, x, slices.Clone(logits), []float64{0}, []float64{1}, []flow.Rand{&replay{t, []float64{0, below1}}})
		if x.IDs[0] != 998 {
			t.Errorf("%T: drew token %d, want 998, the last of positive probability", s, x.IDs[0])
		}
	}
}

func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 128, 127, 0, 0, 192, 127, 0, 0, 128, 255}, 0.0, 1.0, uint8(0)) // +Inf, NaN, -Inf
	f.Add([]byte{0, 0, 0, 0}, 1.0, 0.0, uint8(1))
	f.Add([]byte{1, 0, 0, 0, 255, 255, 127, 127}, 1.0, 0.5, uint8(2)) // smallest and largest
	f.Add([]byte{255, 255, 127, 255, 0, 0, 0, 0}, 0.9, 0.2, uint8(3))
	f.Fuzz(func(t *testing.T, bits []byte, at, h float64, x uint8) {
		if len(bits) < 4 || !(at >= 0 && at <= 1 && h >= 0 && h <= 1) {
			t.Skip()
		}
		logits := make([]float32, len(bits)/4)
		for i := range logits {
			logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(bits[4*i:]))
		}
		vocab := len(logits)
		from := int32(int(x) % vocab)
		src := flow.Mask{Vocab: vocab - 1}
		check := func(name string, step func(tokens flow.Tokens, logits []float32, rng []flow.Rand)) {
			tokens := flow.Tokens{Batch: 1, Length: 1, IDs: []int32{from}}
			step(tokens, slices.Clone(logits), flow.Streams(uint64(x), name, 0, 1))
			if id := tokens.IDs[0]; id < 0 || int(id) >= vocab {
				t.Errorf("%s: token %d of %d", name, id, vocab)
			}
		}
		for _, name := range flow.SolverNames() {
			s, err := flow.NewSolver(name, flow.Polynomial{N: 1}, src)
			if err != nil {
				t.Fatal(err)
			}
			check(name, func(tokens flow.Tokens, logits []float32, rng []flow.Rand) {
				step(s, tokens, logits, []float64{at}, []float64{h}, rng)
			})
		}
		check("final", func(tokens flow.Tokens, logits []float32, rng []flow.Rand) { finalStep(tokens, logits, src, rng) })
	})
}

func BenchmarkStep(b *testing.B) {
	for _, name := range flow.SolverNames() {
		for _, vocab := range []int{256, 50257} {
			for _, steps := range []int{1, 8, 1024} {
				s, err := flow.NewSolver(name, flow.Polynomial{N: 1}, flow.Uniform{Vocab: vocab})
				if err != nil {
					b.Fatal(err)
				}
				b.Run(fmt.Sprintf("%s/V=%d/steps=%d", name, vocab, steps), func(b *testing.B) { benchmarkStep(b, s, vocab, steps) })
			}
		}
	}
}

// benchmarkStep steps 16 positions from t = 0; logits are copied in each time,
// as a step uses them up.
func benchmarkStep(b *testing.B, s flow.Solver, vocab, steps int) {
	x := flow.NewTokens(1, 16)
	source := make([]float32, len(x.IDs)*vocab)
	for i, r := 0, flow.Streams(1, "logits", 0, 1)[0]; i < len(source); i++ {
		source[i] = 20 * float32(r.Float64())
	}
	logits, rng := make([]float32, len(source)), flow.Streams(1, "step", 0, 1)
	t, h := []float64{0}, []float64{1 / float64(steps)}
	b.SetBytes(int64(4 * len(logits)))
	var stepper flow.Stepper
	for b.Loop() {
		copy(logits, source)
		stepper.Step(s, x, logits, t, h, rng)
	}
}
