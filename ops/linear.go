package ops

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// Linear is x W^T + bias: x [N, K], W [M, K], bias [M] or nil, result [N, M].
func (b *Builder) Linear(x *gorgonia.Node, w, bias *Param) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if w.bf16 != nil {
		return b.linearBF16(x, w, bias)
	}
	n, k, m := x.Shape()[0], x.Shape()[1], w.Node.Shape()[0]
	if w.Node.Shape()[1] != k {
		b.fail(shapeError("Linear "+w.Name, w.Node.Shape(), tensor.Shape{m, k}))
		return nil
	}
	inputs := []*gorgonia.Node{x, b.use(w)}
	if bias != nil {
		inputs = append(inputs, b.use(bias))
	}
	forward := func(out []float32, in [][]float32) error {
		var ep kernel.Epilogue
		if bias != nil {
			ep.Bias = in[2]
		}
		kernel.Gemm(kernel.NT, out, in[0], in[1], n, m, k, false, ep)
		return nil
	}
	gradient := func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dx := b.Op(w.Name+" dx", tensor.Shape{n, k}, func(out []float32, in [][]float32) error {
			kernel.Gemm(kernel.NN, out, in[0], in[1], n, k, m, false, kernel.Epilogue{})
			return nil
		}, nil, dout, in[1])
		dw := b.paramGrad(w, func(in [][]float32) {
			kernel.GemmTN(w.Grad, in[0], in[1], m, k, n, b.group(n), b.Accumulate)
		}, dout, in[0])
		if bias == nil {
			return gorgonia.Nodes{dx, dw}, b.err
		}
		db := b.paramGrad(bias, func(in [][]float32) {
			kernel.ColumnSum(bias.Grad, in[0], n, m, b.group(n), b.Accumulate)
		}, dout)
		return gorgonia.Nodes{dx, dw, db}, b.err
	}
	return b.Op("linear "+w.Name, tensor.Shape{n, m}, forward, gradient, inputs...)
}

// paramGrad is a node that writes a parameter's gradient straight into its
// buffer, so that micro-batches accumulate for free.
func (b *Builder) paramGrad(p *Param, run func(in [][]float32), inputs ...*gorgonia.Node) *gorgonia.Node {
	op := &operation{name: "d " + p.Name, shape: p.Node.Shape().Clone(), run: func(_ []float32, in [][]float32) error {
		run(in)
		return nil
	}}
	op.place(p.Grad)
	return b.add(op, inputs)
}

// Embed looks tokens up: w [V, D], ids [N] filled by the caller before a run,
// result [N, D].
func (b *Builder) Embed(w *Param, ids []int32) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if w.bf16 != nil {
		return b.embedBF16(w, ids)
	}
	rows, width := w.Node.Shape()[0], w.Node.Shape()[1]
	forward := func(out []float32, in [][]float32) error {
		if err := checkIDs(ids, rows); err != nil {
			return err
		}
		kernel.Embed(out, in[0], ids, width)
		return nil
	}
	gradient := func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dw := b.paramGrad(w, func(in [][]float32) {
			kernel.EmbedBackward(w.Grad, in[0], ids, rows, width, b.Accumulate)
		}, dout)
		return gorgonia.Nodes{dw}, b.err
	}
	return b.Op("embed "+w.Name, tensor.Shape{len(ids), width}, forward, gradient, b.use(w))
}
