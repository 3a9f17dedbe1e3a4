package train

import (
	"math"
	"math/rand/v2"

	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
)

// Micro is one micro-batch of data rows.
type Micro struct {
	X1         flow.Tokens // [b, L] clean rows
	First      int64       // data position of the first row: rows draw from streams of their own, named by it
	Total      int         // rows of the whole step, over which the loss is averaged
	Accumulate bool        // add to the gradient instead of overwriting it
}

// Objective turns data rows into a gradient.
type Objective interface {
	// Loss writes or adds the micro-batch's gradient to the learner and returns
	// the sum of its rows' losses.
	Loss(m Micro) (sum float64, err error)
	// Evaluate returns the sum of the rows' losses under the EMA weights,
	// without dropout or gradient.
	Evaluate(m Micro) (sum float64, err error)
}

// Pretrain is stage 1 (METHOD: Stage 1): t uniform, x_t from the path, the loss
// against x_1.
type Pretrain struct {
	Learner *Learner
	EMA     *model.Denoiser
	Path    flow.MixturePath
	Source  flow.Source
	GKL     bool // generalized KL instead of cross entropy
	Seed    uint64

	batch  loss.Batch
	x0, xt flow.Tokens
	t      []float64
	seeds  []uint64
}

// latest is the largest time trained on: the rate of GKL grows as 1/(1-t).
const latest = 1 - 1e-5

// Loss implements Objective.
func (p *Pretrain) Loss(m Micro) (float64, error) {
	p.prepare(m, "pretrain")
	err := p.Learner.Backward(p.xt, p.t, nil, p.seeds, &p.batch, m.Accumulate)
	return Sum(p.batch.Values), err
}

// Evaluate implements Objective. It draws from streams of its own, the same at
// every call.
func (p *Pretrain) Evaluate(m Micro) (float64, error) {
	p.prepare(m, "pretrain evaluation")
	logits, err := p.EMA.Logits(p.xt, p.t, nil)
	if err != nil {
		return 0, err
	}
	err = p.batch.Evaluate(nil, logits)
	return Sum(p.batch.Values), err
}

func (p *Pretrain) prepare(m Micro, purpose string) {
	n := m.X1.Batch
	if p.xt.Batch != n || p.xt.Length != m.X1.Length {
		p.x0, p.xt = flow.NewTokens(n, m.X1.Length), flow.NewTokens(n, m.X1.Length)
		p.t, p.seeds = make([]float64, n), make([]uint64, n)
	}
	streams := flow.Streams(p.Seed, purpose, m.First, n)
	p.batch.Reset(n)
	for i, r := range streams {
		p.seeds[i] = DropoutSeed(r)
		p.t[i] = min(r.Float64(), latest)
		p.batch.Rows[i] = append(p.batch.Rows[i], loss.Term{Loss: p.loss(p.t[i]), Weight: 1})
	}
	p.Source.Sample(p.x0, streams)
	p.Path.Sample(p.xt, p.x0, m.X1, p.t, streams)
	p.batch.XT, p.batch.X1, p.batch.Scale = p.xt.IDs, m.X1.IDs, 1/float64(m.Total)
}

func (p *Pretrain) loss(t float64) loss.Loss {
	if p.GKL {
		return loss.GeneralizedKL{Rate: flow.Instantaneous(p.Path.Scheduler, t, 0)}
	}
	return loss.CrossEntropy{}
}

// DropoutSeed draws the seed of a row's dropout masks.
func DropoutSeed(r flow.Rand) uint64 {
	return rand.NewPCG(uint64(r.Float64()*(1<<53)), 0).Uint64()
}

// Sum adds up values rounded to multiples of 2^-32: up to 2^20 such sums are
// exact, so a batch has the same loss however its rows are split.
func Sum(values []float64) float64 {
	s := 0.0
	for _, v := range values {
		s += math.RoundToEven(v*(1<<32)) / (1 << 32)
	}
	return s
}

// Grow returns a slice of n values, reusing *buf where it is large enough.
func Grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return (*buf)[:n]
}
