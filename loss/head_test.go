package loss_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"fsdfm/internal/golden"
	"fsdfm/loss"
	"fsdfm/ops"
)

// layer is an output layer under test, and the gradients that one program
// computes.
type layer struct {
	rows, length, width, vocab int
	x, w, bias                 []float32
	dx, dw, dbias              []float32
	batch                      *loss.Batch
}

func newLayer(rows, length, width, vocab int) *layer {
	rng := rand.New(rand.NewPCG(3, 4))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	n := rows * length
	l := &layer{
		rows: rows, length: length, width: width, vocab: vocab,
		x: normal(n * width), w: normal(vocab * width), bias: normal(vocab),
		dx: make([]float32, n*width), dw: make([]float32, vocab*width), dbias: make([]float32, vocab),
	}
	losses := []loss.Loss{loss.CrossEntropy{}, loss.GeneralizedKL{Rate: 1.3}, loss.ForwardKL{}, loss.ReverseKL{}}
	l.batch = batch(rows, func(row int) loss.Loss { return losses[row%len(losses)] })
	l.batch.Target = normal(n * vocab)
	for range n {
		l.batch.X1 = append(l.batch.X1, rng.Int32N(int32(vocab)))
		l.batch.XT = append(l.batch.XT, rng.Int32N(int32(vocab)))
	}
	return l
}

// run computes the gradients once for every value of accumulate. x is an
// embedding of the positions, so that its gradient is a parameter's.
func (l *layer) run(t *testing.T, plain bool, accumulate ...bool) {
	t.Helper()
	b := ops.NewBuilder(ops.NewArena())
	ids := make([]int32, l.rows*l.length)
	for i := range ids {
		ids[i] = int32(i)
	}
	x := b.Embed(b.Param("x", l.x, l.dx, len(ids), l.width), ids)
	w, bias := b.Param("w", l.w, l.dw, l.vocab, l.width), b.Param("bias", l.bias, l.dbias, l.vocab)
	compile := func() (*ops.Program, error) {
		if plain {
			return b.Compile(loss.Cost(b, b.Linear(x, w, bias), l.batch), true)
		}
		return b.CompileFrom(x, loss.Head(b, x, w, bias, l.batch))
	}
	p, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, b.Accumulate = range accumulate {
		if _, err := p.Run(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHead compares the chunked output layer with Linear and Cost: one chunk,
// and three of which the last is short.
func TestHead(t *testing.T) {
	for name, shape := range map[string][4]int{"one chunk": {4, 5, 8, 11}, "three chunks": {4, 130, 8, 4100}} {
		t.Run(name, func(t *testing.T) {
			for _, accumulate := range [][]bool{{false}, {false, true}} {
				plain, chunked := newLayer(shape[0], shape[1], shape[2], shape[3]), newLayer(shape[0], shape[1], shape[2], shape[3])
				plain.run(t, true, accumulate...)
				chunked.run(t, false, accumulate...)
				// 1e-6 of the largest: sums in another order.
				golden.NearScalar(t, "cost", chunked.batch.Cost(), plain.batch.Cost(), 1e-6)
				golden.Near(t, "dx", chunked.dx, plain.dx, 1e-6)
				golden.Near(t, "dw", chunked.dw, plain.dw, 1e-6)
				golden.Near(t, "dbias", chunked.dbias, plain.dbias, 1e-6)
			}
		})
	}
}

// TestHeadSameForAnyThreads: chunks are a function of the shape alone.
func TestHeadSameForAnyThreads(t *testing.T) {
	defer ops.SetThreads(0)
	ops.SetThreads(1)
	one := newLayer(2, 140, 8, 4100)
	one.run(t, false, false)
	for _, threads := range []int{2, 3, 8} {
		ops.SetThreads(threads)
		l := newLayer(2, 140, 8, 4100)
		l.run(t, false, false)
		golden.NearScalar(t, "cost", l.batch.Cost(), one.batch.Cost(), 0)
		golden.Near(t, "dx", l.dx, one.dx, 0)
		golden.Near(t, "dw", l.dw, one.dw, 0)
		golden.Near(t, "dbias", l.dbias, one.dbias, 0)
	}
}

func TestHeadRefusesAnotherShape(t *testing.T) {
	l := newLayer(2, 5, 8, 11)
	l.batch.X1 = l.batch.X1[:8]
	b := ops.NewBuilder(nil)
	x := b.Embed(b.Param("x", l.x, l.dx, 10, 8), make([]int32, 10))
	dx := loss.Head(b, x, b.Param("w", l.w, l.dw, 11, 8), b.Param("bias", l.bias, l.dbias, 11), l.batch)
	p, err := b.CompileFrom(x, dx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(); err == nil || !strings.Contains(err.Error(), "10 tokens") {
		t.Errorf("error is %v, want one that names the 10 tokens expected", err)
	}
}
