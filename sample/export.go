package sample

import (
	"encoding/json"
	"fmt"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
	"fsdfm/model"
)

// Export is a model as it is written for others, with weights that need not be
// in memory.
type Export struct {
	Description Description
	Tokenizer   tokenizer.Tokenizer
	Tensors     []checkpoints.Tensor // all of the network, and the rotary buffer
	Card        string               // README.md
}

// Write writes the folder dir, replacing only an exported model and only with
// overwrite.
func (e Export) Write(dir string, overwrite bool) error {
	config, err := json.MarshalIndent(e.Description, "", "  ")
	if err != nil {
		return fmt.Errorf("export to %s: %w", dir, err)
	}
	tokens, err := tokenizer.Marshal(e.Tokenizer)
	if err != nil {
		return fmt.Errorf("export to %s: %w", dir, err)
	}
	return checkpoints.Export(dir, checkpoints.Model{
		Tensors: e.Tensors, Config: config, Tokenizer: tokens, Card: e.Card, Overwrite: overwrite,
	})
}

// Export writes the model to the folder dir with a card: see Export.Write.
func (m *Model) Export(dir, card string, overwrite bool) error {
	if m.Weights.Rounded() {
		return fmt.Errorf("export to %s: the weights were rounded to bfloat16 when they were read: read them in full", dir)
	}
	return Export{m.Description, m.Tokenizer, tensors(m.Weights), card}.Write(dir, overwrite)
}

// tensors are all tensors of the file, the reference's rotary buffer included.
func tensors(w *model.Weights) []checkpoints.Tensor {
	list := make([]checkpoints.Tensor, 0, len(w.Entries)+1)
	for _, e := range w.Entries {
		list = append(list, checkpoints.Tensor{Name: e.Name, Shape: e.Shape, F32: w.Slice(w.Data, e)})
	}
	rotary := w.Config.RotaryFrequencies()
	return append(list, checkpoints.Tensor{Name: model.RotaryBuffer, Shape: []int{len(rotary)}, F32: rotary})
}
