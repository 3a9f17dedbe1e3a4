// Command fsdfm-export turns a training save into a model folder for
// inference.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"fsdfm/checkpoints"
	"fsdfm/cmd/internal/cli"
	"fsdfm/data"
	"fsdfm/model"
	"fsdfm/sample"
	"fsdfm/train"
)

const usage = `
Usage: fsdfm-export -from SAVE -to DIR [flags]

  -from SAVE       a save (runs/NAME/distill/step-00000200), a stage's folder
                   (its newest good save) or a run's folder
  -to DIR          folder to make: model.safetensors, config.json,
                   tokenizer.json, README.md
  -weights WHICH   ema (default): the averaged weights; student: the weights
                   themselves; pretrained: from a run's folder, the averaged
                   weights before distillation
  -overwrite       replace DIR if it holds an exported model

Examples:
  fsdfm-export -from runs/quickstart -to models/austen
  fsdfm-export -from runs/quickstart -to models/teacher -weights pretrained
`

func main() { cli.Main(cli.Command{Name: "fsdfm-export", Usage: usage, Run: run}) }

func run(_ context.Context, flags *flag.FlagSet, args []string) error {
	from := flags.String("from", "", "")
	to := flags.String("to", "", "")
	weights := flags.String("weights", "ema", "")
	overwrite := flags.Bool("overwrite", false, "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := cli.Require(flags, "from", "to"); err != nil {
		return err
	}
	group, ok := map[string]string{"ema": "ema", "student": "weights", "pretrained": "ema"}[*weights]
	if !ok {
		return cli.Usagef("-weights %q is not one of ema, student, pretrained", *weights)
	}
	save, err := find(*from, *weights == "pretrained")
	if err != nil {
		return err
	}
	m, config, err := read(save, *weights, group)
	if err != nil {
		return err
	}
	if err := m.Export(*to, sample.Card(m.Description, "", config), *overwrite); err != nil {
		return err
	}
	fmt.Printf("%s: %s weights of %s, %d parameters\n", *to, *weights, save, len(m.Weights.Data))
	return nil
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
		return "", fmt.Errorf("%s is neither a save nor the folder of a stage or a run with saves: %w", from, err)
	}
	return from, nil
}

// read loads a save's weights with what it says about itself.
func read(save, weights, group string) (*sample.Model, string, error) {
	state, open, err := checkpoints.LoadState(save)
	if err != nil {
		return nil, "", err
	}
	if weights == "pretrained" && state.Kind != "pretrain" {
		return nil, "", fmt.Errorf("%s is a save of stage %s: for -weights pretrained, name the run's folder", save, state.Kind)
	}
	var about struct {
		Model     json.RawMessage `json:"model"`
		Tokenizer json.RawMessage `json:"tokenizer"`
		Config    string          `json:"config"`
	}
	if err := json.Unmarshal(state.Config, &about); err != nil {
		return nil, "", fmt.Errorf("%s: settings: %w", save, err)
	}
	m := new(sample.Model)
	if m.Description, err = sample.ParseDescription(about.Model); err != nil {
		return nil, "", fmt.Errorf("%s: model: %w", save, err)
	}
	if m.Tokenizer, err = data.ParseTokenizer(about.Tokenizer); err != nil {
		return nil, "", fmt.Errorf("%s: tokenizer: %w", save, err)
	}
	file, err := open(group)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	m.Weights = model.NewWeights(m.Description.Config)
	return m, about.Config, file.Load(train.Tensors(m.Weights, m.Weights.Data))
}
