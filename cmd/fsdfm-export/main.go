// Command fsdfm-export brings models in and out: from training saves, exported
// models, safetensors and PyTorch checkpoints to a model folder or a PyTorch
// checkpoint.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fsdfm/cmd/internal/cli"
)

const usage = `
Usage: fsdfm-export -from MODEL -to TARGET [flags]

  -from MODEL      a save (runs/NAME/distill/step-00000200), a stage's folder
                   (its newest good save), a run's folder, an exported model,
                   a folder with a safetensors file, or a file: FILE.safetensors,
                   or a PyTorch checkpoint of the FS-DFM reference, whatever its
                   name. Nothing in a checkpoint is executed
  -to TARGET       folder to make: model.safetensors, config.json,
                   tokenizer.json, README.md; with -format pth, file to make
  -format FORMAT   folder (default), or pth: a checkpoint that the reference
                   loads, of a pretrained network or a fused student
  -dtype TYPE      of the matrices: fp32 (default) or bf16, half the size and
                   rounded
  -weights WHICH   ema (default): the averaged weights, or a PyTorch
                   checkpoint's only ones; student: the weights themselves;
                   pretrained: the weights before distillation, from a run's
                   folder or a PyTorch checkpoint
  -overwrite       replace TARGET if it is an exported model or a checkpoint

A PyTorch checkpoint or foreign safetensors do not say:
  -tokenizer KIND  gpt2 (default), bytes, or a FILE.json: its number of tokens
                   also tells if the network has a mask token
  -length N        tokens a text (default 1024)
  -heads N         only if the file lacks rotary_emb.inv_freq, which tells it
  -corpus TEXT     what it was trained on, for the model card

Examples:
  fsdfm-export -from runs/quickstart -to models/austen
  fsdfm-export -from runs/quickstart -to models/teacher -weights pretrained
  fsdfm-export -from checkpoint.pth -to models/fsdfm-1.3b -dtype bf16
  fsdfm-export -from models/mine -format pth -to mine.pth
`

// settings are the command's flags.
type settings struct {
	from, to, format, dtype, weights string
	overwrite                        bool
	foreign                          foreign
}

// foreign is what a file of others does not say about itself.
type foreign struct {
	tokenizer     string
	length, heads int
	corpus        string
}

func main() { cli.Main(cli.Command{Name: "fsdfm-export", Usage: usage, Run: run}) }

func run(_ context.Context, flags *flag.FlagSet, args []string) error {
	s, err := parse(flags, args)
	if err != nil {
		return err
	}
	n, err := open(s)
	if err != nil {
		return err
	}
	defer n.close()
	if err := n.write(s); err != nil {
		return err
	}
	fmt.Printf("%s: %s, %d parameters\n", s.to, n.what, n.description.Parameters())
	return nil
}

func parse(flags *flag.FlagSet, args []string) (s settings, err error) {
	flags.StringVar(&s.from, "from", "", "")
	flags.StringVar(&s.to, "to", "", "")
	flags.StringVar(&s.format, "format", "folder", "")
	flags.StringVar(&s.dtype, "dtype", "fp32", "")
	flags.StringVar(&s.weights, "weights", "ema", "")
	flags.BoolVar(&s.overwrite, "overwrite", false, "")
	flags.StringVar(&s.foreign.tokenizer, "tokenizer", "gpt2", "")
	flags.IntVar(&s.foreign.length, "length", 1024, "")
	flags.IntVar(&s.foreign.heads, "heads", 0, "")
	flags.StringVar(&s.foreign.corpus, "corpus", "", "")
	if err := cli.Parse(flags, args); err != nil {
		return s, err
	}
	if err := cli.Require(flags, "from", "to"); err != nil {
		return s, err
	}
	if _, ok := groups[s.weights]; !ok {
		return s, cli.Usagef("-weights %q is not one of %s", s.weights, names(groups))
	}
	if _, ok := formats[s.format]; !ok {
		return s, cli.Usagef("-format %q is not one of %s", s.format, names(formats))
	}
	if _, ok := dtypes[s.dtype]; !ok {
		return s, cli.Usagef("-dtype %q is not one of %s", s.dtype, names(dtypes))
	}
	if s.foreign.length < 1 || s.foreign.heads < 0 {
		return s, cli.Usagef("-length %d must be at least 1 and -heads %d at least 0", s.foreign.length, s.foreign.heads)
	}
	return s, nil
}

func names[T any](known map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}
