package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/configs"
)

// settle stores the settings of a new run and refuses other ones later.
func (p *pipeline) settle() error {
	path := filepath.Join(p.dir, "config.yaml")
	text, err := p.config.Marshal()
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoints.WriteFileAtomic(path, text)
	}
	if err != nil {
		return fmt.Errorf("reading the run's settings: %w", err)
	}
	if bytes.Equal(old, text) {
		return nil
	}
	stored, err := configs.Load(path, nil, nil)
	if err != nil {
		return fmt.Errorf("the run's own settings do not load: %w", err)
	}
	changed := configs.Changed(stored, p.config)
	if bound := slices.DeleteFunc(slices.Clone(changed), p.free); len(bound) > 0 {
		if !p.options.allowChanged {
			return fmt.Errorf("%s was begun with other settings (%s): restore them, choose another run with -run NAME, or add -allow-changed for weights that no single run file makes", p.dir, strings.Join(bound, ", "))
		}
		p.progress.Note("going on with changed settings (%s): the weights will not be those of either run file", strings.Join(bound, ", "))
	}
	if err := p.reopen(slices.DeleteFunc(changed, harmless)); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(path, text)
}

// harmless reports whether a setting changes no weight: how a batch is split,
// when it is logged, measured and saved.
func harmless(key string) bool {
	switch section, name, _ := strings.Cut(key, "."); section {
	case "run", "threads":
		return true
	case "pretrain", "distill":
		return slices.Contains([]string{"micro_batch", "recompute", "eval_every", "eval_rows", "checkpoint_every", "keep", "log_every", "on_nan"}, name)
	}
	return false
}

// free reports whether a setting may still change: it decides nothing that the
// run's folder holds. So a mistake in a run file can be mended until the stage
// that it bears on has begun.
func (p *pipeline) free(key string) bool {
	holds := func(name string) bool { return exists(p.path(name)) }
	if harmless(key) {
		return true
	}
	switch section, _, _ := strings.Cut(key, "."); section {
	case "gate", "evaluate", "export":
		return true
	case "data":
		return !holds("data") && !holds("pretrain")
	case "rollout":
		return !holds("trajectories") && !holds("distill")
	case "distill":
		return !holds("distill")
	}
	return !holds("pretrain")
}

// reopen unmarks the first stage whose own settings changed and those after it.
func (p *pipeline) reopen(changed []string) error {
	redo := false
	for _, s := range stages {
		redo = redo || slices.ContainsFunc(changed, func(key string) bool { return strings.HasPrefix(key, s.name+".") })
		if !redo {
			continue
		}
		if err := os.Remove(p.mark(s.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("stage %s must run again: %w", s.name, err)
		}
	}
	return nil
}
