package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"fsdfm/flow"
	"fsdfm/flow/flowtest"
)

// fake is a Denoiser made of a function.
type fake struct {
	vocab  int
	answer func(dst []float32, x flow.Tokens, t, h []float64) error
}

func (f fake) Vocab() int { return f.vocab }

func (f fake) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	dst := make([]float32, len(x.IDs)*f.vocab)
	return dst, f.answer(dst, x, t, h)
}

// stored answers with logits that solvers have used.
type stored struct {
	vocab  int
	logits []float32
}

func (s stored) Vocab() int { return s.vocab }

func (s stored) Logits(flow.Tokens, []float64, []float64) ([]float32, error) { return s.logits, nil }

// constant answers the same logits [V] everywhere.
func constant(row ...float32) fake {
	return fake{len(row), func(dst []float32, x flow.Tokens, _, _ []float64) error {
		copy(dst, slices.Repeat(row, len(x.IDs)))
		return nil
	}}
}

func TestSampleRunsGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/sample_run.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Runs map[string]struct {
			Masked  bool
			Steps   int     `json:"sampling_steps"`
			Epsilon float64 `json:"time_epsilon"`
		}
	}
	if err := json.Unmarshal(file, &golden); err != nil {
		t.Fatal(err)
	}
	g := readGolden(t, "sample_run")
	for name, run := range golden.Runs {
		src := flow.Source(flow.Uniform{Vocab: 29})
		if run.Masked {
			src = flow.Mask{Vocab: 29}
		}
		kind, _, _ := strings.Cut(name, "4")
		solver := map[string]string{"cum": "euler_cumulative", "cum1": "euler_cumulative", "euler": "mixture_euler", "teacher": "euler"}[kind]
		s, err := flow.NewSolver(solver, flow.Polynomial{N: 1}, src)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			replayRun(t, g, name, flow.Sampler{Solver: s, Source: src}, flow.TimeGridTo(1-run.Epsilon, run.Steps))
		})
	}
}

// replayRun samples with the posteriors and the uniforms of a stored run and
// compares every state.
func replayRun(t *testing.T, g golden, name string, s flow.Sampler, grid []float64) {
	x := flow.Tokens{Batch: 2, Length: 16, IDs: g.ids(name + "/x_init")}
	step := 0
	s.Denoiser = fake{s.Source.Rows(), func(dst []float32, x flow.Tokens, at, h []float64) error {
		near(t, "t", at[0], g.doubles(name + "/t")[step], 1e-7)
		if g.has(name + "/dt") {
			near(t, "h", h[1], g.doubles(name + "/dt")[step], 1e-7)
		}
		if want := g.ids(fmt.Sprintf("%s/x_%d", name, step)); !slices.Equal(x.IDs, want) {
			t.Errorf("state %d is %v, want %v", step, x.IDs, want)
		}
		copy(dst, logarithms(g.floats(fmt.Sprintf("%s/p_%d", name, step))))
		step++
		return nil
	}}
	rng := storedDraws(t, g, name, grid)
	if err := s.Run(context.Background(), x, grid, streams(rng), nil, nil); err != nil {
		t.Fatal(err)
	}
	if want := g.ids(name + "/x_final"); !slices.Equal(x.IDs, want) {
		t.Errorf("sample %v, want %v", x.IDs, want)
	}
	for i, r := range rng {
		if len(r.uniforms) > 0 {
			t.Errorf("row %d: %d uniforms left", i, len(r.uniforms))
		}
	}
}

// storedDraws pairs the uniforms of a stored run: whether to jump and where to.
func storedDraws(t *testing.T, g golden, name string, grid []float64) []*replay {
	rng := []*replay{{t: t}, {t: t}}
	add := func(whether, where []float64) {
		for i, r := range rng {
			r.add(whether[i*16:(i+1)*16], where[i*16:(i+1)*16])
		}
	}
	for k := range len(grid) - 2 {
		where := fmt.Sprintf("%s/r_cat_%d", name, k)
		if !g.has(where) {
			where = fmt.Sprintf("%s/r_x1_%d", name, k)
		}
		add(g.doubles(fmt.Sprintf("%s/r_jump_%d", name, k)), g.doubles(where))
	}
	final := g.doubles(name + "/r_final")
	add(final, final)
	return rng
}

