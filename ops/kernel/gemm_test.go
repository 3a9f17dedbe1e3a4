package kernel

import (
	"math"
	"slices"
	"testing"
)

// gemmShapes (M, N, K) have edges in every direction of every blocking in use.
var gemmShapes = [][3]int{
	{1, 1, 1}, {1, 16, 8}, {3, 5, 7}, {6, 16, 1}, {7, 17, 33}, {4, 4, 0}, {12, 31, 9}, {1, 100, 300}, {5, 77, 130},
	{32, 100, 128}, {31, 15, 385}, {50, 33, 400}, {97, 129, 65}, {110, 20, 401}, {150, 270, 20}, {97, 18, 1025}, {20, 64, 40}, {11, 60, 520}, {103, 200, 30},
}

// naive computes op(a) op(b) in float64 and the sums of absolute products.
func naive(layout Layout, a, b []float32, m, n, k int) (c, size []float64) {
	c, size = make([]float64, m*n), make([]float64, m*n)
	row, column := make([]float64, k), make([]float64, k*n)
	for i := range column {
		column[i] = float64(element(b, i/k, i%k, k, n, layout == NT))
	}
	for i := range m {
		for p := range k {
			row[p] = float64(element(a, i, p, k, m, layout != TN))
		}
		for j := range n {
			var sum, total float64
			for p, v := range column[j*k : (j+1)*k] {
				sum += row[p] * v
				total += math.Abs(row[p] * v)
			}
			c[i*n+j], size[i*n+j] = sum, total
		}
	}
	return c, size
}

// element returns x[i, p] of a matrix [*, k], or of one stored as [k, rows].
func element(x []float32, i, p, k, rows int, byRow bool) float32 {
	if byRow {
		return x[i*k+p]
	}
	return x[p*rows+i]
}

// product is one call of Gemm with its reference.
type product struct {
	*bench
	layout        Layout
	m, n, k       int
	a, b, c, bias []float32
	want, size    []float64
}

func newProduct(t *testing.T, layout Layout, m, n, k int) *product {
	b := newBench(t, uint64(m*n+k))
	p := &product{bench: b, layout: layout, m: m, n: n, k: k, a: b.normal(m * k), b: b.normal(k * n), c: b.normal(m * n), bias: b.normal(n)}
	p.want, p.size = naive(layout, p.a, p.b, m, n, k)
	return p
}

// check runs Gemm and compares c, or with Pre that, with the reference.
func (p *product) check(accumulate bool, ep Epilogue) {
	p.Helper()
	got := p.empty(p.m * p.n)
	if accumulate {
		copy(got, p.c)
	}
	Gemm(p.layout, got, p.a, p.b, p.m, p.n, p.k, accumulate, ep)
	p.checkGuards()
	if ep.GELU {
		p.near("gelu", got, mapped(widen(ep.Pre), gelu64), 5e-7)
		got = ep.Pre
	}
	for i, want := range p.want {
		if accumulate {
			want += float64(p.c[i])
		}
		if ep.Bias != nil {
			want += float64(ep.Bias[i%p.n])
		}
		// A float32 sum of k products is off by about sqrt(k) 2^-24 of their absolute sum.
		if diff := math.Abs(float64(got[i]) - want); !(diff <= 1e-6*(1+p.size[i])) {
			p.Fatalf("layout %d, M %d, N %d, K %d, accumulate %v: c[%d, %d] = %g, want %g",
				p.layout, p.m, p.n, p.k, accumulate, i/p.n, i%p.n, got[i], want)
		}
	}
}

func (p *product) checkAll() {
	p.Helper()
	p.check(false, Epilogue{})
	p.check(true, Epilogue{})
	p.check(false, Epilogue{Bias: p.bias})
	p.check(true, Epilogue{Bias: p.bias, GELU: true, Pre: p.empty(p.m * p.n)})
}

func TestGemm(t *testing.T) {
	for _, s := range gemmShapes {
		for layout := NN; layout <= TN; layout++ {
			p := newProduct(t, layout, s[0], s[1], s[2])
			everyLoops(t, func(t *testing.T) { p.T = t; p.checkAll() })
		}
	}
}

// FuzzGemm looks for shapes that go wrong.
func FuzzGemm(f *testing.F) {
	for _, s := range gemmShapes {
		f.Add(uint8(s[0]), uint8(s[1]), uint16(s[2]), uint8(s[0]))
	}
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, layout uint8) {
		p := newProduct(t, Layout(layout%3), int(m), int(n), int(k%1200))
		everyLoops(t, func(t *testing.T) { p.T = t; p.checkAll() })
	})
}

