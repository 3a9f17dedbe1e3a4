package model

import "fsdfm/ops"

// half holds the values of a network in half the memory: matrices in bfloat16,
// vectors in float32. Sums are of float32 all the same.
type half struct {
	matrices []ops.BF16           // of the layout that Data would have
	vectors  map[string][]float32 // by name
}

// ReadBF16 makes weights for inference whose matrices are kept in bfloat16,
// rounded to the nearest. Their Data is nil. read fills the values of one
// tensor; the buffer it is given for a matrix is used again.
func ReadBF16(c Config, read func(e Entry, dst []float32) error) (*Weights, error) {
	w, size := layout(c)
	h := &half{matrices: make([]ops.BF16, size), vectors: make(map[string][]float32)}
	largest := 0
	for _, e := range w.Entries {
		largest = max(largest, e.Size())
	}
	buffer := make([]float32, largest)
	for _, e := range w.Entries {
		n := e.Size()
		values := buffer[:n]
		if len(e.Shape) == 1 {
			values = make([]float32, n)
			h.vectors[e.Name] = values
		}
		if err := read(e, values); err != nil {
			return nil, err
		}
		if len(e.Shape) == 2 {
			ops.RoundBF16(h.matrices[e.Offset:e.Offset+n], values)
		}
	}
	w.half = h
	return w, nil
}

// Rounded reports whether the matrices are kept in bfloat16: such weights serve
// inference only.
func (w *Weights) Rounded() bool { return w.half != nil }

// param is a parameter of an inference graph.
func (h *half) param(b *ops.Builder, name string, offset int, shape []int) *ops.Param {
	if len(shape) == 1 {
		return b.Param(name, h.vectors[name], nil, shape...)
	}
	return b.ParamBF16(name, h.matrices[offset:offset+shape[0]*shape[1]], shape[0], shape[1])
}
