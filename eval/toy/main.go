// Command toy measures what distillation gains where the truth is known: on
// rows of a Markov chain, against a model that was pretrained for the same total
// compute, and against the exact posterior. The second case is small enough to
// enumerate, so that the distribution that a sampler draws from is computed and
// not estimated.
//
// Letters: V tokens, L positions, R ids of a source (V, or V+1 with a mask).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"fsdfm/ops"
)

const usage = `Usage: go run ./eval/toy [flags]

Prints Markdown tables of few-step quality on Markov chains, mean and standard
deviation over seeds:

  valid           share of valid transitions at 1, 2, 4, 8 and 16 steps; 8 tokens,
                  length 16: the student, an undistilled model of the same total
                  compute, the student's own pretrained network, the exact
                  posterior
  exact           total variation to the true joint; 3 tokens, length 4, all rows
                  enumerated: the same models, computed and sampled
  valid-variants  the same figures of students distilled in different ways, all
  exact-variants  for the same compute

  -tables NAMES   which of them, comma-separated (default: valid,exact)
  -sources NAMES  uniform, mask or both (default: uniform,mask)
  -seeds N        (default: 4)
  -rows N         samples a budget (default: 2000)
  -share X        of all compute, for the distillation (default: 0.25)
  -only TEXT      variants whose name contains the text

A seed of one source takes a minute for a table, ten for one of variants.

Examples:
  go run ./eval/toy
  go run ./eval/toy -tables valid-variants -sources uniform -seeds 2 -only ema
`

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	tables := flag.String("tables", "valid,exact", "")
	sources := flag.String("sources", "uniform,mask", "")
	r := report{out: os.Stdout, log: os.Stderr}
	flag.IntVar(&r.seeds, "seeds", 4, "")
	flag.IntVar(&r.rows, "rows", 2000, "")
	flag.Float64Var(&r.share, "share", 0.25, "")
	flag.StringVar(&r.only, "only", "", "")
	flag.Parse()
	ops.SetThreads(1) // networks this small gain nothing from more
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, table := range strings.Split(*tables, ",") {
		for _, source := range strings.Split(*sources, ",") {
			if err := r.print(ctx, table, source); err != nil {
				fmt.Fprintln(os.Stderr, "toy:", err)
				os.Exit(1)
			}
		}
	}
}