// TestGemmLarge checks shapes that need every blocking at once by a probe vector:
// (A B) x = A (B x) costs less than the product (Freivalds 1979).
func TestGemmLarge(t *testing.T) {
	for _, s := range [][3]int{{600, 530, 2100}, {130, 4200, 40}, {250, 300, 1300}} {
		for layout := NN; layout <= TN; layout++ {
			m, n, k := s[0], s[1], s[2]
			b := newBench(t, 5)
			x, y, c := b.normal(m*k), b.normal(k*n), b.empty(m*n)
			Gemm(layout, c, x, y, m, n, k, false, Epilogue{})
			b.checkGuards()
			probe, bx := make([]float64, n), make([]float64, k)
			for j := range probe {
				probe[j] = b.rng.NormFloat64()
			}
			for p := range bx {
				for j, v := range probe {
					bx[p] += v * float64(element(y, j, p, k, n, layout == NT))
				}
			}
			for i := range m {
				var got, want float64
				for j, v := range probe {
					got += v * float64(c[i*n+j])
				}
				for p, v := range bx {
					want += v * float64(element(x, i, p, k, m, layout != TN))
				}
				// sqrt(n k) terms of size 1 with relative errors of sqrt(k) 2^-24.
				if tol := 1e-6 * math.Sqrt(float64(n*k)) * 5; math.Abs(got-want) > tol {
					t.Fatalf("layout %d, %v: row %d is off by %g", layout, s, i, got-want)
				}
			}
		}
	}
}

func TestGemmSameForAnyThreads(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range [][3]int{{70, 90, 50}, {201, 157, 401}, {9, 530, 400}, {100, 50, 1100}, {260, 70, 1030}} {
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

// A row of the product does not depend on the rows beside it.
func TestGemmRowsAreIndependent(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range [][3]int{{130, 40, 1100}, {100, 300, 90}, {300, 20, 1030}} {
			for layout := NN; layout <= NT; layout++ {
				m, n, k := s[0], s[1], s[2]
				b := newBench(t, 4)
				x, y, whole := b.normal(m*k), b.normal(k*n), b.empty(m*n)
				Gemm(layout, whole, x, y, m, n, k, false, Epilogue{})
				for _, rows := range []int{1, 7, 97} {
					part := b.empty(rows * n)
					Gemm(layout, part, x[3*k:(3+rows)*k], y, rows, n, k, false, Epilogue{})
					if !slices.Equal(part, whole[3*n:(3+rows)*n]) {
						t.Errorf("layout %d, %v: %d rows alone differ", layout, s, rows)
					}
				}
			}
		}
	})
}

// One call over several groups gives the bits of any calls that accumulate.
func TestGroupsAddUpInOrder(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range [][4]int{{20, 30, 64, 6}, {130, 50, 401, 4}, {7, 9, 1, 8}, {120, 40, 500, 4}, {128, 64, 256, 6}} {
			m, n, group, groups := s[0], s[1], s[2], s[3]
			b := newBench(t, 6)
			x, y := b.normal(groups*group*m), b.normal(groups*group*n)
			product, sum := b.empty(m*n), b.empty(m)
			GemmTN(product, x, y, m, n, groups*group, group, false)
			ColumnSum(sum, x, groups*group, m, group, false)
			for _, split := range [][]int{{1, groups - 1}, {groups - 1, 1}, {2, 1, groups - 3}} {
				c, d, at := b.empty(m*n), b.empty(m), 0
				for _, part := range split {
					rows := part * group
					GemmTN(c, x[at*m:(at+rows)*m], y[at*n:(at+rows)*n], m, n, rows, group, at > 0)
					ColumnSum(d, x[at*m:(at+rows)*m], rows, m, group, at > 0)
					at += rows
				}
				if !slices.Equal(c, product) || !slices.Equal(d, sum) {
					t.Errorf("%v split into %v: other bits", s, split)
				}
			}
			b.checkGuards()
		}
	})
}

func TestGemmTN(t *testing.T) {
	for _, s := range gemmShapes {
		for _, group := range []int{1, 5, 128} {
			p := newProduct(t, TN, s[0], s[1], s[2]/group*group)
			everyLoops(t, func(t *testing.T) {
				p.T = t
				got := p.empty(p.m * p.n)
				GemmTN(got, p.a, p.b, p.m, p.n, p.k, group, false)
				p.checkGuards()
				for i, want := range p.want {
					if diff := math.Abs(float64(got[i]) - want); !(diff <= 1e-6*(1+p.size[i])) {
						t.Fatalf("%v in groups of %d: c[%d] = %g, want %g", s, group, i, got[i], want)
					}
				}
			})
		}
	}
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
	mustPanic(t, "kernel: GemmTN: the groups do not fill k", func() { GemmTN(x[:4], x, x, 2, 2, 3, 2, false) })
	mustPanic(t, "kernel: Gemm: unknown layout", func() { Gemm(9, x[:4], x, x, 2, 2, 3, false, Epilogue{}) })
}