func TestOneStepIsOneFactorisedDraw(t *testing.T) {
	p := flowtest.Posterior(5)
	for _, src := range []flow.Source{flow.Uniform{Vocab: 5}, flow.Mask{Vocab: 4}} {
		for _, name := range flow.SolverNames() {
			solver, err := flow.NewSolver(name, flow.Polynomial{N: 2}, src)
			if err != nil {
				t.Fatal(err)
			}
			s := flow.Sampler{Denoiser: constant(flowtest.Logits(p, 1)...), Solver: solver, Source: src}
			x, want := flow.NewTokens(2, 30), flow.NewTokens(2, 30)
			src.Sample(x, flow.Streams(1, "source", 0, 2))
			copy(want.IDs, x.IDs)
			if err := s.Run(context.Background(), x, flow.TimeGrid(1), flow.Streams(1, "run", 0, 2), nil, nil); err != nil {
				t.Fatal(err)
			}
			finalStep(want, flowtest.Logits(p, 60), src, flow.Streams(1, "run", 0, 2))
			if !slices.Equal(x.IDs, want.IDs) {
				t.Errorf("%s from %T: %v, want the final draw %v", name, src, x.IDs, want.IDs)
			}
		}
	}
}

// With the exact posterior of independent positions a sampler must reproduce
// the data's token frequencies at every budget.
func TestFrequenciesAtEveryBudget(t *testing.T) {
	q := []float64{0.4, 0.3, 0.15, 0.1, 0.05}
	for _, n := range []float64{1, 2} {
		sched := flow.Polynomial{N: n}
		for _, src := range []flow.Source{flow.Uniform{Vocab: 5}, flow.Mask{Vocab: 5}} {
			for name, solver := range map[string]flow.Solver{"euler_cumulative": flow.EulerCumulative{Scheduler: sched}, "ancestral": flow.Ancestral{Scheduler: sched}} {
				s := flow.Sampler{Denoiser: exact(q, sched, src), Solver: solver, Source: src}
				for _, steps := range []int{1, 2, 4, 8} {
					x := flow.NewTokens(8, 4096)
					rng := flow.Streams(21, name, 0, x.Batch)
					src.Sample(x, rng)
					if err := s.Run(context.Background(), x, flow.TimeGrid(steps), rng, nil, nil); err != nil {
						t.Fatal(err)
					}
					for v, c := range count(x.IDs, 5) {
						// 0.012 is four standard deviations of 32,768 draws, and
						// the 0.005 off that a velocity held over a step costs.
						near(t, fmt.Sprintf("%s, n = %v, mask %d, %d steps: share of token %d", name, n, src.Mask(), steps, v), float64(c)/float64(len(x.IDs)), q[v], 0.012)
					}
				}
			}
		}
	}
}

// exact is p(x_1 | x_t), proportional to q(x_1) * p(x_t | x_1) by Bayes' rule,
// for positions that are independent draws from q.
func exact(q []float64, sched flow.Scheduler, src flow.Source) flow.Denoiser {
	rows := src.Rows()
	return fake{rows, func(dst []float32, x flow.Tokens, t, _ []float64) error {
		noise := func(id int32) float64 {
			if src.Mask() < 0 {
				return 1 / float64(rows)
			} else if id == src.Mask() {
				return 1
			}
			return 0
		}
		for i, id := range x.IDs {
			k := sched.Kappa(t[i/x.Length])
			for v := range rows {
				joint := 0.0
				if v < len(q) {
					joint = q[v] * (1 - k) * noise(id)
				}
				if int32(v) == id && v < len(q) {
					joint += q[v] * k
				}
				dst[i*rows+v] = float32(math.Log(joint))
			}
		}
		return nil
	}}
}

