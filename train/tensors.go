package train

import (
	"fsdfm/checkpoints"
	"fsdfm/model"
)

// Tensors names the parts of a flat vector of w's layout, without a copy.
func Tensors(w *model.Weights, flat []float32) []checkpoints.Tensor {
	tensors := make([]checkpoints.Tensor, len(w.Entries))
	for i, e := range w.Entries {
		tensors[i] = checkpoints.Tensor{Name: e.Name, Shape: e.Shape, F32: w.Slice(flat, e)}
	}
	return tensors
}
