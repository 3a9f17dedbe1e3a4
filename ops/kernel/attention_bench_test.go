package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkAttention is about 2,048 positions of width 256, in heads of several sizes and
// rows of two lengths.
func BenchmarkAttention(b *testing.B) {
	for _, s := range [][4]int{{8, 256, 4, 64}, {8, 256, 8, 32}, {8, 256, 2, 128}, {2, 1024, 4, 64}} {
		for _, causal := range []bool{false, true} {
			name := fmt.Sprintf("L=%d/head=%d/causal=%v/", s[1], s[3], causal)
			benchmarkAttention(b, name, s[0], s[1], s[2], s[3], Visible{Causal: causal})
		}
	}
}

func benchmarkAttention(b *testing.B, name string, batch, length, heads, headDim int, visible Visible) {
	rows, width := batch*length, heads*headDim
	qkv, dqkv := make([]float32, rows*3*width), make([]float32, rows*3*width)
	for i := range qkv {
		qkv[i] = float32(i*7919%1000)/500 - 1
	}
	out, dout, lse := make([]float32, rows*width), make([]float32, rows*width), make([]float32, rows*heads)
	copy(dout, qkv)
	Attention(out, lse, qkv, batch, length, heads, headDim, Rotary{}, visible)
	b.Run(name+"forward", func(b *testing.B) {
		for b.Loop() {
			Attention(out, lse, qkv, batch, length, heads, headDim, Rotary{}, visible)
		}
	})
	b.Run(name+"backward", func(b *testing.B) {
		for b.Loop() {
			AttentionBackward(dqkv, dout, out, qkv, lse, batch, length, heads, headDim, Rotary{}, visible)
		}
	})
}
