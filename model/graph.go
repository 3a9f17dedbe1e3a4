package model

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"fsdfm/ops"
)

// frequencies is the width of the sinusoidal time features.
const frequencies = 256

// Graph is the network for one batch shape. Fill its inputs, then run a
// program compiled from its Builder.
type Graph struct {
	Builder       *ops.Builder
	Hidden        *gorgonia.Node // [N, D] what the output layer is given
	Output        Output
	Logits        *gorgonia.Node // [N, rows]; nil in a training graph
	IDs           []int32        // [N] tokens x_t
	Seeds         []uint64       // [B] of dropout, one a row
	Batch, Length int

	w                *Weights
	grads            []float32
	timeFeatures     []float32 // [B, 256]
	stepSizeFeatures []float32 // [B, 256], nil unless step-aware
}

// Output are the parameters of the output layer.
type Output struct{ Weight, Bias *ops.Param }

// Build describes the network once for trainer, teacher, EMA and sampler. With
// grads, a vector of w's layout, it is a training graph with dropout that ends
// before the output layer, which belongs to the loss. Its memory comes from the
// arena.
func Build(w *Weights, grads []float32, arena *ops.Arena, batch, length int) (*Graph, error) {
	g := &Graph{
		Builder: ops.NewBuilder(arena), IDs: make([]int32, batch*length), Seeds: make([]uint64, batch),
		Batch: batch, Length: length, w: w, grads: grads, timeFeatures: make([]float32, batch*frequencies),
	}
	b, c := g.Builder, w.Config
	cond := g.condition()
	x := b.Embed(g.param("vocab_embed.weight"), g.IDs)
	for i := range c.Blocks {
		x = b.Part(fmt.Sprintf("blocks.%d", i), x, cond, func(b *ops.Builder, x, cond *gorgonia.Node) *gorgonia.Node {
			return g.on(b).block(i, x, cond)
		})
	}
	mod := g.modulation("output_layer.", cond)
	g.Hidden = b.NormModulate(x, g.param("output_layer.norm_final.weight"), mod, ops.Columns{Shift: 0, Scale: c.HiddenSize})
	g.Output = Output{g.param("output_layer.linear.weight"), g.param("output_layer.linear.bias")}
	if grads == nil {
		g.Logits = b.Linear(g.Hidden, g.Output.Weight, g.Output.Bias)
	}
	return g, b.Err()
}

// on is the same network in another builder.
func (g *Graph) on(b *ops.Builder) *Graph {
	h := *g
	h.Builder = b
	return &h
}

// block is attention then MLP, each modulated and gated by the condition.
func (g *Graph) block(i int, x, cond *gorgonia.Node) *gorgonia.Node {
	b, c, d := g.Builder, g.w.Config, g.w.Config.HiddenSize
	name := fmt.Sprintf("blocks.%d.", i)
	mod := g.modulation(name, cond) // shift, scale, gate of attention, then of the MLP
	h := b.NormModulate(x, g.param(name+"norm1.weight"), mod, ops.Columns{Shift: 0, Scale: d})
	h = b.Linear(h, g.packedQKV(name), nil)
	h = b.Attention(h, g.Batch, g.Length, c.Heads, ops.Visible{Causal: c.Causal})
	h = b.Linear(h, g.param(name+"attn_out.weight"), nil)
	x = b.GatedResidual(x, h, mod, ops.Columns{Gate: 2 * d}, g.dropout(2*i))
	h = b.NormModulate(x, g.param(name+"norm2.weight"), mod, ops.Columns{Shift: 3 * d, Scale: 4 * d})
	h = g.linear(name+"mlp.0", h)
	h = b.GELU(h)
	h = g.linear(name+"mlp.2", h)
	return b.GatedResidual(x, h, mod, ops.Columns{Gate: 5 * d}, g.dropout(2*i+1))
}

