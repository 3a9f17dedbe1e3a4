package ops

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops/kernel"
)

// Builder adds fused operations to a graph. The first error sticks and is
// returned by Compile, so that a network reads as a formula.
type Builder struct {
	Graph *gorgonia.ExprGraph
	// Accumulate says whether the next run adds parameter gradients to what
	// their buffers hold (later micro-batches) or overwrites it (the first).
	Accumulate bool
	// Batch is the number of data rows in a run, B: parameter gradients are summed
	// up row by row, so that they do not depend on how rows are split into
	// micro-batches. 0: no matter.
	Batch int

	arena  *Arena
	params []*Param
	err    error
}

// Param is a parameter bound to its storage, without a copy. In an inference
// graph Grad is nil.
type Param struct {
	Name string
	Node *gorgonia.Node
	Data []float32
	Grad []float32
	bf16 *matrixBF16 // instead of Node and Data: see ParamBF16
	used bool
	own  bool // its operation writes Grad by itself
}

// NewBuilder starts a graph. With an arena, outputs share its memory; without
// one every operation owns its output.
func NewBuilder(arena *Arena) *Builder {
	return &Builder{Graph: gorgonia.NewGraph(), arena: arena}
}

// Input is a float32 input that shares data with the caller, who fills it
// before each run.
func (b *Builder) Input(name string, data []float32, shape ...int) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	if n := tensor.Shape(shape).TotalSize(); n != len(data) {
		b.fail(fmt.Errorf("ops: input %s has shape %v but %d values", name, shape, len(data)))
		return nil
	}
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	return gorgonia.NewTensor(b.Graph, tensor.Float32, len(shape),
		gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(value))
}

// Param is an input that gradients are written for: grad has the length of
// data, or is nil in an inference graph.
func (b *Builder) Param(name string, data, grad []float32, shape ...int) *Param {
	p := &Param{Name: name, Node: b.Input(name, data, shape...), Data: data, Grad: grad}
	b.params = append(b.params, p)
	return p
}

// use marks a parameter as taken: its gradient is written straight into its
// buffer, so a second user would overwrite the first one's.
func (b *Builder) use(p *Param) *gorgonia.Node {
	if p.used {
		b.fail(fmt.Errorf("ops: parameter %s is used twice in one graph; its gradient buffer holds one", p.Name))
	}
	p.used = true
	return p.Node
}

// group is how many of n positions belong to one data row.
func (b *Builder) group(n int) int {
	if b.Batch == 0 || n%b.Batch != 0 {
		return n
	}
	return n / b.Batch
}

// Claim is the input of a parameter whose Grad the operation that takes it
// writes (Accumulate: adds to) itself while it runs.
func (b *Builder) Claim(p *Param) *gorgonia.Node {
	p.own = true
	return b.use(p)
}

// Op adds an operation of the given output shape (none: a scalar). A nil grad
// marks a backward operation.
func (b *Builder) Op(name string, shape tensor.Shape, run Run, grad Gradient, inputs ...*gorgonia.Node) *gorgonia.Node {
	return b.add(&operation{name: name, shape: shape, run: run, grad: grad}, inputs)
}

// Side is a node for a buffer that another operation has filled: a further
// output of a fused backward pass, or a parameter's gradient. Its inputs fix
// the order.
func (b *Builder) Side(name string, data []float32, shape tensor.Shape, after ...*gorgonia.Node) *gorgonia.Node {
	op := &operation{name: name, shape: shape, run: func([]float32, [][]float32) error { return nil }}
	op.place(data)
	return b.add(op, after)
}

func (b *Builder) add(op *operation, inputs []*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	op.id, op.args = lastID.Add(1), make([][]float32, len(inputs))
	for _, in := range inputs {
		op.inputs = append(op.inputs, in.Type())
	}
	node, err := gorgonia.ApplyOp(op, inputs...)
	if err != nil {
		b.fail(fmt.Errorf("ops: adding %s: %w", op.name, err))
	}
	return node
}

func (b *Builder) fail(err error) { b.err = errors.Join(b.err, err) }

// Err is what has failed so far.
func (b *Builder) Err() error { return b.err }

// SetThreads sets how many cores the kernels use; 0 means all.
func SetThreads(n int) { kernel.SetThreads(n) }
