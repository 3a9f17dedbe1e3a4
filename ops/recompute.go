package ops

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// part is a stretch of a network as one operation with graphs of its own:
// between its forward and its backward pass only its inputs are kept, and the
// backward pass computes everything else again (Chen et al. 2016). All parts of
// an arena share the memory of these graphs.
type part struct {
	outer, inner      *Builder // inner: of the backward pass
	forward, backward *Program
	x, cond           []float32 // inputs of both graphs
	dy, dx, dcond     []float32 // of the backward pass
}

// Part adds what build makes of x [N, D] and cond [B, C], one node. If the
// arena says so, it is recomputed; gradients are the same bit for bit.
func (b *Builder) Part(name string, x, cond *gorgonia.Node, build func(b *Builder, x, cond *gorgonia.Node) *gorgonia.Node) *gorgonia.Node {
	if b.err != nil || b.arena == nil || !b.arena.Recompute {
		return build(b, x, cond)
	}
	p := &part{
		outer: b, inner: NewBuilder(b.arena.parts()),
		x: b.Scratch("part x", x.Shape().TotalSize()), cond: b.Scratch("part cond", cond.Shape().TotalSize()),
		dx: b.Scratch("part dx", x.Shape().TotalSize()), dcond: make([]float32, cond.Shape().TotalSize()),
	}
	once := NewBuilder(b.arena.parts())
	y := build(once, once.Input("x", p.x, x.Shape()...), once.Input("cond", p.cond, cond.Shape()...))
	var err error
	if p.forward, err = once.Compile(y, false); err != nil {
		b.fail(err)
		return nil
	}
	shape := y.Shape().Clone()
	if err := p.differentiate(x.Shape(), cond.Shape(), shape, build); err != nil {
		b.fail(err)
		return nil
	}
	gradient := func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		dx := b.Op(name+" dx", x.Shape().Clone(), p.runBackward, nil, dout, in[0], in[1])
		return gorgonia.Nodes{dx, b.Side(name+" dcond", p.dcond, cond.Shape().Clone(), dx)}, b.err
	}
	return b.Op(name, shape, p.runForward, gradient, x, cond)
}

// differentiate makes the graph of the backward pass, seeded with dy.
func (p *part) differentiate(x, cond, y tensor.Shape, build func(b *Builder, x, cond *gorgonia.Node) *gorgonia.Node) error {
	b := p.inner
	p.dy = p.outer.Scratch("part dy", y.TotalSize())
	out := build(b, b.load(b.Param("x", p.x, p.dx, x...)), b.load(b.Param("cond", p.cond, p.dcond, cond...)))
	seed := b.Op("seed", y, func(out []float32, _ [][]float32) error {
		copy(out, p.dy)
		return nil
	}, nil, out)
	var err error
	p.backward, err = b.CompileFrom(out, seed)
	return err
}

func (p *part) runForward(out []float32, in [][]float32) error {
	copy(p.x, in[0])
	copy(p.cond, in[1])
	y, err := p.forward.Run()
	copy(out, y)
	return err
}

func (p *part) runBackward(dx []float32, in [][]float32) error {
	copy(p.dy, in[0])
	copy(p.x, in[1])
	copy(p.cond, in[2])
	p.inner.Accumulate, p.inner.Batch = p.outer.Accumulate, p.outer.Batch
	_, err := p.backward.Run()
	copy(dx, p.dx)
	return err
}

// load is a parameter's value as a node that several operations may read. Its
// gradient is overwritten, never accumulated.
func (b *Builder) load(p *Param) *gorgonia.Node {
	forward := func(out []float32, in [][]float32) error {
		copy(out, in[0])
		return nil
	}
	gradient := func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
		return gorgonia.Nodes{b.paramGrad(p, func(in [][]float32) { copy(p.Grad, in[0]) }, dout)}, b.err
	}
	return b.Op("load "+p.Name, p.Node.Shape().Clone(), forward, gradient, b.use(p))
}