// condition is the vector [B, C] (fused: [B, 2C]) that every block is told.
func (g *Graph) condition() *gorgonia.Node {
	b, c := g.Builder, g.w.Config
	t := g.embedding("time_embedding", g.timeFeatures)
	if !c.StepAware {
		return b.SiLU(t)
	}
	g.stepSizeFeatures = make([]float32, g.Batch*frequencies)
	h := g.embedding("dt_embedding", g.stepSizeFeatures)
	if c.fused() {
		return b.SiLU(g.linear("time_condition_fuser", b.Concat(t, h)))
	}
	return b.SiLU(b.Sum(t, h))
}

// embedding is Linear, SiLU, Linear of sinusoidal features.
func (g *Graph) embedding(name string, features []float32) *gorgonia.Node {
	x := g.Builder.Input(name, features, g.Batch, frequencies)
	x = g.Builder.SiLU(g.linear(name+".mlp.0", x))
	return g.linear(name+".mlp.2", x)
}

// modulation maps the condition to a block's shifts, scales and gates; with
// the reference's conditioning through a layer of the block's own.
func (g *Graph) modulation(block string, cond *gorgonia.Node) *gorgonia.Node {
	if g.w.Config.fused() {
		cond = g.Builder.SiLU(g.linear(block+"condition_fuser", cond))
	}
	return g.linear(block+"adaLN_modulation", cond)
}

func (g *Graph) linear(name string, x *gorgonia.Node) *gorgonia.Node {
	return g.Builder.Linear(x, g.param(name+".weight"), g.param(name+".bias"))
}

func (g *Graph) param(name string) *ops.Param {
	e := g.w.Entries[g.w.index[name]]
	return g.bind(name, e.Offset, e.Shape)
}

// packedQKV is the block's qw, kw and vw as one matrix [3D, D].
func (g *Graph) packedQKV(block string) *ops.Param {
	e := g.w.Entries[g.w.index[block+"qw.weight"]]
	return g.bind(block+"qkv.weight", e.Offset, []int{3 * e.Shape[0], e.Shape[1]})
}

func (g *Graph) bind(name string, offset int, shape []int) *ops.Param {
	if g.w.half != nil {
		return g.w.half.param(g.Builder, name, offset, shape)
	}
	size := Entry{Shape: shape}.Size()
	data := g.w.Data[offset : offset+size : offset+size]
	var grad []float32
	if g.grads != nil {
		grad = g.grads[offset : offset+size : offset+size]
	}
	return g.Builder.Param(name, data, grad, shape...)
}

// dropout names the masks of one residual branch; inference graphs drop
// nothing.
func (g *Graph) dropout(place int) *ops.Dropout {
	if g.grads == nil {
		return nil
	}
	return &ops.Dropout{Rate: g.w.Config.Dropout, Seeds: g.Seeds, Place: uint64(place)}
}

// Feed writes the inputs of the next run: tokens x [N], times t [B] and, for a
// step-aware network, step sizes h [B].
func (g *Graph) Feed(x []int32, t, h []float64) error {
	if len(x) != len(g.IDs) || len(t) != g.Batch || g.stepSizeFeatures != nil && len(h) != g.Batch {
		return fmt.Errorf("model: a graph for %d rows of %d tokens was given %d tokens, %d times and %d step sizes",
			g.Batch, g.Length, len(x), len(t), len(h))
	}
	copy(g.IDs, x)
	Sinusoid(g.timeFeatures, t)
	if g.stepSizeFeatures != nil {
		if g.w.Config.StepEmbedding == Log {
			h = logs(h)
		}
		Sinusoid(g.stepSizeFeatures, h)
	}
	return nil
}

// logs returns ln(1/h) of each step size.
func logs(h []float64) []float64 {
	l := make([]float64, len(h))
	for i, v := range h {
		l[i] = -math.Log(v)
	}
	return l
}

// Sinusoid writes [cos(t f_i), sin(t f_i)], f_i = exp(-ln(10000) i/128), for
// each t into a row of 256. Times are not scaled, as in the reference.
func Sinusoid(dst []float32, t []float64) {
	const half = frequencies / 2
	for row, v := range t {
		for i := range half {
			s, c := math.Sincos(v * math.Exp(-math.Log(10000)*float64(i)/half))
			dst[row*frequencies+i], dst[row*frequencies+half+i] = float32(c), float32(s)
		}
	}
}