func TestRunKeepsFrozenPositionsAndShowsEveryState(t *testing.T) {
	src := flow.Uniform{Vocab: 5}
	s := flow.Sampler{Denoiser: constant(0, 0, 0, 0, 0), Solver: flow.EulerCumulative{Scheduler: flow.Polynomial{N: 1}}, Source: src}
	x := flow.NewTokens(2, 100)
	src.Sample(x, flow.Streams(3, "source", 0, 2))
	given, frozen := x.Clone(), make([]bool, len(x.IDs))
	for i := range frozen {
		frozen[i] = i%3 == 0
	}
	var times []float64
	moved := 0
	err := s.Run(context.Background(), x, flow.TimeGrid(4), flow.Streams(3, "run", 0, 2), frozen, func(step int, at float64, x flow.Tokens) {
		times = append(times, at)
		if step != len(times) {
			t.Errorf("step %d shown as number %d", step, len(times))
		}
		for i, id := range x.IDs {
			if frozen[i] && id != given.IDs[i] {
				t.Fatalf("step %d: frozen token %d became %d", step, given.IDs[i], id)
			} else if id != given.IDs[i] {
				moved++
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0.25, 0.5, 0.75, 1}; !slices.Equal(times, want) || moved == 0 {
		t.Errorf("shown at %v with %d moves, want %v with some", times, moved, want)
	}
}

func TestRunIsTheSameInAnyBatch(t *testing.T) {
	src := flow.Uniform{Vocab: 5}
	s := flow.Sampler{Denoiser: exact(flowtest.Posterior(5), flow.Polynomial{N: 1}, src), Solver: flow.Ancestral{Scheduler: flow.Polynomial{N: 1}}, Source: src}
	run := func(first int64, n int) flow.Tokens {
		x, rng := flow.NewTokens(n, 20), flow.Streams(4, "run", first, n)
		src.Sample(x, rng)
		if err := s.Run(context.Background(), x, flow.TimeGrid(5), rng, nil, nil); err != nil {
			t.Fatal(err)
		}
		return x
	}
	batch := run(10, 4)
	for i := range batch.Batch {
		if alone := run(int64(10+i), 1); !slices.Equal(alone.IDs, batch.Row(i)) {
			t.Errorf("row %d alone is %v, in its batch %v", i, alone.IDs, batch.Row(i))
		}
	}
}

func TestRunReusesItsBuffers(t *testing.T) {
	src := flow.Uniform{Vocab: 5}
	s := flow.Sampler{Denoiser: stored{5, make([]float32, 2*10*5)}, Solver: flow.Euler{Scheduler: flow.Polynomial{N: 1}}, Source: src}
	x, rng, grid := flow.NewTokens(2, 10), flow.Streams(5, "run", 0, 2), flow.TimeGrid(3)
	allocs := testing.AllocsPerRun(10, func() {
		if err := s.Run(context.Background(), x, grid, rng, nil, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a second run allocates %v times", allocs)
	}
}

func TestRunStopsBetweenSteps(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := flow.Sampler{Denoiser: constant(0, 0), Solver: flow.Euler{Scheduler: flow.Polynomial{N: 1}}, Source: flow.Uniform{Vocab: 2}}
	shown := 0
	err := s.Run(ctx, flow.NewTokens(1, 4), flow.TimeGrid(8), flow.Streams(6, "run", 0, 1), nil, func(int, float64, flow.Tokens) {
		if shown++; shown == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || shown != 3 || !strings.Contains(err.Error(), "step 4 of 8") {
		t.Errorf("stopped after %d steps with %v, want 3 and context.Canceled", shown, err)
	}
}

func TestRunErrors(t *testing.T) {
	broken := errors.New("out of memory")
	nan := float32(math.NaN())
	good, one, grid := flow.NewTokens(1, 2), flow.Streams(7, "run", 0, 1), flow.TimeGrid(2)
	for _, c := range []struct {
		want     string
		denoiser flow.Denoiser
		x        flow.Tokens
		grid     []float64
		rng      []flow.Rand
		frozen   []bool
	}{
		{"1 tokens for 1 rows of 2", constant(0, 0), flow.Tokens{Batch: 1, Length: 2, IDs: []int32{0}}, grid, one, nil},
		{"0 tokens for 0 rows of 2", constant(0, 0), flow.NewTokens(0, 2), grid, nil, nil},
		{"0 random streams for 1 rows", constant(0, 0), good, grid, nil, nil},
		{"3 frozen marks for 2 tokens", constant(0, 0), good, grid, one, make([]bool, 3)},
		{"no steps", constant(0, 0), good, flow.TimeGrid(0), one, nil},
		{"network has 3 tokens but the source 2", constant(0, 0, 0), good, grid, one, nil},
		{"token 2 in row 0, position 1", constant(0, 0), flow.Tokens{Batch: 1, Length: 2, IDs: []int32{1, 2}}, grid, one, nil},
		{"times must rise", constant(0, 0), good, []float64{0, 0.5, 0.5}, one, nil},
		{"times must rise", constant(0, 0), good, []float64{0, 1.5}, one, nil},
		{"times must rise", constant(0, 0), good, []float64{0, math.NaN()}, one, nil},
		{"step 1 of 2: the logits of row 0, position 0 are not numbers", constant(nan, nan), good, grid, one, nil},
		{"step 1 of 2: out of memory", fake{2, func([]float32, flow.Tokens, []float64, []float64) error { return broken }}, good, grid, one, nil},
	} {
		s := flow.Sampler{Denoiser: c.denoiser, Solver: flow.Euler{Scheduler: flow.Polynomial{N: 1}}, Source: flow.Uniform{Vocab: 2}}
		err := s.Run(context.Background(), c.x.Clone(), c.grid, c.rng, c.frozen, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, c.want)
		}
	}
}
