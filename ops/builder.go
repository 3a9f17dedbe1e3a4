package ops

import (
	"errors"
	"fmt"

	"github.com/chewxy/hm"
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
	used bool
}

// NewBuilder starts a graph. With an arena, outputs that no gradient will read
// share memory by their role; without one every operation owns its output.
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

// Op adds an operation of the given output shape (none: a scalar). role names
// the memory it may share in an arena; "" always owns its memory. A nil grad
// marks a backward operation.
func (b *Builder) Op(name, role string, shape tensor.Shape, run func(out []float32, in [][]float32) error, grad Gradient, inputs ...*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	var out gorgonia.Value
	var dst []float32
	if shape.Dims() == 0 {
		out = gorgonia.NewF32(0)
		dst = make([]float32, 1)
	} else {
		dst = b.arena.take(role, shape.TotalSize())
		out = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(dst))
	}
	return b.add(name, shape, out, func(in [][]float32) error {
		err := run(dst, in)
		if scalar, ok := out.(*gorgonia.F32); ok {
			*scalar = gorgonia.F32(dst[0])
		}
		return err
	}, grad, inputs...)
}

// Side is a node for a buffer that another operation has filled: a further
// output of a fused backward pass, or a parameter's gradient. Its inputs fix
// the order.
func (b *Builder) Side(name string, data []float32, shape tensor.Shape, after ...*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	out := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	return b.add(name, shape, out, func([][]float32) error { return nil }, nil, after...)
}

func (b *Builder) add(name string, shape tensor.Shape, out gorgonia.Value, run func(in [][]float32) error, grad Gradient, inputs ...*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	types := make([]hm.Type, len(inputs))
	for i, in := range inputs {
		types[i] = in.Type()
	}
	op := &operation{
		id: lastID.Add(1), name: name, inputs: types, shape: shape, out: out,
		args: make([][]float32, len(inputs)), run: run, grad: grad,
	}
	node, err := gorgonia.ApplyOp(op, inputs...)
	if err != nil {
		b.fail(fmt.Errorf("ops: adding %s: %w", name, err))
	}
	return node
}

func (b *Builder) fail(err error) { b.err = errors.Join(b.err, err) }

// Err is what has failed so far.
func (b *Builder) Err() error { return b.err }

// Program is a compiled graph.
type Program struct {
	machine gorgonia.VM
	output  *gorgonia.Node
}

// errCollision says that two nodes hash alike; building anew draws new ids.
var errCollision = errors.New("ops: two graph nodes have the same hash")

// IsCollision reports whether a graph must be built again because two of its
// nodes hash alike, which gorgonia would merge silently.
func IsCollision(err error) bool { return errors.Is(err, errCollision) }

// Compile makes a program that computes output; with gradients it also fills
// every parameter's Grad with the derivative of output, a scalar.
func (b *Builder) Compile(output *gorgonia.Node, gradients bool) (*Program, error) {
	if b.err != nil {
		return nil, b.err
	}
	if gradients {
		wrt := make(gorgonia.Nodes, len(b.params))
		for i, p := range b.params {
			wrt[i] = p.Node
		}
		if _, err := gorgonia.Grad(output, wrt...); err != nil {
			return nil, fmt.Errorf("ops: differentiating: %w", errors.Join(err, b.err))
		}
		if b.err != nil {
			return nil, b.err
		}
	}
	if err := uniqueHashes(b.Graph.AllNodes(), (*gorgonia.Node).Hashcode); err != nil {
		return nil, err
	}
	return &Program{machine: gorgonia.NewTapeMachine(b.Graph), output: output}, nil
}

// uniqueHashes refuses a graph in which two nodes share a 32-bit hash.
func uniqueHashes(nodes gorgonia.Nodes, hash func(*gorgonia.Node) uint32) error {
	seen := make(map[uint32]*gorgonia.Node)
	for _, n := range nodes {
		if other, ok := seen[hash(n)]; ok && other != n {
			return fmt.Errorf("%w: %v and %v", errCollision, other, n)
		}
		seen[hash(n)] = n
	}
	return nil
}

// Run computes the output once and returns it: a view that the next run
// overwrites.
func (p *Program) Run() ([]float32, error) {
	p.machine.Reset() // without it a second run does nothing
	if err := p.machine.RunAll(); err != nil {
		return nil, err
	}
	return floats(p.output.Value()), nil
}

// Arena hands out memory by role for inference graphs: blocks run one after
// the other, so the same role of the next block may write over it. Graphs of
// several shapes share one arena but must not run at the same time.
type Arena struct{ slabs map[string][]float32 }

// NewArena makes an empty arena.
func NewArena() *Arena { return &Arena{slabs: make(map[string][]float32)} }

// take returns n float32s for a role: shared, or fresh without arena or role.
func (a *Arena) take(role string, n int) []float32 {
	if a == nil || role == "" {
		return make([]float32, n)
	}
	if len(a.slabs[role]) < n {
		a.slabs[role] = make([]float32, n)
	}
	return a.slabs[role][:n:n]
}

// SetThreads sets how many cores the kernels use; 0 means all.
func SetThreads(n int) { kernel.SetThreads(n) }
