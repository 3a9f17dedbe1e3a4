package loss

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/ops"
	"fsdfm/ops/kernel"
)

// Logits are computed for at most headFloats values (8 MiB) at a time, but for
// at least headRows positions: every chunk passes once over the weight [V, D]
// and its gradient, which costs more than the memory is worth below that.
const (
	headFloats = 1 << 21
	headRows   = 256
)

// head is the output layer and the cost of a batch, both ways, over chunks of
// positions, so that the logits of all of them never exist at once.
type head struct {
	b          *ops.Builder
	w, bias    *ops.Param
	batch      *Batch
	n, d, v    int
	z          []float32 // [rows, V] logits, then their gradient
	perToken   []float64 // [N]
	x, dx      []float32 // [N, D] of the current run
	weight     []float32 // [V, D]
	biasValues []float32 // [V]
}

// Head adds the output layer x W^T + bias and the batch's cost to the graph: x
// [N, D], w [V, D], bias [V]. Its value is the gradient of the cost with
// respect to x, for ops.CompileFrom; it writes the gradients of w and bias. The
// batch may change between runs, but not its shape.
func Head(b *ops.Builder, x *gorgonia.Node, w, bias *ops.Param, batch *Batch) *gorgonia.Node {
	if b.Err() != nil {
		return nil
	}
	n, d, v := x.Shape()[0], x.Shape()[1], w.Node.Shape()[0]
	h := &head{b: b, w: w, bias: bias, batch: batch, n: n, d: d, v: v, perToken: make([]float64, n)}
	h.z = b.Scratch("logits", min(n, headChunk(v))*v)
	return b.Op("head "+w.Name, tensor.Shape{n, d}, h.run, nil, x, b.Claim(w), b.Claim(bias))
}

// headChunk is the most positions of a chunk.
func headChunk(vocab int) int { return max(headFloats/vocab/headRows, 1) * headRows }

func (h *head) run(dx []float32, in [][]float32) error {
	if len(h.batch.X1) != h.n {
		return fmt.Errorf("loss: the batch has %d tokens, the graph was built for %d tokens", len(h.batch.X1), h.n)
	}
	if err := h.batch.check(h.n * h.v); err != nil {
		return err
	}
	h.dx, h.x, h.weight, h.biasValues = dx, in[0], in[1], in[2]
	length, most := h.n/len(h.batch.Rows), headChunk(h.v)
	if length <= most { // whole rows
		most -= most % length
		h.stretch(0, h.n, most, length)
	} else { // parts of rows
		for from := 0; from < h.n; from += length {
			h.stretch(from, from+length, most, most)
		}
	}
	h.batch.average(h.perToken)
	return nil
}

// stretch does positions [from, to) in chunks of at most so many, whose
// gradients are summed up in groups.
func (h *head) stretch(from, to, most, group int) {
	for ; from < to; from += most {
		end := min(from+most, to)
		h.chunk(from, end, min(group, end-from))
	}
}

// chunk does positions [from, to).
func (h *head) chunk(from, to, group int) {
	rows := to - from
	z, x, dx := h.z[:rows*h.v], h.x[from*h.d:to*h.d], h.dx[from*h.d:to*h.d]
	kernel.Gemm(kernel.NT, z, x, h.weight, rows, h.v, h.d, false, kernel.Epilogue{Bias: h.biasValues})
	h.batch.positions(h.perToken[from:to], z, z, from)
	kernel.Gemm(kernel.NN, dx, z, h.weight, rows, h.d, h.v, false, kernel.Epilogue{})
	add := h.b.Accumulate || from > 0
	kernel.GemmTN(h.w.Grad, z, x, h.v, h.d, rows, group, add)
	kernel.ColumnSum(h.bias.Grad, z, rows, h.v, group, add)
}
