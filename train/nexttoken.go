package train

import (
	"errors"

	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
)

// NextToken trains a causal network, a judge: each token of a row is predicted
// from the ones before it; the first is given. The loss is the mean cross
// entropy of the L-1 others, in nats a token.
type NextToken struct {
	Learner *Learner
	EMA     *model.Denoiser
	Seed    uint64

	batch loss.Batch
	x     flow.Tokens // [b, L-1] what the network is given
	next  flow.Tokens // [b, L-1] what it shall predict
	t     []float64   // a judge's time: 0
	seeds []uint64
}

var _ Objective = (*NextToken)(nil)

// Loss implements Objective.
func (o *NextToken) Loss(m Micro) (float64, error) {
	if !o.Learner.Weights.Config.Causal {
		return 0, errors.New("train: a network that predicts the next token must be causal, or it sees the answer: see model.Config.Judge")
	}
	if err := o.prepare(m); err != nil {
		return 0, err
	}
	for i, r := range flow.Streams(o.Seed, "next token", m.First, m.X1.Batch) {
		o.seeds[i] = DropoutSeed(r)
	}
	err := o.Learner.Backward(o.x, o.t, nil, o.seeds, &o.batch, m.Accumulate)
	return Sum(o.batch.Values), err
}

// Evaluate implements Objective.
func (o *NextToken) Evaluate(m Micro) (float64, error) {
	if err := o.prepare(m); err != nil {
		return 0, err
	}
	logits, err := o.EMA.NextLogits(o.x)
	if err != nil {
		return 0, err
	}
	err = o.batch.Evaluate(nil, logits)
	return Sum(o.batch.Values), err
}

// prepare shifts the rows by one.
func (o *NextToken) prepare(m Micro) error {
	n, length := m.X1.Batch, m.X1.Length-1
	if length < 1 {
		return errors.New("train: rows of one token have no next token: choose a larger length")
	}
	if o.x.Batch != n || o.x.Length != length {
		o.x, o.next = flow.NewTokens(n, length), flow.NewTokens(n, length)
		o.t, o.seeds = make([]float64, n), make([]uint64, n)
	}
	o.batch.Reset(n)
	for i := range n {
		row := m.X1.Row(i)
		copy(o.x.Row(i), row)
		copy(o.next.Row(i), row[1:])
		o.batch.Rows[i] = append(o.batch.Rows[i], loss.Term{Loss: loss.CrossEntropy{}, Weight: 1})
	}
	o.batch.X1, o.batch.Scale = o.next.IDs, 1/float64(m.Total)
	return nil
}
