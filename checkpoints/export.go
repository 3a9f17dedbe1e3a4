package checkpoints

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// The files of an exported model.
const (
	modelName     = "model.safetensors"
	configName    = "config.json"
	tokenizerName = "tokenizer.json"
	cardName      = "README.md"
)

// producer marks model.safetensors as ours in its metadata, which lets a later
// export replace the folder.
const producerKey, producer = "producer", "fsdfm"

// Model is what Export writes.
type Model struct {
	Tensors   []Tensor // written in this order
	Config    []byte   // config.json
	Tokenizer []byte   // tokenizer.json
	Card      string   // README.md
	Overwrite bool     // replace an exported model that stands at the target
}

// Export writes m to the folder dir, at once and durably. If dir exists, it
// must be empty, or be an exported model and nothing else, with m.Overwrite set.
func Export(dir string, m Model) error {
	if err := export(Disk{}, dir, m); err != nil {
		return advise(fmt.Errorf("export to %s: %w", dir, err))
	}
	return nil
}

func export(disk FS, dir string, m Model) error {
	dir, err := filepath.Abs(dir) // a name also for "."
	if err != nil {
		return err
	}
	parent, name := filepath.Dir(dir), filepath.Base(dir)
	if err := restore(disk, parent, name); err != nil {
		return err
	}
	if err := replaceable(dir, m.Overwrite); err != nil {
		return err
	}
	for name, text := range map[string][]byte{configName: m.Config, tokenizerName: m.Tokenizer} {
		if !json.Valid(text) {
			return fmt.Errorf("%s would not be JSON", name)
		}
	}
	return writeFolder(disk, parent, name, func(w *Writer) error {
		if err := w.writeTensors(modelName, m.Tensors, map[string]string{producerKey: producer}); err != nil {
			return err
		}
		if err := w.writeBytes(configName, m.Config); err != nil {
			return err
		}
		if err := w.writeBytes(tokenizerName, m.Tokenizer); err != nil {
			return err
		}
		return w.writeBytes(cardName, []byte(m.Card))
	})
}

// replaceable reports why dir must stay.
func replaceable(dir string, overwrite bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) == 0:
		return nil
	case !overwrite:
		return errors.New("it exists already: choose another folder or allow overwriting")
	}
	for _, e := range entries {
		if !slices.Contains([]string{modelName, configName, tokenizerName, cardName}, e.Name()) {
			return fmt.Errorf("it holds %s, which is no part of an exported model: choose another folder", e.Name())
		}
	}
	weights, err := OpenSafetensors(filepath.Join(dir, modelName))
	if err != nil {
		return fmt.Errorf("what stands there is not an exported model: choose another folder: %w", err)
	}
	defer weights.Close()
	if weights.Metadata()[producerKey] != producer {
		return errors.New("the model there was not exported by fsdfm: choose another folder")
	}
	return nil
}

// ModelFiles is an exported model, open for reading.
type ModelFiles struct {
	Config    []byte
	Tokenizer []byte
	Weights   *Safetensors
}

// Close closes the weights.
func (m *ModelFiles) Close() error { return m.Weights.Close() }

// OpenModel opens an exported model. The caller closes it.
func OpenModel(dir string) (*ModelFiles, error) {
	if exists(filepath.Join(dir, stateName)) {
		return nil, fmt.Errorf("open model %s: this is a training save: export it first with fsdfm-export", dir)
	}
	var m ModelFiles
	var err error
	if m.Config, err = readPart(dir, configName); err != nil {
		return nil, err
	}
	if m.Tokenizer, err = readPart(dir, tokenizerName); err != nil {
		return nil, err
	}
	if m.Weights, err = OpenSafetensors(filepath.Join(dir, modelName)); err != nil {
		return nil, missing(dir, modelName, err)
	}
	return &m, nil
}

func readPart(dir, name string) ([]byte, error) {
	data, err := readText(filepath.Join(dir, name))
	if err != nil {
		return nil, missing(dir, name, err)
	}
	return data, nil
}

// missing explains why the file name of a model cannot be opened.
func missing(dir, name string, err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open model %s: %w", dir, err)
	case !exists(dir):
		return fmt.Errorf("open model %s: there is no such folder", dir)
	}
	return fmt.Errorf("open model %s: %s is missing: name the folder of an exported model, or export it again", dir, name)
}
