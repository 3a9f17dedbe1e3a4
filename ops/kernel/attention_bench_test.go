package kernel

import "testing"

// BenchmarkAttention is B 8, L 256, H 4, headDim 64.
func BenchmarkAttention(b *testing.B) {
	const batch, length, heads, headDim = 8, 256, 4, 64
	rows, width := batch*length, heads*headDim
	qkv, dqkv := make([]float32, rows*3*width), make([]float32, rows*3*width)
	for i := range qkv {
		qkv[i] = float32(i*7919%1000)/500 - 1
	}
	out, dout, lse := make([]float32, rows*width), make([]float32, rows*width), make([]float32, rows*heads)
	copy(dout, qkv)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			Attention(out, lse, qkv, batch, length, heads, headDim, Visible{})
		}
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			AttentionBackward(dqkv, dout, out, qkv, lse, batch, length, heads, headDim, Visible{})
		}
	})
}
