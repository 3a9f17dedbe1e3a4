package model

import (
	"errors"
	"fmt"

	"fsdfm/flow"
	"fsdfm/ops"
)

// Denoiser evaluates a network without gradients: compiled graphs are cached
// by batch shape and share their memory. It is for one goroutine at a time.
type Denoiser struct {
	weights *Weights
	arena   *ops.Arena
	cache   map[[2]int]*compiled
}

type compiled struct {
	graph   *Graph
	program *ops.Program
}

var _ flow.Denoiser = (*Denoiser)(nil)

// NewDenoiser evaluates w as it stands at each call: later changes of its
// values are seen.
func NewDenoiser(w *Weights) *Denoiser {
	return &Denoiser{weights: w, arena: ops.NewArena(), cache: make(map[[2]int]*compiled)}
}

// Vocab is the number of logits a position: V, or V+1 with a mask token.
func (d *Denoiser) Vocab() int { return d.weights.Config.Rows() }

// Logits returns the unnormalised log-posterior of the clean token, [B, L, V],
// for tokens x at times t [B] with step sizes h [B], which a network that is
// not step-aware ignores. The caller may overwrite what is returned; the next
// call does.
func (d *Denoiser) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	c, err := d.compile(x.Batch, x.Length)
	if err != nil {
		return nil, err
	}
	if err := c.graph.Feed(x.IDs, t, h); err != nil {
		return nil, err
	}
	logits, err := c.program.Run()
	if err != nil {
		return nil, fmt.Errorf("model: forward pass: %w", err)
	}
	return logits, nil
}

// NextLogits returns a causal network's unnormalised log-probabilities of the
// token after each position, [B, L, V]; position i depends on tokens 0 ... i
// only. The next call overwrites them.
func (d *Denoiser) NextLogits(x flow.Tokens) ([]float32, error) {
	if !d.weights.Config.Causal {
		return nil, errors.New("model: this network is not causal, so it has no next-token logits: give a judge's weights")
	}
	return d.Logits(x, make([]float64, x.Batch), nil)
}

func (d *Denoiser) compile(batch, length int) (*compiled, error) {
	key := [2]int{batch, length}
	if c, ok := d.cache[key]; ok {
		return c, nil
	}
	g, p, err := Compile(func() (*Graph, *ops.Program, error) {
		g, err := Build(d.weights, nil, d.arena, batch, length)
		if err != nil {
			return nil, nil, err
		}
		p, err := g.Builder.Compile(g.Logits, false)
		return g, p, err
	})
	if err != nil {
		return nil, err
	}
	d.cache[key] = &compiled{g, p}
	return d.cache[key], nil
}

// Compile runs build, and again with fresh node ids if two of the graph's nodes
// hashed alike.
func Compile(build func() (*Graph, *ops.Program, error)) (*Graph, *ops.Program, error) {
	for try := 0; ; try++ {
		g, p, err := build()
		if err == nil {
			return g, p, nil
		}
		if !ops.IsCollision(err) || try == 3 {
			return nil, nil, fmt.Errorf("model: building the graph: %w", err)
		}
	}
}
