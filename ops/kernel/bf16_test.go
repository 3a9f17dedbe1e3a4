package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
	"unsafe"
)

func TestRoundBF16(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range [][2]float32{
		{0, 0}, {1, 1}, {-2.5, -2.5}, {inf, inf}, {-inf, -inf},
		{1 + 1.0/256, 1},            // a tie between 1 and 1+1/128: to even
		{1 + 3.0/256, 1 + 2.0/128},  // a tie: up to even
		{1 + 1.01/256, 1 + 1.0/128}, // above a tie
		{math.MaxFloat32, inf},      // nearer to the next power of two than to the largest
		{math.Float32frombits(1), 0},
	} {
		dst := make([]BF16, 1)
		RoundBF16(dst, c[:1])
		if got := dst[0].Float32(); got != c[1] {
			t.Errorf("%v rounds to %v, want %v", c[0], got, c[1])
		}
	}
	dst := make([]BF16, 2)
	RoundBF16(dst, []float32{nan, math.Float32frombits(0x7f800001)})
	for _, b := range dst {
		if v := b.Float32(); v == v {
			t.Errorf("NaN rounds to %v", v)
		}
	}
}

// rounded returns x in bfloat16, ending at a guard, and widened again.
func (b *bench) rounded(x []float32) (half []BF16, wide []float32) {
	wide = make([]float32, len(x))
	if len(x) == 0 {
		return nil, wide
	}
	cells := b.empty((len(x) + 1) / 2)
	half = unsafe.Slice((*BF16)(unsafe.Pointer(&cells[0])), 2*len(cells))[2*len(cells)-len(x):]
	RoundBF16(half, x)
	widenBF16(wide, half)
	return half, wide
}

// TestGemmBF16 wants the bits of Gemm over the widened operand.
func TestGemmBF16(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range append(gemmShapes, [3]int{200, 300, 1100}) {
			m, n, k := s[0], s[1], s[2]
			b := newBench(t, uint64(m+n*k))
			a, bias, got, want := b.normal(m*k), b.normal(n), b.empty(m*n), b.empty(m*n)
			half, wide := b.rounded(b.normal(n * k))
			ep := Epilogue{Bias: bias, GELU: true}
			Gemm(NT, want, a, wide, m, n, k, false, ep)
			GemmBF16(got, a, half, m, n, k, ep)
			b.checkGuards()
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("M %d, N %d, K %d: c[%d] = %g, want %g", m, n, k, i, got[i], want[i])
				}
			}
		}
	})
}

func TestGemmBF16SameForAnyThreads(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		m, n, k := 201, 157, 401
		b := newBench(t, 4)
		a, c := b.normal(m*k), b.empty(m*n)
		half, _ := b.rounded(b.normal(n * k))
		sameForAnyThreads(t, func() []float32 {
			GemmBF16(c, a, half, m, n, k, Epilogue{})
			return c
		})
	})
}

func TestEmbedBF16(t *testing.T) {
	b := newBench(t, 5)
	const width, rows = 33, 7
	half, wide := b.rounded(b.normal(rows * width))
	ids := make([]int32, 200)
	for i := range ids {
		ids[i] = int32(i * 5 % rows)
	}
	got, want := b.empty(len(ids)*width), b.empty(len(ids)*width)
	EmbedBF16(got, half, ids, width)
	Embed(want, wide, ids, width)
	b.checkGuards()
	b.near("rows", got, widen(want), 0)
	mustPanic(t, "kernel: Embed: an id is outside the vocabulary", func() { EmbedBF16(got[:width], half, []int32{rows}, width) })
	mustPanic(t, "kernel: GemmBF16: a slice's length does not match m, n, k", func() { GemmBF16(got, want, half, 1, 2, 3, Epilogue{}) })
}

// BenchmarkGemmBF16 runs both kinds of weights in turn: best GFLOP/s of each.
func BenchmarkGemmBF16(b *testing.B) {
	for _, s := range [][3]int{{1024, 768, 768}, {1024, 3072, 768}, {1024, 768, 3072}, {1024, 50257, 768}, {1024, 1024, 256}, {8, 3072, 768}, {1, 4608, 128}} {
		m, n, k := s[0], s[1], s[2]
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			a, c, w, half := make([]float32, m*k), make([]float32, m*n), make([]float32, n*k), make([]BF16, n*k)
			fast := [2]float64{}
			measure := func(i int, run func()) {
				begun := time.Now()
				run()
				fast[i] = max(fast[i], 2*float64(m)*float64(n)*float64(k)/float64(time.Since(begun).Nanoseconds()))
			}
			for b.Loop() {
				measure(0, func() { Gemm(NT, c, a, w, m, n, k, false, Epilogue{}) })
				measure(1, func() { GemmBF16(c, a, half, m, n, k, Epilogue{}) })
			}
			b.ReportMetric(fast[0], "fp32-GFLOP/s")
			b.ReportMetric(fast[1], "bf16-GFLOP/s")
		})
	}
}
