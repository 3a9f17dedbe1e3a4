package kernel

import "math"

// BF16 is a bfloat16, the upper half of a float32: the same range, 8 bits of precision.
// Weights are kept so to halve their memory; every sum is still of float32.
type BF16 uint16

// Float32 returns b, exactly.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// RoundBF16 rounds src to the nearest BF16, of two to the even one. NaN stays NaN.
func RoundBF16(dst []BF16, src []float32) {
	if len(dst) != len(src) {
		panic("kernel: RoundBF16: dst and src differ in length")
	}
	parallelRanges(len(src), elementGrain, func(lo, hi int) {
		for i, v := range src[lo:hi] {
			dst[lo+i] = roundBF16(v)
		}
	})
}

func roundBF16(v float32) BF16 {
	bits := math.Float32bits(v)
	if v != v {
		return BF16(bits>>16 | 1<<6) // quiet: the payload may lie in the half that is cut off
	}
	// Half of the last place, less one where that place is even: a tie then rounds down.
	return BF16((bits + 0x7fff + bits>>16&1) >> 16)
}

func widenBF16(dst []float32, src []BF16) {
	for i, b := range src {
		dst[i] = b.Float32()
	}
}

// GemmBF16 is Gemm(NT, ...) with b [n, k] in bfloat16: c = a b^T, then the epilogue. It
// equals Gemm over the widened b bit for bit: b is widened while it is packed.
func GemmBF16(c, a []float32, b []BF16, m, n, k int, ep Epilogue) {
	if m < 0 || n < 0 || k < 0 || len(c) != m*n || len(a) != m*k || len(b) != k*n {
		panic("kernel: GemmBF16: a slice's length does not match m, n, k")
	}
	g := matmul{c: c, a: a, bf16: b, m: m, n: n, k: k, group: k, aRow: k, aCol: 1, bRow: 1, bCol: k, layout: NT, ep: ep}
	g.run()
}

// EmbedBF16 is Embed with weight [V, width] in bfloat16.
func EmbedBF16(dst []float32, weight []BF16, ids []int32, width int) {
	if width < 1 || len(dst) != len(ids)*width || len(weight)%width != 0 {
		panic("kernel: EmbedBF16: a slice's length does not match len(ids), width")
	}
	checkIDs(ids, len(weight)/width)
	parallelRanges(len(ids), sumChunk, func(r0, r1 int) {
		for r := r0; r < r1; r++ {
			widenBF16(dst[r*width:(r+1)*width], weight[int(ids[r])*width:][:width])
		}
	})
}
