package kernel

import (
	"math"
	"testing"
)

func TestWeigh(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, n := range lengths {
			b := newBench(t, uint64(n))
			x := b.normal(n)
			for i := range x {
				x[i] *= 20
			}
			if n > 3 {
				x[1], x[n-2], x[n/2] = nan, float32(math.Inf(-1)), -math.MaxFloat32
			}
			largest := math.Inf(-1)
			for _, v := range x {
				if v == v {
					largest = max(largest, float64(v))
				}
			}
			want := mapped(widen(x), func(v float64) float64 {
				if v != v {
					return 0
				}
				return math.Exp(v - largest)
			})
			top, sum := Weigh(x)
			b.checkGuards()
			if float64(top) != largest {
				t.Errorf("%d logits: the largest is %v, want %v", n, top, largest)
			}
			b.near("weights", x, want, 1e-7) // the accuracy of Exp
			total := 0.0
			for _, w := range x {
				total += float64(w)
			}
			// Sums of float64: a draw at u in [0, 1) does not fall off the end.
			if math.Abs(sum-total) > 1e-12*total {
				t.Errorf("%d logits: the sum is %v, of the weights %v", n, sum, total)
			}
		}
	})
}

func TestWeighInfinite(t *testing.T) {
	inf := float32(math.Inf(1))
	everyLoops(t, func(t *testing.T) {
		for _, c := range []struct {
			x, want  []float32
			top, sum float64
		}{
			{nil, nil, math.Inf(-1), 0},
			{[]float32{nan, nan, -inf}, []float32{0, 0, 0}, math.Inf(-1), 0},
			{[]float32{nan, inf, 3, inf, -inf}, []float32{0, 1, 0, 1, 0}, math.Inf(1), 2},
		} {
			x := append([]float32(nil), c.x...)
			top, sum := Weigh(x)
			if float64(top) != c.top || sum != c.sum {
				t.Errorf("%v: largest %v with sum %v, want %v and %v", c.x, top, sum, c.top, c.sum)
			}
			for i, w := range c.want {
				if x[i] != w {
					t.Errorf("%v: weights %v, want %v", c.x, x, c.want)
				}
			}
		}
	})
}
