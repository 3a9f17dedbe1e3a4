package ops

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// InverseFrequencies are 10000^(-2j/headDim), j < headDim/2: the reference's
// buffer rotary_emb.inv_freq.
func InverseFrequencies(headDim int) []float32 {
	f := make([]float32, headDim/2)
	for j := range f {
		f[j] = float32(math.Pow(10000, -2*float64(j)/float64(headDim)))
	}
	return f
}

// rotary holds cos and sin of position*frequency, [L, headDim/2].
func rotary(length, headDim int) kernel.Rotary {
	freq := InverseFrequencies(headDim)
	cos, sin := make([]float32, length*len(freq)), make([]float32, length*len(freq))
	for pos := range length {
		for j, f := range freq {
			s, c := math.Sincos(float64(pos) * float64(f))
			cos[pos*len(freq)+j], sin[pos*len(freq)+j] = float32(c), float32(s)
		}
	}
	return kernel.Rotary{Cos: cos, Sin: sin}
}

// Visible says which keys of its row a query sees. Lengths are read at every
// run, so they may change between runs.
type Visible = kernel.Visible

// Attention is softmax attention over qkv [N, 3D] with scale 1/sqrt(headDim):
// result [N, D]. Queries and keys are first turned by their position (rotary
// embedding, Su et al. 2021, half-split pairs, base 10,000).
func (b *Builder) Attention(qkv *gorgonia.Node, batch, length, heads int, visible Visible) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	n, width := qkv.Shape()[0], qkv.Shape()[1]/3
	headDim := width / heads
	rotary := rotary(length, headDim)
	lse := make([]float32, batch*heads*length)
	forward := func(out []float32, in [][]float32) error {
		kernel.Attention(out, lse, in[0], batch, length, heads, headDim, rotary, visible)
		return nil
	}
	gradient := func(in gorgonia.Nodes, out, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dqkv := b.Op("attention dqkv", tensor.Shape{n, 3 * width}, func(d []float32, v [][]float32) error {
			kernel.AttentionBackward(d, v[0], v[1], v[2], lse, batch, length, heads, headDim, rotary, visible)
			return nil
		}, nil, dout, out, in[0])
		return gorgonia.Nodes{dqkv}, b.err
	}
	return b.Op("attention", tensor.Shape{n, width}, forward, gradient, qkv)
}
