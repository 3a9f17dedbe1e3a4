package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
	"fsdfm/model"
	"fsdfm/sample"
)

// network is a model wherever it comes from. Its values stay on disk until they
// are written, so that it may be larger than memory.
type network struct {
	description sample.Description
	tokenizer   tokenizer.Tokenizer
	tensors     []checkpoints.Tensor // in the order of the layout, then the rotary buffer
	card        string
	what        string // for the last line
	close       func() error
}

// groups are the kinds of weights: of a save, the group of tensors; of a
// PyTorch checkpoint, the keys of the file, the first that is there.
var groups = map[string]struct {
	save string
	keys []string
}{
	"ema":        {"ema", []string{"student_ema_model", "model", ""}},
	"student":    {"weights", []string{"student_model", ""}},
	"pretrained": {"ema", []string{"teacher_model", "model", ""}},
}

// open finds out what -from is.
func open(s settings) (*network, error) {
	info, err := os.Stat(s.from)
	switch {
	case err == nil && !info.IsDir() && strings.HasSuffix(s.from, ".safetensors"):
		return openSafetensors(s, s.from)
	case err == nil && !info.IsDir():
		return openPth(s)
	case exported(s.from):
		return openExported(s)
	}
	files, _ := filepath.Glob(filepath.Join(s.from, "*.safetensors")) // a bad pattern has no files
	if _, err := os.Stat(filepath.Join(s.from, "state.json")); len(files) == 0 || err == nil {
		return openSave(s)
	}
	if len(files) > 1 {
		return nil, fmt.Errorf("%s has %d safetensors files: put all tensors into one", s.from, len(files))
	}
	return openSafetensors(s, files[0])
}

// exported reports whether the folder's config.json is one of ours.
func exported(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	var about struct{ Format string }
	return err == nil && json.Unmarshal(text, &about) == nil && strings.HasPrefix(about.Format, "fsdfm-model-")
}

// openExported reads an exported model; its card stays as it is.
func openExported(s settings) (*network, error) {
	if s.weights != "ema" {
		return nil, fmt.Errorf("%s is an exported model, which has one kind of weights: leave -weights out", s.from)
	}
	files, err := checkpoints.OpenModel(s.from)
	if err != nil {
		return nil, err
	}
	n, err := describe(s.from, files.Config, files.Tokenizer, files.Weights)
	if err != nil {
		files.Close()
		return nil, err
	}
	n.what, n.close = "the model "+s.from, files.Close
	card, err := os.ReadFile(filepath.Join(s.from, "README.md"))
	if err == nil {
		n.card = string(card)
	} else {
		n.card = sample.Card(n.description, "", "")
	}
	return n, nil
}

// describe is a network that says all about itself.
func describe(path string, config, tokens []byte, file *checkpoints.Safetensors) (*network, error) {
	n := new(network)
	var err error
	if n.description, err = sample.ParseDescription(config); err != nil {
		return nil, fmt.Errorf("%s: model: %w", path, err)
	}
	if n.tokenizer, err = tokenizer.Parse(tokens); err != nil {
		return nil, fmt.Errorf("%s: tokenizer: %w", path, err)
	}
	n.tensors, err = arrange(n.description.Config, listed(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// listed are the tensors of a safetensors file, to be read piece by piece.
func listed(file *checkpoints.Safetensors) []checkpoints.Tensor {
	var list []checkpoints.Tensor
	for _, name := range file.Names() {
		dtype, shape, _ := file.Info(name)
		list = append(list, checkpoints.Tensor{Name: name, DType: dtype, Shape: shape, Fill: func(dst []float32, at int64) error {
			return file.ReadFloat32At(name, dst, at)
		}})
	}
	return list
}

// openSafetensors reads a file of others.
func openSafetensors(s settings, path string) (*network, error) {
	if s.weights != "ema" {
		return nil, fmt.Errorf("%s has one kind of weights: leave -weights out", path)
	}
	file, err := checkpoints.OpenSafetensors(path)
	if err != nil {
		return nil, err
	}
	n, err := infer(s.foreign, listed(file))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n.what, n.close = "the tensors of "+path, file.Close
	n.card = sample.ImportCard(n.description, fmt.Sprintf("`%s`, a safetensors file", filepath.Base(path)))
	return n, nil
}

// arrange puts tensors into the order of the network's layout; there must be
// all of them, in its shapes, and no others. The rotary buffer, which follows
// from the shape, may be missing.
func arrange(c model.Config, tensors []checkpoints.Tensor) ([]checkpoints.Tensor, error) {
	// Every size is one of a tensor's, or counts tensors or their rows: what is
	// larger than any file of tensors is refused before there is a list.
	const most = 1 << 20
	for _, size := range []int{c.VocabSize, c.HiddenSize, c.CondDim, c.Heads, c.Blocks} {
		if size > most || c.Blocks > len(tensors) {
			return nil, fmt.Errorf("the network would have %d blocks and a size of %d: no model like that is supported", c.Blocks, size)
		}
	}
	found := make(map[string]checkpoints.Tensor, len(tensors))
	for _, t := range tensors {
		found[t.Name] = t
	}
	rotary, ok := found[model.RotaryBuffer]
	if !ok {
		values := c.RotaryFrequencies()
		rotary = checkpoints.Tensor{Name: model.RotaryBuffer, Shape: []int{len(values)}, F32: values}
	}
	delete(found, model.RotaryBuffer)
	var list []checkpoints.Tensor
	var missing []string
	for _, e := range c.Layout() {
		t, ok := found[e.Name]
		switch {
		case !ok:
			missing = append(missing, e.Name)
		case !slices.Equal(t.Shape, e.Shape):
			return nil, fmt.Errorf("tensor %q has shape %v, expected %v", e.Name, t.Shape, e.Shape)
		}
		delete(found, e.Name)
		list = append(list, t)
	}
	return append(list, rotary), mismatch(missing, found)
}

// mismatch tells which tensors are missing and which are too many.
func mismatch(missing []string, extra map[string]checkpoints.Tensor) error {
	switch {
	case len(missing) > 0:
		return fmt.Errorf("there is no tensor %s (%d are missing): is this a network of the FS-DFM reference?", missing[0], len(missing))
	case len(extra) > 0:
		name := slices.Sorted(maps.Keys(extra))[0]
		return fmt.Errorf("there is the unexpected tensor %.80q (%d are unexpected): is this a network of the FS-DFM reference?", name, len(extra))
	}
	return nil
}
