package train

import (
	"fmt"
	"slices"

	"fsdfm/checkpoints"
	"fsdfm/model"
)

// Tensors names the parts of a flat vector of w's layout, without a copy.
func Tensors(w *model.Weights, flat []float32) []checkpoints.Tensor {
	tensors := make([]checkpoints.Tensor, len(w.Entries))
	for i, e := range w.Entries {
		tensors[i] = checkpoints.Float32(e.Name, e.Shape, w.Slice(flat, e))
	}
	return tensors
}

// Read fills a flat vector of w's layout from a file that must hold exactly
// its tensors (the rotary buffer may stand beside them).
func Read(file *checkpoints.Safetensors, w *model.Weights, flat []float32) error {
	for _, name := range file.Names() {
		if name != model.RotaryBuffer && w.View(name) == nil {
			return fmt.Errorf("%s: tensor %s is not part of a network of this shape: check model settings", file.Path(), name)
		}
	}
	for _, e := range w.Entries {
		_, shape, ok := file.Info(e.Name)
		if !ok {
			return fmt.Errorf("%s: tensor %s is missing: check model settings", file.Path(), e.Name)
		}
		if !slices.Equal(shape, e.Shape) {
			return fmt.Errorf("%s: tensor %s has shape %v, expected %v: check model settings", file.Path(), e.Name, shape, e.Shape)
		}
		if err := file.ReadFloat32(e.Name, w.Slice(flat, e)); err != nil {
			return err
		}
	}
	return nil
}
