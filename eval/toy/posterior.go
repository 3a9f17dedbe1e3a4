package main

import (
	"math"

	"fsdfm/flow"
)

// What is added to the probability of a transition and to that of a token on the
// path, so that a state which cannot have been made still has a posterior: the
// factorised draws of a sampler make such states. A token that a mask source has
// written is certain, so it is the transition that is doubted.
const (
	leak = 1e-9
	slip = 1e-30
)

// Posterior is the perfect network: the exact marginals p(x_1[i] | x_t) of the
// chain, by the forward-backward recursion over a row, in O(L*V*V). What it
// samples wrong at few steps is what drawing positions independently costs.
type Posterior struct {
	Chain     Chain
	Source    flow.Source
	Scheduler flow.Scheduler

	logits          []float32
	seen            []float64 // [L, V] p(x_t[i] | x_1[i])
	before, through []float64 // [L, V] messages from the left, with and without position i's own
	after           []float64 // [V] message from the right
}

var _ flow.Denoiser = (*Posterior)(nil)

// Vocab implements flow.Denoiser.
func (p *Posterior) Vocab() int { return p.Source.Rows() }

// Logits implements flow.Denoiser; the step sizes change nothing.
func (p *Posterior) Logits(x flow.Tokens, t, _ []float64) ([]float32, error) {
	rows := p.Vocab()
	p.logits = resized(p.logits, len(x.IDs)*rows)
	for i := range x.Batch {
		p.row(p.logits[i*x.Length*rows:], x.Row(i), p.Scheduler.Kappa(t[i]))
	}
	return p.logits, nil
}

// row writes ln p(x_1[i] = v | x_t) for one row, [L, rows]; -Inf for the mask.
func (p *Posterior) row(dst []float32, xt []int32, kappa float64) {
	v, rows := p.Chain.Vocab(), p.Vocab()
	p.forward(xt, kappa)
	p.after = resized(p.after, v)
	for a := range p.after {
		p.after[a] = 1
	}
	for i := len(xt) - 1; i >= 0; i-- {
		out := dst[i*rows : (i+1)*rows]
		for a := range out {
			out[a] = float32(math.Inf(-1))
			if a < v {
				out[a] = float32(math.Log(p.through[i*v+a] * p.after[a]))
			}
		}
		p.backward(p.seen[i*v : (i+1)*v])
	}
}

// forward fills the likelihoods and the messages from the left.
func (p *Posterior) forward(xt []int32, kappa float64) {
	v := p.Chain.Vocab()
	n := len(xt) * v
	p.seen, p.before, p.through = resized(p.seen, n), resized(p.before, n), resized(p.through, n)
	for i, y := range xt {
		for b := range int32(v) {
			k := i*v + int(b)
			p.seen[k] = onPath(p.Source, y, b, kappa) + slip
			p.before[k] = 1
			if i > 0 {
				p.before[k] = 0
				for a := range int32(v) {
					p.before[k] += p.through[(i-1)*v+int(a)] * p.next(a, b)
				}
			}
			p.through[k] = p.before[k] * p.seen[k]
		}
		normalize(p.through[i*v : (i+1)*v])
	}
}

// backward takes the message from the right over one position.
func (p *Posterior) backward(seen []float64) {
	old := make([]float64, len(seen))
	for b := range old {
		old[b] = p.after[b] * seen[b]
	}
	for a := range p.after {
		p.after[a] = 0
		for b := range old {
			p.after[a] += p.next(int32(a), int32(b)) * old[b]
		}
	}
	normalize(p.after)
}

func (p *Posterior) next(a, b int32) float64 { return p.Chain.Next(a, b) + leak }

// onPath is p(x_t = y | x_1 = b) of one position.
func onPath(source flow.Source, y, b int32, kappa float64) float64 {
	p := 0.0
	if mask := source.Mask(); mask < 0 {
		p = (1 - kappa) / float64(source.Rows())
	} else if y == mask {
		p = 1 - kappa
	}
	if y == b {
		p += kappa
	}
	return p
}

func normalize(x []float64) {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	for i := range x {
		x[i] /= sum
	}
}

func resized[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
