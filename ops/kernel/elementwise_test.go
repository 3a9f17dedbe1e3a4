package kernel

import (
	"math"
	"slices"
	"testing"
)

// lengths have every remainder of 16 and cross the grain of elementwise kernels.
var lengths = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 33, 63, 64, 65, 100, 1000, elementGrain + 13}

func mapped(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

func sigmoid64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func gelu64(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func geluSlope64(x float64) float64 {
	c := math.Sqrt(2 / math.Pi)
	t := math.Tanh(c * (x + 0.044715*x*x*x))
	return (1+t)/2 + x/2*(1-t*t)*c*(1+3*0.044715*x*x)
}

func siluSlope64(x float64) float64 {
	s := sigmoid64(x)
	return s + x*s*(1-s)
}

func TestExpAccuracy(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		b := newBench(t, 1)
		const n = 200_001
		x, dst := b.empty(n), b.empty(n)
		for i := range x {
			x[i] = -87.3 + float32(i)*(176.0/n)
		}
		Exp(dst, x)
		b.checkGuards()
		worst := 0.0
		for i, v := range x {
			want := math.Exp(float64(v))
			worst = max(worst, math.Abs(float64(dst[i])/want-1))
		}
		if !(worst <= 1e-7) { // the bound in Exp's comment
			t.Errorf("largest relative error %.3g", worst)
		}
	})
}

func TestExpEnds(t *testing.T) {
	inf := float32(math.Inf(1))
	everyLoops(t, func(t *testing.T) {
		x := []float32{0, -inf, inf, nan, -88, -1e30, 89, 1e30, 88.7228, -87.3365}
		dst := make([]float32, len(x))
		Exp(dst, x)
		for i, want := range []float32{1, 0, inf, nan, 0, 0, inf, inf} {
			if dst[i] != want && !(want != want && dst[i] != dst[i]) {
				t.Errorf("exp(%g) = %g, want %g", x[i], dst[i], want)
			}
		}
		if dst[8] > math.MaxFloat32 || dst[8] < 3.4e38 || dst[9] <= 0 || dst[9] > 1.2e-38 {
			t.Errorf("at the ends of the range: %g, %g", dst[8], dst[9])
		}
	})
}

// Each activation with its forward and backward kernel and their float64 references.
var activations = []struct {
	name     string
	forward  func(dst, x []float32)
	backward func(dx, dy, x []float32)
	f, slope func(float64) float64
}{
	{"GELU", GELU, GELUBackward, gelu64, geluSlope64},
	{"SiLU", SiLU, SiLUBackward, func(x float64) float64 { return x * sigmoid64(x) }, siluSlope64},
}

func TestActivations(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, a := range activations {
			for _, n := range lengths {
				b := newBench(t, uint64(n))
				x, dy, y, dx := b.normal(n), b.normal(n), b.empty(n), b.empty(n)
				for i := range x {
					x[i] *= 4
				}
				a.forward(y, x)
				a.backward(dx, dy, x)
				b.checkGuards()
				slopes := mapped(widen(x), a.slope)
				for i := range slopes {
					slopes[i] *= float64(dy[i])
				}
				// A few roundings of numbers up to 10.
				b.near(a.name, y, mapped(widen(x), a.f), 5e-7)
				b.near(a.name+" backward", dx, slopes, 3e-6)
			}
			extreme := []float32{-1e4, -100, -30, 30, 100, 1e4}
			y := make([]float32, len(extreme))
			a.forward(y, extreme)
			for i, v := range extreme {
				if want := max(v, 0); math.Abs(float64(y[i]-want)) > 1e-10 {
					t.Errorf("%s(%g) = %g, want %g", a.name, v, y[i], want)
				}
			}
			a.backward(y, []float32{1, 1, 1, 1, 1, 1}, extreme)
			for i, v := range extreme {
				if want := min(max(v, 0), 1); math.Abs(float64(y[i]-want)) > 1e-10 {
					t.Errorf("%s'(%g) = %g, want %g", a.name, v, y[i], want)
				}
			}
		}
	})
}

