// Command fsdfm-sample writes text with an exported model.
package main

import (
	"context"
	"flag"
	"fmt"

	"fsdfm/cmd/internal/cli"
	"fsdfm/ops"
)

const usage = `
Usage: fsdfm-sample -model DIR [flags]

What to write:
  -model DIR        folder of an exported model
  -n N              number of texts (default 4; with -show 1; with -prompts the
                    number for each prompt, default 1)
  -seed N           text i of a seed is always the same (default 1)
  -length N         tokens a text (default: as trained)
  -prompt TEXT      every text starts with this
  -suffix TEXT      every text ends with this
  -infill TEXT      the whole text, with gaps: [MASK:20] is 20 tokens to write,
                    [MASK] as many as remain
  -prompts FILE     a prompt a line; FILE.jsonl: a line is an object of "prompt"
                    and "suffix", or of "infill"; -: standard input

How to draw:
  -steps LIST       model evaluations for a text (default 8); of a list like
                    1,2,4,8 the texts stand side by side
  -grid LIST        instead of equal steps, the times between them, as in
                    0,0.1,0.4,1: the model is told the size of each. As always,
                    the last step is no jump: it draws every position from the
                    posterior (mask source: every one still masked)
  -solver NAME      euler_cumulative, euler, ancestral or mixture_euler
                    (default: the one the model was trained with)
  -spacing X        of the steps' times 1-(1-k/N)^X, 1: even (default: the one the
                    model was trained with)
  -temperature X    of the posterior (default: the one of the model)
  -top-k N          only the N likeliest tokens of the posterior (default: all)
  -top-p X          only the likeliest tokens of the posterior that together
                    have a probability of X (default 1: all)
  -bf16             keep the weights in bfloat16: half the memory, rounded
  -threads N        cores to use (default: all)

How to show it:
  -json             one JSON object a line: text, tokens, sample, steps and, where
                    they say something, model, line, given
  -show             play the text step by step, in place on a terminal, else a
                    line for each step
  -html FILE        write a page that plays the texts in a browser
  -teacher DIR      a second model, which draws the same texts to compare with
  -teacher-steps N  its model evaluations for a text (default 256)

Examples:
  fsdfm-sample -model runs/quickstart/export -steps 8 -n 4 -seed 1
  fsdfm-sample -model runs/quickstart/export -prompt 'It is a truth' -json
  fsdfm-sample -model runs/quickstart/export -infill 'She [MASK:20] sat[MASK]'
  fsdfm-sample -model runs/quickstart/export -n 1 -steps 1,2,4,8
  fsdfm-sample -model runs/quickstart/export -show
  fsdfm-sample -model runs/quickstart/export -teacher models/teacher -html watch.html
`

func main() { cli.Main(cli.Command{Name: "fsdfm-sample", Usage: usage, Run: run}) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	s, err := parse(flags, args)
	if err != nil {
		return err
	}
	prompts, err := s.prompts()
	if err != nil {
		return err
	}
	ops.SetThreads(s.threads)
	players, err := s.players(prompts)
	if err != nil {
		return err
	}
	w, err := s.watcher(ctx, players)
	if err != nil {
		return err
	}
	if err := draw(ctx, players, s.n*len(prompts), s.printer(len(players), s.n*len(prompts)), w); err != nil {
		return err
	}
	return w.finish()
}

// draw writes the texts, some at a time, each with all players.
func draw(ctx context.Context, players []*player, total int, out printer, w *watcher) error {
	batch := total
	if w != nil {
		batch = 1 // a recording has a clock of its own
	}
	for _, p := range players {
		batch = min(batch, p.generator.Batch)
	}
	for first := 0; first < total; first += batch {
		texts := make([][]text, min(batch, total-first)) // of each sample, by player
		for _, p := range players {
			drawn, err := p.draw(ctx, first, len(texts), w.observer(p, first))
			if err != nil {
				return err
			}
			for i, t := range drawn {
				texts[i] = append(texts[i], t)
			}
		}
		for _, t := range texts {
			if err := out.print(t); err != nil {
				return fmt.Errorf("writing the texts: %w", err)
			}
		}
	}
	return nil
}
