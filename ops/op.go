// Package ops makes fused gorgonia operations with hand-written gradients out
// of the loops in ops/kernel. A Builder adds them to a graph.
//
// Letters in comments: B rows, L positions, N = B*L, D hidden size, C condition
// size, K inputs and M outputs of a linear layer, H heads.
package ops

import (
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	// gorgonia imports this module, which panics at start on a Go release it
	// does not know. go.mod pins a version that stays silent; without this
	// import a tidy-up would drop the pin.
	_ "go4.org/unsafe/assume-no-moving-gc"
)

// operation is every node of ours: run writes all of its output at every call,
// because gorgonia adds gradients in place. Two operations never hash alike:
// gorgonia merges nodes of equal hash.
type operation struct {
	id     uint64
	name   string
	inputs []hm.Type
	shape  tensor.Shape
	args   [][]float32
	run    Run
	grad   Gradient

	out   gorgonia.Value
	dst   []float32 // out's storage; nil until Compile places it
	after *int      // position of the operation that ran last
	at    int       // own position in the planned order
}

// Run computes a node's output from its inputs.
type Run func(out []float32, in [][]float32) error

// Gradient returns the gradient of every input of a node, given the node's
// value and the gradient of the cost with respect to it.
type Gradient func(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error)

var (
	_ gorgonia.SDOp = (*operation)(nil)

	lastID atomic.Uint64

	errOrder = errors.New("gorgonia ran it out of the planned order, its inputs may be overwritten")
)

func (o *operation) Arity() int            { return len(o.inputs) }
func (o *operation) ReturnsPtr() bool      { return true }
func (o *operation) CallsExtern() bool     { return false }
func (o *operation) OverwritesInput() int  { return -1 }
func (o *operation) String() string        { return o.name }
func (o *operation) WriteHash(h hash.Hash) { fmt.Fprintf(h, "fsdfm %s %d", o.name, o.id) }

func (o *operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// Type is in_1 -> in_2 -> ... -> out.
func (o *operation) Type() hm.Type {
	return hm.NewFnType(append(append([]hm.Type(nil), o.inputs...), valueType(o.shape))...)
}

func (o *operation) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.shape.Clone(), nil
}

// size is the output's number of values.
func (o *operation) size() int { return max(1, o.shape.TotalSize()) }

// place gives the output its storage.
func (o *operation) place(dst []float32) {
	o.dst = dst
	if o.shape.Dims() == 0 {
		o.out = gorgonia.NewF32(0)
		return
	}
	o.out = tensor.New(tensor.WithShape(o.shape...), tensor.WithBacking(dst))
}

// Do runs the operation. A panic in a kernel (a wrong shape) becomes an error:
// on the tape machine's goroutine it would end the process.
func (o *operation) Do(values ...gorgonia.Value) (out gorgonia.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("ops: %s: %v", o.name, r)
		}
	}()
	if *o.after >= o.at {
		return nil, fmt.Errorf("ops: %s: %w", o.name, errOrder)
	}
	*o.after = o.at
	for i, v := range values {
		o.args[i] = floats(v)
	}
	if err := o.run(o.dst, o.args); err != nil {
		return nil, fmt.Errorf("ops: %s: %w", o.name, err)
	}
	if scalar, ok := o.out.(*gorgonia.F32); ok {
		*scalar = gorgonia.F32(o.dst[0])
	}
	return o.out, nil
}

// DiffWRT marks every input as differentiable where the operation has a
// gradient at all.
func (o *operation) DiffWRT(inputs int) []bool {
	diff := make([]bool, inputs)
	for i := range diff {
		diff[i] = o.grad != nil
	}
	return diff
}

func (o *operation) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if o.grad == nil {
		return nil, fmt.Errorf("ops: %s has no gradient", o.name)
	}
	return o.grad(in, out, grad)
}

// floats views a tensor or a scalar as float32s.
func floats(v gorgonia.Value) []float32 {
	switch v := v.(type) {
	case *tensor.Dense:
		return v.Float32s()
	case *gorgonia.F32:
		return []float32{float32(*v)}
	}
	panic(fmt.Sprintf("unexpected value of type %T", v))
}

// valueType is gorgonia's type of a float32 value of that shape.
func valueType(shape tensor.Shape) hm.Type {
	if shape.Dims() == 0 {
		return tensor.Float32
	}
	return gorgonia.TensorType{Dims: shape.Dims(), Of: tensor.Float32}
}
