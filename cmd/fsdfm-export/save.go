package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fsdfm/checkpoints"
	"fsdfm/sample"
)

// openSave reads a training save.
func openSave(s settings) (*network, error) {
	save, err := find(s.from, s.weights == "pretrained")
	if err != nil {
		return nil, err
	}
	state, group, err := checkpoints.LoadState(save)
	if err != nil {
		return nil, err
	}
	if s.weights == "pretrained" && state.Kind != "pretrain" {
		return nil, fmt.Errorf("%s is a save of stage %s: for -weights pretrained, name the run's folder", save, state.Kind)
	}
	var about struct {
		Model     json.RawMessage `json:"model"`
		Tokenizer json.RawMessage `json:"tokenizer"`
		Config    string          `json:"config"`
	}
	if err := json.Unmarshal(state.Config, &about); err != nil {
		return nil, fmt.Errorf("%s: settings: %w", save, err)
	}
	file, err := group(groups[s.weights].save)
	if err != nil {
		return nil, err
	}
	n, err := describe(save, about.Model, about.Tokenizer, file)
	if err != nil {
		file.Close()
		return nil, err
	}
	n.what, n.close = fmt.Sprintf("%s weights of %s", s.weights, save), file.Close
	n.card = sample.Card(n.description, table(save, s.weights), about.Config)
	return n, nil
}

// find turns a run's or a stage's folder into its newest good save.
func find(from string, pretrained bool) (string, error) {
	stages := []string{"distill", "pretrain"}
	if pretrained {
		stages = stages[1:]
	}
	candidates := []string{from}
	for _, s := range stages {
		candidates = append(candidates, filepath.Join(from, s))
	}
	for _, dir := range candidates {
		path, broken, err := checkpoints.Latest(dir)
		switch {
		case err == nil:
			for _, b := range broken {
				fmt.Fprintf(os.Stderr, "skipping a broken save: %v\n", b)
			}
			return path, nil
		case !errors.Is(err, checkpoints.ErrNoSave):
			return "", err
		case len(broken) > 0:
			return "", fmt.Errorf("no save in %s is whole: %w", dir, broken[0])
		}
	}
	if err := checkpoints.Verify(from); err != nil {
		return "", fmt.Errorf("%s is neither a save nor the folder of a stage or a run with saves, nor a model: %w", from, err)
	}
	return from, nil
}

// table is the evaluation by the run, for the weights it evaluated: those of
// the student's newest save.
func table(save, weights string) string {
	stage := filepath.Dir(save)
	if newest, _, err := checkpoints.Latest(stage); err != nil || newest != save || filepath.Base(stage) != "distill" || weights != "ema" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(stage), "evaluate", "table.md"))
	if err != nil {
		return "" // not evaluated yet
	}
	return string(text)
}
