package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// guard is the number of cells before every slice under test. They hold NaN: a kernel that
// reads one and uses it poisons its result, one that writes one is found out. After the
// slice follows a page that faults, or where that is not to be had as many cells again.
const guard = 17

var nan = float32(math.NaN())

// A bench makes guarded slices for one test.
type bench struct {
	*testing.T
	owner *testing.T // T may be replaced by that of a subtest
	rng   *rand.Rand
	cells [][]float32 // the guards
}

func newBench(t *testing.T, seed uint64) *bench {
	return &bench{T: t, owner: t, rng: rand.New(rand.NewPCG(seed, 1))}
}

// empty returns a guarded slice of n NaN: whoever owns it must write every element.
func (b *bench) empty(n int) []float32 {
	whole := guarded(b.owner, n)
	for i := range whole {
		whole[i] = nan
	}
	b.cells = append(b.cells, whole[:guard], whole[guard+n:])
	return whole[guard : guard+n : guard+n]
}

// normal returns a guarded slice of n normal draws.
func (b *bench) normal(n int) []float32 {
	x := b.empty(n)
	for i := range x {
		x[i] = float32(b.rng.NormFloat64())
	}
	return x
}

// checkGuards reports any write outside the slices handed out.
func (b *bench) checkGuards() {
	b.Helper()
	for _, cells := range b.cells {
		for i, v := range cells {
			if v == v {
				b.Fatalf("wrote %g outside a slice, to guard cell %d of %d", v, i, len(cells))
			}
		}
	}
}

// near checks |got - want| <= tol (1 + |want|) for every element.
func (b *bench) near(name string, got []float32, want []float64, tol float64) {
	b.Helper()
	if len(got) != len(want) {
		b.Fatalf("%s: %d elements, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if diff := math.Abs(float64(got[i]) - w); !(diff <= tol*(1+math.Abs(w))) {
			b.Fatalf("%s[%d] = %g, want %g (off by %.2g)", name, i, got[i], w, diff)
		}
	}
}

// everyLoops runs the test at each level this processor has.
func everyLoops(t *testing.T, test func(t *testing.T)) {
	defer func(was level) { use = was }(use)
	for _, use = range levels() {
		t.Run(use.name, test)
	}
}

// sameForAnyThreads runs f on 1, 2, 3 and 8 threads and wants bit-equal results.
func sameForAnyThreads(t *testing.T, f func() []float32) {
	t.Helper()
	defer SetThreads(0)
	SetThreads(1)
	want := slices.Clone(f())
	for _, n := range []int{2, 3, 8} {
		SetThreads(n)
		for i, v := range f() {
			if math.Float32bits(v) != math.Float32bits(want[i]) {
				t.Fatalf("%d threads: element %d is %g, with one thread %g", n, i, v, want[i])
			}
		}
	}
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	f()
}
