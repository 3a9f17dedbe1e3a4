package flowtest

import (
	"math"
	"slices"
	"testing"

	"fsdfm/flow"
)

// TestSolver checks that a solver leaves tokens within the vocabulary and as
// they are when it should, that those that move are spread as the posterior
// is, that a row depends on its own stream only, and that a step allocates
// nothing. From is a token below vocab that the solver may leave.
func TestSolver(t *testing.T, s flow.Solver, vocab int, from int32) {
	t.Run("destinations", func(t *testing.T) { testDestinations(t, s, vocab, from) })
	t.Run("stays", func(t *testing.T) { testStays(t, s, vocab, from) })
	t.Run("hostile", func(t *testing.T) { testHostile(t, s) })
	t.Run("rows", func(t *testing.T) { testRows(t, s, vocab, from) })
	t.Run("allocations", func(t *testing.T) { testAllocations(t, s, vocab, from) })
}

// testDestinations: whatever decides whether to jump, where to is p without x.
func testDestinations(t *testing.T, s flow.Solver, vocab int, from int32) {
	x := filled(1, 20000, from)
	p := Posterior(vocab)
	step(s, x, Logits(p, len(x.IDs)), []float64{0.3}, []float64{0.4}, flow.Streams(2, "destinations", 0, 1))
	counts := make([]int, vocab)
	for _, id := range x.IDs {
		counts[id]++
	}
	counts[from], p[from] = 0, 0
	Frequencies(t, counts, p)
}

// testStays: nothing moves in no time, nor where p is all on the token, nor
// where no logit is a number.
func testStays(t *testing.T, s flow.Solver, vocab int, from int32) {
	certain := make([]float64, vocab)
	certain[from] = 1
	cases := []struct {
		name string
		p    []float64
		t, h float64
	}{
		{"h = 0", Posterior(vocab), 0.3, 0},
		{"t = 1, h = 0", Posterior(vocab), 1, 0},
		{"p(x) = 1", certain, 0.3, 0.4},
		{"p(x) = 1 at the end", certain, 0.75, 0.25},
		{"all logits -Inf", make([]float64, vocab), 0.3, 0.7},
		{"all logits NaN", slices.Repeat([]float64{math.NaN()}, vocab), 0.3, 0.7},
	}
	for _, c := range cases {
		x := filled(2, 100, from)
		step(s, x, Logits(c.p, len(x.IDs)), []float64{c.t, c.t}, []float64{c.h, c.h}, flow.Streams(3, "stays", 0, 2))
		for _, id := range x.IDs {
			if id != from {
				t.Errorf("%s: token %d became %d", c.name, from, id)
				break
			}
		}
	}
}

// testHostile: no panic, no token out of range.
func testHostile(t *testing.T, s flow.Solver) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, vocab := range []int{1, 2, 3} {
		for _, l := range []float32{0, inf, -inf, nan, math.MaxFloat32, -math.MaxFloat32} {
			for _, times := range [][2]float64{{0, 0}, {0, 1}, {1, 0}, {1, 0.5}, {0.9, 0.5}, {1 - 1e-12, 1}, {0, 1e-12}} {
				x := filled(1, 8*vocab, 0)
				logits := make([]float32, len(x.IDs)*vocab)
				for i := range x.IDs {
					x.IDs[i] = int32(i % vocab)
					logits[i*vocab+i/vocab%vocab] = l
				}
				step(s, x, logits, times[:1], times[1:], flow.Streams(4, "hostile", 0, 1))
				checkRange(t, x, vocab)
			}
		}
	}
}

// testRows: a batch of rows with times of their own gives what each gives alone.
func testRows(t *testing.T, s flow.Solver, vocab int, from int32) {
	x := filled(3, 40, from)
	p := Posterior(vocab)
	times, h := []float64{0, 0.5, 0.9}, []float64{1, 0.25, 0.1}
	alone := make([]flow.Tokens, x.Batch)
	for i := range alone {
		alone[i] = filled(1, x.Length, from)
		step(s, alone[i], Logits(p, x.Length), times[i:i+1], h[i:i+1], flow.Streams(5, "rows", int64(i), 1))
	}
	step(s, x, Logits(p, len(x.IDs)), times, h, flow.Streams(5, "rows", 0, x.Batch))
	for i := range alone {
		if !slices.Equal(alone[i].IDs, x.Row(i)) {
			t.Errorf("row %d alone is %v, in its batch %v", i, alone[i].IDs, x.Row(i))
		}
	}
}

func step(s flow.Solver, x flow.Tokens, logits []float32, t, h []float64, rng []flow.Rand) {
	new(flow.Stepper).Step(s, x, logits, t, h, rng)
}

func testAllocations(t *testing.T, s flow.Solver, vocab int, from int32) {
	x := filled(2, 20, from)
	logits := Logits(Posterior(vocab), len(x.IDs))
	times, h, rng := []float64{0.1, 0.2}, []float64{0.5, 0.5}, flow.Streams(6, "allocations", 0, 2)
	var stepper flow.Stepper
	if n := testing.AllocsPerRun(10, func() { stepper.Step(s, x, logits, times, h, rng) }); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// Posterior is a distribution over vocab tokens, all different and none 0.
func Posterior(vocab int) []float64 {
	p := make([]float64, vocab)
	for v := range p {
		p[v] = float64(v+1) / float64(vocab*(vocab+1)/2)
	}
	return p
}

// Logits repeats ln p for n positions, [n, V].
func Logits(p []float64, n int) []float32 {
	row := make([]float32, len(p))
	for v := range row {
		row[v] = float32(math.Log(p[v]))
	}
	return slices.Repeat(row, n)
}

func filled(b, l int, id int32) flow.Tokens {
	x := flow.NewTokens(b, l)
	for i := range x.IDs {
		x.IDs[i] = id
	}
	return x
}

func checkRange(t *testing.T, x flow.Tokens, vocab int) {
	t.Helper()
	for i, id := range x.IDs {
		if id < 0 || int(id) >= vocab {
			t.Fatalf("token %d at %d: must be in [0, %d)", id, i, vocab)
		}
	}
}
