package ops

import (
	"cmp"
	"slices"

	"gorgonia.org/gorgonia"
)

// lifetime is how long an output is needed, in positions of the execution
// order, both ends included, and where in the slab it lies.
type lifetime struct {
	op           *operation
	from, to     int
	size, offset int // float32s
}

// A plan places every output of a program in one slab so that outputs which
// are alive at the same time do not overlap.
type plan struct {
	outputs []*lifetime
	size    int // float32s of the slab
}

// line is a cache line: outputs start on one, a line apart, so that equal rows
// of two outputs do not share a cache set.
const line = 16

// newPlan reads the lifetimes off the execution order. The value of output is
// alive to the end.
func newPlan(g *gorgonia.ExprGraph, order gorgonia.Nodes, output *gorgonia.Node) plan {
	var p plan
	holder := make(map[*gorgonia.Node]*lifetime) // whose memory a node's value lies in
	for at, n := range order {
		in := children(g, n)
		for _, c := range in {
			if l := holder[c]; l != nil {
				l.to = at
			}
		}
		if op, ok := n.Op().(*operation); ok {
			if op.dst == nil {
				holder[n] = &lifetime{op: op, from: at, to: at, size: (op.size()+line-1)/line*line + line}
				p.outputs = append(p.outputs, holder[n])
			}
		} else if n.Op() != nil && n.Op().OverwritesInput() >= 0 {
			holder[n] = holder[in[n.Op().OverwritesInput()]] // gorgonia's sum of gradients
		}
	}
	if l := holder[output]; l != nil {
		l.to = len(order)
	}
	p.pack()
	return p
}

func children(g *gorgonia.ExprGraph, n *gorgonia.Node) gorgonia.Nodes {
	var nodes gorgonia.Nodes
	for it := g.From(n.ID()); it.Next(); {
		nodes = append(nodes, it.Node().(*gorgonia.Node))
	}
	return nodes
}

// pack gives every output the lowest place that is free while it is alive, the
// largest output first.
func (p *plan) pack() {
	bySize := slices.Clone(p.outputs)
	slices.SortStableFunc(bySize, func(a, b *lifetime) int { return cmp.Compare(b.size, a.size) })
	var placed []*lifetime // by offset
	for _, l := range bySize {
		for _, other := range placed {
			if other.offset >= l.offset+l.size {
				break
			}
			if other.from <= l.to && l.from <= other.to {
				l.offset = max(l.offset, other.offset+other.size)
			}
		}
		i, _ := slices.BinarySearchFunc(placed, l.offset, func(o *lifetime, offset int) int { return cmp.Compare(o.offset, offset) })
		placed = slices.Insert(placed, i, l)
		p.size = max(p.size, l.offset+l.size)
	}
}

// place gives the outputs their storage in a slab, or without one memory of
// their own.
func (p *plan) place(slab []float32) {
	for _, l := range p.outputs {
		n := l.op.size()
		if slab == nil {
			l.op.place(make([]float32, n))
			continue
		}
		l.op.place(slab[l.offset : l.offset+n : l.offset+n])
	}
}
