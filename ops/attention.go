package ops

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// Rotary turns the queries and keys of qkv [N, 3D] by their position (Su et
// al. 2021, half-split pairs, base 10,000) and copies the values.
func (b *Builder) Rotary(qkv *gorgonia.Node, batch, length, heads int) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	headDim := qkv.Shape()[1] / 3 / heads
	cos, sin := rotaryTables(length, headDim)
	shape := qkv.Shape().Clone()
	forward := func(out []float32, in [][]float32) error {
		kernel.Rotary(out, in[0], cos, sin, batch, length, heads, headDim, false)
		return nil
	}
	gradient := func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dx := b.Op("rotary dx", shape, func(out []float32, in [][]float32) error {
			kernel.Rotary(out, in[0], cos, sin, batch, length, heads, headDim, true)
			return nil
		}, nil, dout)
		return gorgonia.Nodes{dx}, b.err
	}
	return b.Op("rotary", shape, forward, gradient, qkv)
}

// InverseFrequencies are 10000^(-2j/headDim), j < headDim/2: the reference's
// buffer rotary_emb.inv_freq.
func InverseFrequencies(headDim int) []float32 {
	f := make([]float32, headDim/2)
	for j := range f {
		f[j] = float32(math.Pow(10000, -2*float64(j)/float64(headDim)))
	}
	return f
}

// rotaryTables holds cos and sin of position*frequency, [L, headDim/2].
func rotaryTables(length, headDim int) (cos, sin []float32) {
	freq := InverseFrequencies(headDim)
	cos, sin = make([]float32, length*len(freq)), make([]float32, length*len(freq))
	for pos := range length {
		for j, f := range freq {
			s, c := math.Sincos(float64(pos) * float64(f))
			cos[pos*len(freq)+j], sin[pos*len(freq)+j] = float32(c), float32(s)
		}
	}
	return cos, sin
}

// Visible says which keys of its row a query sees. Lengths are read at every
// run, so they may change between runs.
type Visible = kernel.Visible

// Attention is softmax attention over rotated qkv [N, 3D] with scale
// 1/sqrt(headDim): result [N, D].
func (b *Builder) Attention(qkv *gorgonia.Node, batch, length, heads int, visible Visible) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	n, width := qkv.Shape()[0], qkv.Shape()[1]/3
	headDim := width / heads
	lse := make([]float32, batch*heads*length)
	forward := func(out []float32, in [][]float32) error {
		kernel.Attention(out, lse, in[0], batch, length, heads, headDim, visible)
		return nil
	}
	gradient := func(in gorgonia.Nodes, out, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dqkv := b.Op("attention dqkv", tensor.Shape{n, 3 * width}, func(d []float32, v [][]float32) error {
			kernel.AttentionBackward(d, v[0], v[1], v[2], lse, batch, length, heads, headDim, visible)
			return nil
		}, nil, dout, out, in[0])
		return gorgonia.Nodes{dqkv}, b.err
	}
	return b.Op("attention", tensor.Shape{n, width}, forward, gradient, qkv)
}
