package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/checkpoints/pth"
	"fsdfm/model"
	"fsdfm/sample"
)

// dtypes are the types of matrices, by the names that safetensors has.
var dtypes = map[string]string{"fp32": "F32", "bf16": "BF16"}

// formats are what a network is written as.
var formats = map[string]func(*network, settings) error{"folder": writeFolder, "pth": writePth}

// write converts the network to -dtype and writes it. Vectors stay float32:
// they are small, and the norms and biases among them are worth it.
func (n *network) write(s settings) error {
	for i, t := range n.tensors {
		n.tensors[i].DType = "F32"
		if len(t.Shape) > 1 {
			n.tensors[i].DType = dtypes[s.dtype]
		}
	}
	return formats[s.format](n, s)
}

// writeFolder has F32 before BF16, since safetensors aligns values to their
// size.
func writeFolder(n *network, s settings) error {
	slices.SortStableFunc(n.tensors, func(a, b checkpoints.Tensor) int { return cmp.Compare(b.DType, a.DType) })
	return sample.Export{Description: n.description, Tokenizer: n.tokenizer, Tensors: n.tensors, Card: n.card}.Write(s.to, s.overwrite)
}

// writePth writes the reference's layout around the weights, which stand for
// both of a student's kinds. There is no optimizer in it.
func writePth(n *network, s settings) error {
	d := n.description
	if d.StepAware && d.StepConditioning != model.Fused {
		return fmt.Errorf("%s: this student takes its step size additively, which the reference's network cannot express: export it as a folder, or train one with model.step_conditioning: fused", s.to)
	}
	if err := replaceable(s.to, s.overwrite); err != nil {
		return fmt.Errorf("export to %s: %w", s.to, err)
	}
	state := n.stateDict()
	yielded := pth.Dict{{Key: "yielded", Value: 0}}
	root := pth.Dict{{Key: "step", Value: 0}, {Key: "train_sampler", Value: yielded}, {Key: "test_sampler", Value: yielded}}
	keys := []string{"model"}
	if d.StepAware {
		keys = []string{"student_model", "student_ema_model"}
	}
	for _, key := range keys {
		root = append(root, pth.Pair{Key: key, Value: state})
	}
	return checkpoints.StreamFileAtomic(s.to, func(w io.Writer) error { return pth.Write(w, root) })
}

// stateDict has the rotary buffer where the reference has it, before the
// blocks.
func (n *network) stateDict() *pth.StateDict {
	last := len(n.tensors) - 1
	at := slices.IndexFunc(n.tensors, func(t checkpoints.Tensor) bool { return strings.HasPrefix(t.Name, "blocks.") })
	state := pth.StateDict(slices.Insert(slices.Clone(n.tensors[:last]), at, n.tensors[last]))
	return &state
}

// replaceable reports why the file at path must stay.
func replaceable(path string, overwrite bool) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !overwrite:
		return errors.New("it exists already: choose another file or -overwrite")
	}
	file, err := pth.Open(path)
	if err != nil {
		return fmt.Errorf("what stands there is no checkpoint: choose another file: %w", err)
	}
	return file.Close()
}
