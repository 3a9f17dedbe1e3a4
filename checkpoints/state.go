package checkpoints

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const (
	stateName   = "state.json"
	stateFormat = 1
	weightsExt  = ".safetensors"
)

// State is what a training run needs beside its tensors to go on as if it had
// not stopped.
type State struct {
	Format     int                `json:"format"` // set by SaveState
	Kind       string             `json:"kind"`   // the stage: pretrain or distill
	Step       int                `json:"step"`   // optimizer steps done
	Rows       int64              `json:"rows"`   // data rows consumed
	Seed       uint64             `json:"seed"`
	Config     json.RawMessage    `json:"config"`          // loads in compact form
	ConfigHash string             `json:"config_hash"`     // by the caller's rule
	Extra      map[string]float64 `json:"extra,omitempty"` // finite numbers
}

// SaveState saves s as state.json and each group ("weights", "ema", "moment1",
// "moment2") as GROUP.safetensors in dir/step-%08d, and returns that folder.
func SaveState(dir string, s State, groups map[string][]Tensor) (string, error) {
	return SaveStateOn(Disk{}, dir, s, groups)
}

// SaveStateOn is SaveState on another file system. Nothing is begun if the disk
// has too little room.
func SaveStateOn(disk FS, dir string, s State, groups map[string][]Tensor) (string, error) {
	name := fmt.Sprintf("%s%08d", stepPrefix, s.Step)
	s.Format = stateFormat
	if s.Step < 0 || s.Rows < 0 {
		return "", fmt.Errorf("save %s: step %d and rows %d must not be negative", dir, s.Step, s.Rows)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // the config must come back as it was
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return "", fmt.Errorf("save %s: training state: %w", filepath.Join(dir, name), err)
	}
	if err := checkSpace(disk, dir, stateSize(groups)+int64(text.Len())); err != nil {
		return "", fmt.Errorf("save %s: %w", filepath.Join(dir, name), err)
	}
	return SaveOn(disk, dir, name, func(w *Writer) error {
		for _, group := range slices.Sorted(maps.Keys(groups)) {
			if err := w.writeTensors(group+weightsExt, groups[group], nil); err != nil {
				return err
			}
		}
		return w.writeBytes(stateName, text.Bytes())
	})
}

// stateSize is what the groups of a save need on disk, in bytes.
func stateSize(groups map[string][]Tensor) int64 {
	size := int64(spare)
	for _, tensors := range groups {
		for _, t := range tensors {
			size += int64(len(t.F32))*4 + int64(len(t.I64))*8
		}
	}
	return size
}

// writeTensors creates a safetensors file that PyTorch's loaders accept.
func (w *Writer) writeTensors(name string, tensors []Tensor, metadata map[string]string) error {
	all := map[string]string{"format": "pt"}
	maps.Copy(all, metadata)
	return w.writeTo(name, func(file io.Writer) error {
		return WriteSafetensors(file, tensors, all)
	})
}

// LoadState reads the save at path, which Latest found or Verify passed. open
// gives the tensors of a group; the caller closes them.
func LoadState(path string) (s State, open func(group string) (*Safetensors, error), err error) {
	text, err := readText(filepath.Join(path, stateName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return State{}, nil, fmt.Errorf("%s holds no %s: name the folder of one save, such as %s", path, stateName, filepath.Join(path, stepPrefix+"00001000"))
	case err != nil:
		return State{}, nil, fmt.Errorf("load training state: %w", err)
	}
	if s, err = parseState(text); err != nil {
		return State{}, nil, fmt.Errorf("load %s: %w; use another save", filepath.Join(path, stateName), err)
	}
	return s, func(group string) (*Safetensors, error) { return openGroup(path, group) }, nil
}

func parseState(text []byte) (State, error) {
	var format struct{ Format int }
	if err := json.Unmarshal(text, &format); err != nil {
		return State{}, err
	}
	if format.Format != stateFormat {
		return State{}, fmt.Errorf("format is %d, this version reads %d", format.Format, stateFormat)
	}
	var s State
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return State{}, err
	}
	if s.Step < 0 || s.Rows < 0 {
		return State{}, fmt.Errorf("step %d or rows %d is negative", s.Step, s.Rows)
	}
	var config bytes.Buffer
	if err := json.Compact(&config, s.Config); err != nil {
		return State{}, fmt.Errorf("config: %w", err)
	}
	s.Config = config.Bytes()
	return s, nil
}

func openGroup(path, group string) (*Safetensors, error) {
	tensors, err := OpenSafetensors(filepath.Join(path, group+weightsExt))
	if !errors.Is(err, fs.ErrNotExist) {
		return tensors, err
	}
	files, _ := filepath.Glob(filepath.Join(path, "*"+weightsExt))
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), weightsExt)
	}
	return nil, fmt.Errorf("%s has no tensors %q: it has %s", path, group, strings.Join(files, ", "))
}
