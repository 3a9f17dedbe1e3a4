package ops

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
)

// Program is a compiled graph.
type Program struct {
	machine gorgonia.VM
	output  *gorgonia.Node
	last    int // position of the operation that ran last
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
		if _, err := gorgonia.Grad(output, b.differentiated()...); err != nil {
			return nil, fmt.Errorf("ops: differentiating: %w", errors.Join(err, b.err))
		}
	}
	return b.program(output)
}

// CompileFrom makes a program that computes dx, the gradient of a cost with
// respect to x, and fills every parameter's Grad.
func (b *Builder) CompileFrom(x, dx *gorgonia.Node) (*Program, error) {
	if b.err != nil {
		return nil, b.err
	}
	if _, err := gorgonia.Backpropagate(gorgonia.Nodes{x}, gorgonia.Nodes{dx}, b.differentiated()); err != nil {
		return nil, fmt.Errorf("ops: differentiating: %w", errors.Join(err, b.err))
	}
	return b.program(dx)
}

func (b *Builder) differentiated() gorgonia.Nodes {
	var wrt gorgonia.Nodes
	for _, p := range b.params {
		if !p.own {
			wrt = append(wrt, p.Node)
		}
	}
	return wrt
}

func (b *Builder) program(output *gorgonia.Node) (*Program, error) {
	if b.err != nil {
		return nil, b.err
	}
	if err := uniqueHashes(b.Graph.AllNodes(), (*gorgonia.Node).Hashcode); err != nil {
		return nil, err
	}
	order, err := gorgonia.Sort(b.Graph) // what the tape machine's compiler does
	if err != nil {
		return nil, fmt.Errorf("ops: ordering the graph: %w", err)
	}
	slices.Reverse(order)
	p := &Program{output: output}
	for at, n := range order {
		if op, ok := n.Op().(*operation); ok {
			op.at, op.after = at, &p.last
		}
	}
	outputs := newPlan(b.Graph, order, output)
	if b.arena == nil {
		outputs.place(nil)
	} else {
		b.arena.add(outputs)
	}
	p.machine = gorgonia.NewTapeMachine(b.Graph)
	return p, nil
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
	p.last = -1
	p.machine.Reset() // without it a second run does nothing
	if err := p.machine.RunAll(); err != nil {
		return nil, err
	}
	return floats(p.output.Value()), nil
}
