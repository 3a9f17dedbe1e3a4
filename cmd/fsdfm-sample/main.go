// Command fsdfm-sample writes text with an exported model.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"

	"fsdfm/cmd/internal/cli"
	"fsdfm/flow"
	"fsdfm/ops"
	"fsdfm/sample"
)

const usage = `
Usage: fsdfm-sample -model DIR [flags]

  -model DIR        folder of an exported model
  -steps N          model evaluations for a text (default 8)
  -n N              number of texts (default 4)
  -seed N           text i of a seed is always the same (default 1)
  -prompt TEXT      every text starts with this
  -solver NAME      euler_cumulative, euler, ancestral or mixture_euler
                    (default: the one the model was trained with)
  -temperature X    of the posterior (default 1)
  -length N         tokens a text (default: as trained)
  -bf16             keep the weights in bfloat16: half the memory, rounded
  -threads N        cores to use (default: all)
  -json             one JSON object a line: text, tokens

Examples:
  fsdfm-sample -model runs/quickstart/export -steps 8 -n 4 -seed 1
  fsdfm-sample -model runs/quickstart/export -prompt 'It is a truth' -json
`

func main() { cli.Main(cli.Command{Name: "fsdfm-sample", Usage: usage, Run: run}) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	dir := flags.String("model", "", "")
	steps := flags.Int("steps", 8, "")
	n := flags.Int("n", 4, "")
	seed := flags.Uint64("seed", 1, "")
	prompt := flags.String("prompt", "", "")
	solver := flags.String("solver", "", "")
	temperature := flags.Float64("temperature", 1, "")
	length := flags.Int("length", 0, "")
	threads := flags.Int("threads", 0, "")
	bf16 := flags.Bool("bf16", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := cli.Require(flags, "model"); err != nil {
		return err
	}
	switch {
	case *steps < 1:
		return cli.Usagef("-steps %d: a text takes at least 1 step", *steps)
	case *n < 1:
		return cli.Usagef("-n %d: ask for at least 1 text", *n)
	case !(*temperature > 0):
		return cli.Usagef("-temperature %v: must be above 0", *temperature)
	case *length < 0 || *threads < 0:
		return cli.Usagef("-length %d and -threads %d must not be negative", *length, *threads)
	}
	ops.SetThreads(*threads)
	load := sample.Load
	if *bf16 {
		load = sample.LoadBF16
	}
	m, err := load(*dir)
	if err != nil {
		return err
	}
	g, err := m.Generator(*solver)
	if err != nil {
		return err
	}
	g.Seed, g.Sampler.Denoiser = *seed, flow.Tempered{Denoiser: g.Sampler.Denoiser, Temperature: *temperature}
	if *length > 0 {
		g.Length = *length
	}
	template, err := sample.Continue(*prompt, "").Template(m.Tokenizer, g.Length)
	if err != nil {
		return err
	}
	drawn, err := g.Complete(ctx, flow.TimeGrid(*steps), 0, slices.Repeat([]sample.Template{template}, *n), nil)
	if err != nil {
		return err
	}
	return print(m, drawn, *asJSON)
}

func print(m *sample.Model, drawn [][]int32, asJSON bool) error {
	lines := json.NewEncoder(os.Stdout)
	lines.SetEscapeHTML(false)
	for i, ids := range drawn {
		text := m.Tokenizer.Decode(ids)
		if asJSON {
			if err := lines.Encode(map[string]any{"text": text, "tokens": ids}); err != nil {
				return err
			}
			continue
		}
		if len(drawn) > 1 {
			fmt.Printf("--- %d\n", i+1)
		}
		if _, err := fmt.Println(text); err != nil {
			return err
		}
	}
	return nil
}
