package ops

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// BF16 is a bfloat16, the upper half of a float32.
type BF16 = kernel.BF16

// RoundBF16 rounds src to the nearest BF16, of two to the even one.
func RoundBF16(dst []BF16, src []float32) { kernel.RoundBF16(dst, src) }

// matrixBF16 is a parameter of an inference graph in half the memory. It is no
// node: nothing computes it, and gorgonia knows no bfloat16.
type matrixBF16 struct {
	data       []BF16
	rows, cols int
}

// ParamBF16 is a matrix [rows, cols] for Linear and Embed in an inference graph.
// It is widened where it is used.
func (b *Builder) ParamBF16(name string, data []BF16, rows, cols int) *Param {
	return &Param{Name: name, bf16: &matrixBF16{data, rows, cols}}
}

// linearBF16 is Linear without gradients.
func (b *Builder) linearBF16(x *gorgonia.Node, w, bias *Param) *gorgonia.Node {
	n, k, m := x.Shape()[0], x.Shape()[1], w.bf16.rows
	if w.bf16.cols != k {
		b.fail(shapeError("Linear "+w.Name, tensor.Shape{m, w.bf16.cols}, tensor.Shape{m, k}))
		return nil
	}
	inputs := []*gorgonia.Node{x}
	if bias != nil {
		inputs = append(inputs, b.use(bias))
	}
	return b.Op("linear "+w.Name, tensor.Shape{n, m}, func(out []float32, in [][]float32) error {
		var ep kernel.Epilogue
		if bias != nil {
			ep.Bias = in[1]
		}
		kernel.GemmBF16(out, in[0], w.bf16.data, n, m, k, ep)
		return nil
	}, nil, inputs...)
}

// embedBF16 is Embed without gradients. Its input only ties it to the graph.
func (b *Builder) embedBF16(w *Param, ids []int32) *gorgonia.Node {
	rows, width := w.bf16.rows, w.bf16.cols
	root := b.Input(w.Name, make([]float32, 1), 1)
	return b.Op("embed "+w.Name, tensor.Shape{len(ids), width}, func(out []float32, _ [][]float32) error {
		if err := checkIDs(ids, rows); err != nil {
			return err
		}
		kernel.EmbedBF16(out, w.bf16.data, ids, width)
		return nil
	}, nil, root)
}
