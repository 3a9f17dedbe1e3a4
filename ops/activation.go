package ops

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// SiLU is x*sigmoid(x), any shape.
func (b *Builder) SiLU(x *gorgonia.Node) *gorgonia.Node {
	return b.elementwise("silu", x, kernel.SiLU, kernel.SiLUBackward)
}

// GELU is the tanh form, any shape.
func (b *Builder) GELU(x *gorgonia.Node) *gorgonia.Node {
	return b.elementwise("gelu", x, kernel.GELU, kernel.GELUBackward)
}

func (b *Builder) elementwise(name string, x *gorgonia.Node, f func(dst, x []float32), df func(dx, dy, x []float32)) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	shape := x.Shape().Clone()
	forward := func(out []float32, in [][]float32) error {
		f(out, in[0])
		return nil
	}
	gradient := func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dx := b.Op(name+" dx", shape, func(out []float32, in [][]float32) error {
			df(out, in[0], in[1])
			return nil
		}, nil, dout, in[0])
		return gorgonia.Nodes{dx}, b.err
	}
	return b.Op(name, shape, forward, gradient, x)
}

// Sum is x + y of equal shape. Each gradient is a copy of the output's: gorgonia
// adds further ones into it in place.
func (b *Builder) Sum(x, y *gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if !x.Shape().Eq(y.Shape()) {
		b.fail(shapeError("Sum", y.Shape(), x.Shape()))
		return nil
	}
	forward := func(out []float32, in [][]float32) error {
		for i, v := range in[0] {
			out[i] = v + in[1][i]
		}
		return nil
	}
	passed := func(name string, dout *gorgonia.Node) *gorgonia.Node {
		return b.Op(name, x.Shape().Clone(), func(out []float32, in [][]float32) error {
			copy(out, in[0])
			return nil
		}, nil, dout)
	}
	gradient := func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		return gorgonia.Nodes{passed("sum dx", dout), passed("sum dy", dout)}, b.Err()
	}
	return b.Op("sum", x.Shape().Clone(), forward, gradient, x, y)
}

// Concat joins x [N, P] and y [N, Q] to [N, P+Q].
func (b *Builder) Concat(x, y *gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	n, p, q := x.Shape()[0], x.Shape()[1], y.Shape()[1]
	forward := func(out []float32, in [][]float32) error {
		for i := range n {
			copy(out[i*(p+q):], in[0][i*p:(i+1)*p])
			copy(out[i*(p+q)+p:], in[1][i*q:(i+1)*q])
		}
		return nil
	}
	// part copies the columns [from, from+width) of the gradient.
	part := func(name string, from, width int, dout *gorgonia.Node) *gorgonia.Node {
		return b.Op(name, tensor.Shape{n, width}, func(out []float32, in [][]float32) error {
			for i := range n {
				copy(out[i*width:(i+1)*width], in[0][i*(p+q)+from:])
			}
			return nil
		}, nil, dout)
	}
	gradient := func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		return gorgonia.Nodes{part("concat dx", 0, p, dout), part("concat dy", p, q, dout)}, b.err
	}
	return b.Op("concat", tensor.Shape{n, p + q}, forward, gradient, x, y)
}
