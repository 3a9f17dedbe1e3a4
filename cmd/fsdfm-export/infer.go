package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
	"fsdfm/model"
	"fsdfm/sample"
)

// infer reads a network's shape from its tensors' names and shapes, and takes
// the rest from what the user says.
func infer(f foreign, tensors []checkpoints.Tensor) (*network, error) {
	n := new(network)
	var err error
	if n.tokenizer, err = f.tokens(); err != nil {
		return nil, err
	}
	c, err := shape(f, tensors)
	if err != nil {
		return nil, err
	}
	source := "uniform"
	switch rows, v := c.VocabSize, n.tokenizer.Vocab(); rows {
	case v:
	case v + 1:
		source, c.Masked, c.VocabSize = "mask", true, v
	default:
		return nil, fmt.Errorf("the network has %d embeddings but the tokenizer has %d tokens: name the network's with -tokenizer", rows, v)
	}
	if n.tensors, err = arrange(c, tensors); err != nil {
		return nil, err
	}
	n.description = sample.NewDescription(c)
	n.description.Source, n.description.Scheduler, n.description.Solver, n.description.Corpus = source, 1, "euler_cumulative", f.corpus
	return n, checkRotary(c, n.tensors[len(n.tensors)-1])
}

// tokens is the tokenizer the user named.
func (f foreign) tokens() (tokenizer.Tokenizer, error) {
	if f.tokenizer == "char" || f.tokenizer == "bpe" {
		return nil, fmt.Errorf("-tokenizer %s: which tokens it has is not known from its name: give its tokenizer.json", f.tokenizer)
	}
	return tokenizer.New(f.tokenizer, 0, nil)
}

// shape is the network that tensors of these names and shapes belong to; its
// VocabSize counts all embeddings.
func shape(f foreign, tensors []checkpoints.Tensor) (model.Config, error) {
	shapes := make(map[string][]int, len(tensors))
	for _, t := range tensors {
		shapes[t.Name] = t.Shape
	}
	embedding, time := shapes["vocab_embed.weight"], shapes["time_embedding.mlp.0.weight"]
	if len(embedding) != 2 || len(time) != 2 {
		return model.Config{}, fmt.Errorf("there is no matrix vocab_embed.weight or time_embedding.mlp.0.weight among its %d tensors: is this a network of the FS-DFM reference?", len(tensors))
	}
	c := model.Config{
		VocabSize: embedding[0], HiddenSize: embedding[1], CondDim: time[0], Length: f.length,
		Blocks: blocks(tensors), StepConditioning: model.Additive,
	}
	_, c.StepAware = shapes["dt_embedding.mlp.0.weight"]
	if _, fused := shapes["time_condition_fuser.weight"]; fused {
		c.StepConditioning = model.Fused
	}
	switch rotary := shapes[model.RotaryBuffer]; {
	case len(rotary) == 1 && rotary[0] > 0: // half the width of a head
		c.Heads = c.HiddenSize / 2 / rotary[0]
	case f.heads > 0:
		c.Heads = f.heads
	default:
		return c, fmt.Errorf("there is no %s, which tells the number of heads: give it by -heads", model.RotaryBuffer)
	}
	return c, c.Validate()
}

// blocks counts them by the numbers in the names.
func blocks(tensors []checkpoints.Tensor) int {
	most := 0
	for _, t := range tensors {
		if rest, ok := strings.CutPrefix(t.Name, "blocks."); ok {
			number, _, _ := strings.Cut(rest, ".")
			if i, err := strconv.Atoi(number); err == nil && i < math.MaxInt {
				most = max(most, i+1)
			}
		}
	}
	return most
}

// checkRotary refuses a network with other rotary frequencies than ours.
func checkRotary(c model.Config, t checkpoints.Tensor) error {
	const tolerance = 1e-2 // bfloat16 has 2^-9
	want := c.RotaryFrequencies()
	if t.Fill == nil {
		return nil // ours
	}
	if len(t.Shape) != 1 || t.Shape[0] != len(want) {
		return fmt.Errorf("%s has shape %v, expected [%d]: is hidden_size a multiple of it?", t.Name, t.Shape, len(want))
	}
	got := make([]float32, len(want))
	if err := t.Fill(got, 0); err != nil {
		return err
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= tolerance*float64(w)) {
			return fmt.Errorf("%s[%d] is %v, expected %v: only rotary embeddings of base 10,000 are supported", t.Name, i, got[i], w)
		}
	}
	return nil
}
