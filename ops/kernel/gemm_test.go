package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// gemmShapes have edges in every direction of every blocking in use.
var gemmShapes = [][3]int{
	{1, 1, 1}, {1, 16, 8}, {3, 5, 7}, {6, 16, 1}, {7, 17, 33}, {4, 4, 0}, {12, 31, 9},
	{1, 100, 300}, {5, 77, 130}, {32, 100, 128}, {31, 15, 385}, {50, 33, 800}, {97, 129, 65}, {150, 530, 70},
}

// naive computes op(a) op(b) in float64 and the sums of absolute products.
func naive(layout Layout, a, b []float32, m, n, k int) (c, size []float64) {
	c, size = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for p := range k {
				ai, bi := i*k+p, p*n+j
				if layout == TN {
					ai = p*m + i
				}
				if layout == NT {
					bi = j*k + p
				}
				v := float64(a[ai]) * float64(b[bi])
				c[i*n+j] += v
				size[i*n+j] += math.Abs(v)
			}
		}
	}
	return c, size
}

func TestGemm(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range gemmShapes {
			for layout := NN; layout <= TN; layout++ {
				for variant := range 4 {
					name := fmt.Sprintf("%v/layout%d/variant%d", s, layout, variant)
					t.Run(name, func(t *testing.T) { checkGemm(t, layout, s[0], s[1], s[2], variant) })
				}
			}
		}
	})
}

// checkGemm compares one call with the naive sum. Variants: 0 plain, 1 accumulate, 2 bias,
// 3 bias, GELU and Pre.
func checkGemm(t *testing.T, layout Layout, m, n, k, variant int) {
	b := newBench(t, uint64(m*n+k))
	x, y, bias := b.normal(m*k), b.normal(k*n), b.normal(n)
	c, pre := b.empty(m*n), b.empty(m*n)
	want, size := naive(layout, x, y, m, n, k)
	var ep Epilogue
	if variant == 1 {
		copy(c, b.normal(m*n))
		for i, v := range c {
			want[i] += float64(v)
		}
	}
	if variant >= 2 {
		ep.Bias = bias
		for i := range want {
			want[i] += float64(bias[i%n])
		}
	}
	if variant == 3 {
		ep.GELU, ep.Pre = true, pre
	}
	Gemm(layout, c, x, y, m, n, k, variant == 1, ep)
	b.checkGuards()
	before := c
	if variant == 3 {
		before = pre
		b.near("gelu", c, mapped(widen(pre), gelu64), 5e-7)
	}
	for i, w := range want {
		// A float32 sum of k products is off by about sqrt(k) 2^-24 of their absolute sum.
		if diff := math.Abs(float64(before[i]) - w); !(diff <= 1e-6*(1+size[i])) {
			t.Fatalf("c[%d, %d] = %g, want %g", i/n, i%n, before[i], w)
		}
	}
}

func TestGemmSameForAnyThreads(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range [][3]int{{70, 90, 50}, {201, 157, 801}, {9, 530, 400}} {
			for layout := NN; layout <= TN; layout++ {
				m, n, k := s[0], s[1], s[2]
				b := newBench(t, 3)
				x, y, c, bias := b.normal(m*k), b.normal(k*n), b.normal(m*n), b.normal(n)
				sameForAnyThreads(t, func() []float32 {
					d := slices.Clone(c)
					Gemm(layout, d, x, y, m, n, k, true, Epilogue{Bias: bias, GELU: true})
					return d
				})
			}
		}
	})
}

func TestGemmRefusesShapes(t *testing.T) {
	x := make([]float32, 6)
	mustPanic(t, "kernel: Gemm: a slice's length does not match m, n, k", func() {
		Gemm(NN, x, x, x, 2, 3, 2, false, Epilogue{})
	})
	mustPanic(t, "kernel: Gemm: bias must have n elements", func() {
		Gemm(NN, x[:4], x, x, 2, 2, 3, false, Epilogue{Bias: x})
	})
	mustPanic(t, "kernel: Gemm: pre must have m*n elements and goes with GELU", func() {
		Gemm(NN, x[:4], x, x, 2, 2, 3, false, Epilogue{Pre: x[:4]})
	})
	mustPanic(t, "kernel: Gemm: unknown layout", func() { Gemm(9, x[:4], x, x, 2, 2, 3, false, Epilogue{}) })
}
