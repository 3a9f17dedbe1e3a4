package ops

import (
	"fmt"

	"gorgonia.org/tensor"
)

func shapeError(what string, got, want tensor.Shape) error {
	return fmt.Errorf("ops: %s has shape %v, expected %v", what, got, want)
}

// checkIDs refuses token ids outside the embedding.
func checkIDs(ids []int32, rows int) error {
	for i, id := range ids {
		if id < 0 || int(id) >= rows {
			return fmt.Errorf("token %d at position %d is outside the vocabulary of %d", id, i, rows)
		}
	}
	return nil
}