func TestSoftmaxRow(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, n := range append(lengths[1:], 8192, 50_257) {
			b := newBench(t, uint64(n))
			x, dst := b.normal(n), b.empty(n)
			for i := range x {
				x[i] = 5*x[i] + 1000
			}
			if n > 3 {
				x[n/2] = float32(math.Inf(-1)) // a forbidden token
			}
			lse := SoftmaxRow(dst, x)
			b.checkGuards()
			var sum float64
			for _, v := range x {
				sum += math.Exp(float64(v) - 1000)
			}
			want := 1000 + math.Log(sum)
			if math.Abs(float64(lse)-want) > 1e-4 { // half a unit in the last place of 1000
				t.Fatalf("n %d: log-sum-exp %g, want %g", n, lse, want)
			}
			b.near("softmax", dst, mapped(widen(x), func(v float64) float64 { return math.Exp(v - want) }), 1e-6)
			total := 0.0
			for _, v := range dst {
				total += float64(v)
			}
			if math.Abs(total-1) > 1e-6 {
				t.Fatalf("n %d: sum %g", n, total)
			}
			if again := SoftmaxRow(x, x); again != lse || !slices.Equal(x, dst) {
				t.Fatalf("n %d: in place differs", n)
			}
		}
	})
}

func TestSumSquares(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, n := range append(lengths, 3*squaresChunk+5) {
			b := newBench(t, uint64(n))
			x := b.normal(n)
			var want float64
			for _, v := range x {
				want += float64(v) * float64(v)
			}
			if got := SumSquares(x); math.Abs(got-want) > 1e-12*want { // float64 sums
				t.Fatalf("n %d: %g, want %g", n, got, want)
			}
			sameForAnyThreads(t, func() []float32 { return []float32{float32(SumSquares(x))} })
		}
	})
}

func TestAdamW(t *testing.T) {
	s := AdamWStep{LR: 1e-2, Beta1: .9, Beta2: .95, Eps: 1e-8, WeightDecay: .03,
		Bias1: 1 - .9*.9, Bias2: 1 - .95*.95, GradScale: .7, EMADecay: .99}
	everyLoops(t, func(t *testing.T) {
		for _, n := range lengths {
			b := newBench(t, uint64(n))
			p, m, v, ema, g := b.normal(n), b.normal(n), b.normal(n), b.normal(n), b.normal(n)
			for i := range v {
				v[i] *= v[i]
			}
			wantP, wantM, wantV, wantE := widen(p), widen(m), widen(v), widen(ema)
			for i := range wantP {
				gi := s.GradScale * float64(g[i])
				wantM[i] = s.Beta1*wantM[i] + (1-s.Beta1)*gi
				wantV[i] = s.Beta2*wantV[i] + (1-s.Beta2)*gi*gi
				wantP[i] *= 1 - s.LR*s.WeightDecay
				wantP[i] -= s.LR / s.Bias1 * wantM[i] / (math.Sqrt(wantV[i])/math.Sqrt(s.Bias2) + s.Eps)
				wantE[i] += (1 - s.EMADecay) * (wantP[i] - wantE[i])
			}
			q, mq, vq := slices.Clone(p), slices.Clone(m), slices.Clone(v)
			AdamW(p, m, v, ema, g, s)
			AdamW(q, mq, vq, nil, g, s)
			b.checkGuards()
			if !slices.Equal(p, q) {
				t.Fatalf("n %d: the average changes the update", n)
			}
			b.near("p", p, wantP, 3e-7) // a few roundings
			b.near("m", m, wantM, 3e-7)
			b.near("v", v, wantV, 3e-7)
			b.near("ema", ema, wantE, 3e-7)
		}
	})
}

func TestDropoutKeep(t *testing.T) {
	const perRow, rate = 40_003, 0.1
	keep := make([]float32, 3*perRow)
	DropoutKeep(keep, []uint64{5, 6, 5}, 2, perRow, rate)
	if !slices.Equal(keep[:perRow], keep[2*perRow:]) || slices.Equal(keep[:perRow], keep[perRow:2*perRow]) {
		t.Error("a row's mask must depend on its seed, and on nothing else of the batch")
	}
	other := make([]float32, perRow)
	DropoutKeep(other, []uint64{5}, 3, perRow, rate)
	agree, dropped := 0, 0
	for i, v := range keep[:perRow] {
		if v != 0 && v != 1/(1-float32(rate)) {
			t.Fatalf("keep[%d] = %g", i, v)
		}
		if v == 0 {
			dropped++
			if other[i] == 0 {
				agree++
			}
		}
	}
	// Binomial: 4,000 +- 60 and 400 +- 20; five standard deviations.
	if math.Abs(float64(dropped)-4000) > 300 || math.Abs(float64(agree)-400) > 100 {
		t.Errorf("%d of %d dropped, %d of them in another layer too", dropped, perRow, agree)
	}
	DropoutKeep(other, []uint64{5}, 3, perRow, 0)
	if slices.Contains(other, 0) {
		t.Error("rate 0 drops")
	}
}
