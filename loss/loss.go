// Package loss holds the training losses, each with its hand-written gradient
// with respect to the logits. A row takes a weighted sum of them, so that the
// rows of one batch can be routed to different losses.
//
// Letters: N = B*L positions, V logits a position, z logits, p = softmax(z).
package loss

import (
	"fmt"
	"sync"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops"
	"fsdfm/ops/kernel"
)

// Loss is the loss of one position. Position returns its value and adds weight
// times its gradient to dz [V], unless dz is nil.
type Loss interface {
	Position(dz []float32, at *Position, weight float64) float64
}

// Position is what a loss may look at.
type Position struct {
	Z, P         []float32 // [V] logits and their softmax
	LogSumExp    float64   // ln sum exp z, so that ln p = z - LogSumExp
	XT, X1, Next int32     // the token at t, the clean token, the token at t+h
	Target       []float32 // [V] the teacher's logits

	q      []float32 // [V] softmax of Target, filled when first asked for
	qLSE   float64
	hasQ   bool
	z      []float32 // [V] copy of the logits while dz overwrites them
	buffer []float32
}

// Term is a loss and its weight in a row.
type Term struct {
	Loss   Loss
	Weight float64
}

// Batch is what the cost of a batch is computed from. A row's value is the
// mean over its positions of its weighted losses; the cost is Scale times the
// sum of the rows' values.
type Batch struct {
	Rows         [][]Term  // [B]
	XT, X1, Next []int32   // [N]; each may be nil if no loss reads it
	Target       []float32 // [N, V]; may be nil if no loss reads it
	Scale        float64   // 1/B, or 1/(rows of all micro-batches)
	Values       []float64 // [B], written: each row's value
}

// Reset makes room for rows and clears their terms.
func (b *Batch) Reset(rows int) {
	if len(b.Rows) != rows {
		b.Rows, b.Values = make([][]Term, rows), make([]float64, rows)
	}
	for i := range b.Rows {
		b.Rows[i] = b.Rows[i][:0]
	}
}

// grain is how many positions a worker takes at a time.
const grain = 16

// Evaluate computes every row's value from logits [N, V] and, if dz [N, V] is
// not nil, the gradient of the cost.
func (b *Batch) Evaluate(dz, logits []float32) error {
	if err := b.check(len(logits)); err != nil {
		return err
	}
	values := make([]float64, len(b.X1))
	b.positions(values, dz, logits, 0)
	b.average(values)
	return nil
}

func (b *Batch) check(logits int) error {
	if n, rows := len(b.X1), len(b.Rows); rows == 0 || n == 0 || n%rows != 0 || logits%n != 0 {
		return fmt.Errorf("loss: %d logits do not fit %d rows of %d tokens", logits, rows, n)
	}
	return nil
}

// positions computes the values of positions first, first+1, ... and, if dz is
// not nil, the gradient of the cost with respect to their logits. dz may be
// logits.
func (b *Batch) positions(values []float64, dz, logits []float32, first int) {
	n, length := len(values), len(b.X1)/len(b.Rows)
	vocab := len(logits) / n
	kernel.Parallel((n+grain-1)/grain, func(task int) {
		at := scratch(vocab)
		defer positions.Put(at)
		for i := task * grain; i < min(n, (task+1)*grain); i++ {
			z := logits[i*vocab : (i+1)*vocab]
			var d []float32
			if dz != nil {
				copy(at.z, z)
				z, d = at.z, dz[i*vocab:(i+1)*vocab]
				clear(d)
			}
			b.fill(at, z, first+i)
			values[i] = 0
			for _, term := range b.Rows[(first+i)/length] {
				values[i] += term.Weight * term.Loss.Position(d, at, term.Weight*b.Scale/float64(length))
			}
		}
	})
}

// average sets every row's value to the mean over its positions.
func (b *Batch) average(values []float64) {
	length := len(values) / len(b.Rows)
	for r := range b.Rows {
		b.Values[r] = 0
		for _, v := range values[r*length : (r+1)*length] {
			b.Values[r] += v
		}
		b.Values[r] /= float64(length)
	}
}

// Cost is Scale times the sum of Values.
func (b *Batch) Cost() float64 {
	sum := 0.0
	for _, v := range b.Values {
		sum += v
	}
	return sum * b.Scale
}

var positions sync.Pool

func scratch(vocab int) *Position {
	at, _ := positions.Get().(*Position)
	if at == nil {
		at = new(Position)
	}
	if cap(at.buffer) < 3*vocab {
		at.buffer = make([]float32, 3*vocab)
	}
	part := func(i int) []float32 { return at.buffer[i*vocab : (i+1)*vocab : (i+1)*vocab] }
	at.P, at.q, at.z = part(0), part(1), part(2)
	return at
}

// fill sets what a loss sees of position i with logits z.
func (b *Batch) fill(at *Position, z []float32, i int) {
	at.Z, at.hasQ, at.Target = z, false, nil
	at.LogSumExp = float64(kernel.SoftmaxRow(at.P, at.Z))
	at.X1, at.XT, at.Next = b.X1[i], -1, -1
	if b.XT != nil {
		at.XT = b.XT[i]
	}
	if b.Next != nil {
		at.Next = b.Next[i]
	}
	if b.Target != nil {
		at.Target = b.Target[i*len(z) : (i+1)*len(z)]
	}
}

// teacher is the softmax of the target logits and their log-sum-exp.
func (at *Position) teacher() (q []float32, logSumExp float64) {
	if !at.hasQ {
		at.qLSE, at.hasQ = float64(kernel.SoftmaxRow(at.q, at.Target)), true
	}
	return at.q, at.qLSE
}

// logP is ln p(v).
func (at *Position) logP(v int32) float64 { return float64(at.Z[v]) - at.LogSumExp }

// Cost adds the batch's cost, a scalar, to the graph that made logits [N, V]:
// the plain form of Head.
// The batch may change between runs, but not its shape.
func Cost(b *ops.Builder, logits *gorgonia.Node, batch *Batch) *gorgonia.Node {
	if b.Err() != nil {
		return nil
	}
	shape := logits.Shape().Clone()
	dz := make([]float32, shape.TotalSize())
	forward := func(out []float32, in [][]float32) error {
		err := batch.Evaluate(dz, in[0])
		out[0] = float32(batch.Cost())
		return err
	}
	// The forward pass has the softmax at hand, so it leaves the gradient too.
	gradient := func(_ gorgonia.Nodes, cost, dcost *gorgonia.Node) (gorgonia.Nodes, error) {
		d := b.Side("loss dlogits", dz, shape, cost, dcost)
		return gorgonia.Nodes{d}, b.Err()
	}
	return b.Op("loss", tensor.Shape{}, forward, gradient, logits)
}
