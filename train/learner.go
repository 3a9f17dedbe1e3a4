package train

import (
	"fmt"

	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/ops"
)

// Learner computes a network's gradient: training graphs, one for each batch
// shape, over shared weights and one gradient vector.
type Learner struct {
	Weights *model.Weights
	Grad    []float32 // of the weights' layout
	// Recompute computes the inside of every block twice instead of keeping it:
	// less memory, a third more work, the same gradient. Set it before the first
	// Backward.
	Recompute bool

	arena *ops.Arena
	cache map[[2]int]*trainingGraph
}

type trainingGraph struct {
	graph   *model.Graph
	program *ops.Program
	batch   *loss.Batch
}

// NewLearner makes a learner for weights, which it reads but does not change.
func NewLearner(w *model.Weights) *Learner {
	return &Learner{Weights: w, Grad: make([]float32, len(w.Data)), arena: ops.NewArena(), cache: make(map[[2]int]*trainingGraph)}
}

// Backward runs the network forward and backward on x at t with step sizes h
// and writes (accumulate: adds) the gradient of the batch's cost to Grad. The
// rows' values are then in batch.Values. seeds [B] choose the dropout masks.
func (l *Learner) Backward(x flow.Tokens, t, h []float64, seeds []uint64, batch *loss.Batch, accumulate bool) error {
	g, err := l.compile(x.Batch, x.Length)
	if err != nil {
		return err
	}
	if err := g.graph.Feed(x.IDs, t, h); err != nil {
		return err
	}
	copy(g.graph.Seeds, seeds)
	*g.batch = *batch
	g.graph.Builder.Accumulate, g.graph.Builder.Batch = accumulate, x.Batch
	if _, err := g.program.Run(); err != nil {
		return fmt.Errorf("train: forward and backward pass: %w", err)
	}
	return nil
}

func (l *Learner) compile(batch, length int) (*trainingGraph, error) {
	key := [2]int{batch, length}
	if g, ok := l.cache[key]; ok {
		return g, nil
	}
	rows := new(loss.Batch)
	l.arena.Recompute = l.Recompute
	graph, program, err := model.Compile(func() (*model.Graph, *ops.Program, error) {
		g, err := model.Build(l.Weights, l.Grad, l.arena, batch, length)
		if err != nil {
			return nil, nil, err
		}
		dx := loss.Head(g.Builder, g.Hidden, g.Output.Weight, g.Output.Bias, rows)
		p, err := g.Builder.CompileFrom(g.Hidden, dx)
		return g, p, err
	})
	if err != nil {
		return nil, err
	}
	l.cache[key] = &trainingGraph{graph, program, rows}
	return l.cache[key], nil
}
