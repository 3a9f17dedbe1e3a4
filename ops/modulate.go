package ops

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// Columns are the offsets of the shift, scale and gate vectors in a row of a
// modulation [B, width], counted in floats.
type Columns struct{ Shift, Scale, Gate int }

func (c Columns) of(mod []float32, width int) kernel.Modulation {
	return kernel.Modulation{Mod: mod, Width: width, Shift: c.Shift, Scale: c.Scale, Gate: c.Gate}
}

// NormModulate is LayerNorm(x)*w*(1+scale) + shift: x [N, D], w [D], mod [B, ·]
// with one shift and one scale of width D for each row (adaLN of DiT, Peebles &
// Xie 2023).
func (b *Builder) NormModulate(x *gorgonia.Node, w *Param, mod *gorgonia.Node, cols Columns) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	n, width := x.Shape()[0], x.Shape()[1]
	batch, modWidth := mod.Shape()[0], mod.Shape()[1]
	length := n / batch
	mean, rstd := make([]float32, n), make([]float32, n)
	forward := func(out []float32, in [][]float32) error {
		kernel.LayerNormModulate(out, mean, rstd, in[0], in[1], cols.of(in[2], modWidth), batch, length, width)
		return nil
	}
	gradient := func(in gorgonia.Nodes, out, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dmod := make([]float32, batch*modWidth) // the other columns stay zero
		// The output is an input of the backward pass so that mean and rstd are there.
		dx := b.Op("norm "+w.Name+" dx", tensor.Shape{n, width}, func(dx []float32, v [][]float32) error {
			clear(dmod)
			kernel.LayerNormModulateBackward(dx, w.Grad, dmod, v[0], v[1], mean, rstd, v[2], cols.of(v[3], modWidth), batch, length, width, b.Accumulate)
			return nil
		}, nil, dout, in[0], in[1], in[2], out)
		return gorgonia.Nodes{
			dx,
			b.Side("d "+w.Name, w.Grad, tensor.Shape{width}, dx),
			b.Side("norm "+w.Name+" dmod", dmod, tensor.Shape{batch, modWidth}, dx),
		}, b.err
	}
	return b.Op("norm "+w.Name, tensor.Shape{n, width}, forward, gradient, x, b.use(w), mod)
}

// Dropout names one place where a network drops values: masks are a function
// of the row's seed and the place, so they do not depend on how rows are split
// into micro-batches. The caller fills Seeds [B] before a run.
type Dropout struct {
	Rate  float64
	Seeds []uint64
	Place uint64
}

// GatedResidual is x + gate*dropout(y): x and y [N, D], mod [B, ·] with one
// gate of width D for each row. drop is nil in inference graphs. The output's
// gradient is x's too, without a copy: gorgonia adds the other ones of the
// residual stream into it in place, so it must be an operation's own output.
func (b *Builder) GatedResidual(x, y, mod *gorgonia.Node, cols Columns, drop *Dropout) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	n, width := x.Shape()[0], x.Shape()[1]
	batch, modWidth := mod.Shape()[0], mod.Shape()[1]
	length := n / batch
	keep := b.mask(drop, n*width)
	forward := func(out []float32, in [][]float32) error {
		kernel.GatedResidual(out, in[0], in[1], cols.of(in[2], modWidth), keep(), batch, length, width)
		return nil
	}
	gradient := func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dmod := make([]float32, batch*modWidth)
		dy := b.Op("residual dy", tensor.Shape{n, width}, func(dy []float32, v [][]float32) error {
			clear(dmod)
			kernel.GatedResidualBackward(dy, dmod, v[0], v[1], cols.of(v[2], modWidth), keep(), batch, length, width)
			return nil
		}, nil, dout, in[1], in[2])
		return gorgonia.Nodes{dout, dy, b.Side("residual dmod", dmod, tensor.Shape{batch, modWidth}, dy)}, b.err
	}
	return b.Op("residual", tensor.Shape{n, width}, forward, gradient, x, y, mod)
}

// mask returns a function that makes the dropout mask of n values, or nil for
// none. It is made again for the backward pass instead of being kept.
func (b *Builder) mask(drop *Dropout, n int) func() []float32 {
	if drop == nil || drop.Rate == 0 {
		return func() []float32 { return nil }
	}
	keep := b.Scratch("dropout", n)
	return func() []float32 {
		kernel.DropoutKeep(keep, drop.Seeds, drop.Place, n/len(drop.Seeds), float32(drop.Rate))
		return keep
	}
}
