// Command fsdfm-eval measures an exported model, or computes its logits for
// given inputs.
package main

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"

	"fsdfm/cmd/internal/cli"
	"fsdfm/cmd/internal/evaluation"
	"fsdfm/eval"
	"fsdfm/flow"
	"fsdfm/ops"
	"fsdfm/sample"
)

const usage = `
Usage: fsdfm-eval -model DIR [flags]

Samples at every budget and scores the texts with an n-gram judge, and with a
transformer judge if there is one, both trained on text that the model never
saw; or, with -logits, computes the model's logits.

  -model DIR       folder of an exported model
  -teacher DIR     folder of the pretrained model to compare it with
  -steps LIST      budgets, such as 1,2,4,8 (default 1,2,4,8)
  -teacher-steps N one more budget, of the teacher (default 1024)
  -n N             texts a budget and seed (default 64)
  -seed N          the first seed (default 1)
  -seeds N         how many; the table has mean and deviation (default 3)
  -temperatures LIST
                   temperatures at which the largest budgets are sampled too, for
                   the frontier of perplexity and entropy (default 0.8,0.9,1.1;
                   '' for none)
  -solver NAME     euler_cumulative, euler, ancestral or mixture_euler
                   (default: the one the model was trained with)
  -spacing X       of the steps' times 1-(1-k/N)^X, 1: even (default: the one the
                   model was trained with)
  -candidates N    jumps tried at every step, of which the most coherent is taken,
                   each for one evaluation more, as rollouts do (default 1)
  -rarity X        what rare tokens count for in coherence, see rollout.rarity in
                   a run file (default 0)
  -data DIR        a folder made by fsdfm-data, with the model's tokenizer, whose
                   train, judge and valid parts are used (default: the embedded
                   text, if the model was trained on it)
  -order N         order of the n-gram judge (default 5)
  -judge DIR       folder of a judge that configs/judge.yaml trained; it may have
                   another tokenizer
  -samples N       texts a budget in the report (default 3)
  -metrics FILE    a run's metrics.jsonl, for its training curves in the report
  -report DIR      write report.html and report.json there
  -json FILE       write report.json to this file
  -threads N       cores to use (default: all)

  -logits IN       safetensors with x_t I64 [B,L], t F32 [B] and, for a
                   step-aware model, h F32 [B]
  -out OUT         safetensors to write: logits F32 [B,L,V]

Examples:
  fsdfm-eval -model runs/quickstart/export -steps 1,2,4,8 -n 64 -report out
  fsdfm-eval -model runs/quickstart/export -judge runs/judge/export
  fsdfm-eval -model models/mine -logits in.safetensors -out out.safetensors
`

func main() { cli.Main(cli.Command{Name: "fsdfm-eval", Usage: usage, Run: run}) }

// options are the flags.
type options struct {
	model, teacher, steps, temperatures, solver, data, judge, metrics, report, json, logits, out string
	teacherSteps, n, seeds, order, samples, threads, candidates                                  int
	seed                                                                                         uint64
	spacing, rarity                                                                              float64
}

func parse(flags *flag.FlagSet, args []string) (options, error) {
	var o options
	for name, text := range map[string]*string{
		"model": &o.model, "teacher": &o.teacher, "solver": &o.solver, "data": &o.data, "judge": &o.judge,
		"metrics": &o.metrics, "report": &o.report, "json": &o.json, "logits": &o.logits, "out": &o.out,
	} {
		flags.StringVar(text, name, "", "")
	}
	flags.StringVar(&o.steps, "steps", "1,2,4,8", "")
	flags.StringVar(&o.temperatures, "temperatures", "0.8,0.9,1.1", "")
	flags.IntVar(&o.teacherSteps, "teacher-steps", 1024, "")
	flags.IntVar(&o.n, "n", 64, "")
	flags.IntVar(&o.seeds, "seeds", 3, "")
	flags.IntVar(&o.order, "order", 5, "")
	flags.IntVar(&o.samples, "samples", 3, "")
	flags.IntVar(&o.threads, "threads", 0, "")
	flags.Float64Var(&o.spacing, "spacing", 0, "")
	flags.IntVar(&o.candidates, "candidates", 1, "")
	flags.Float64Var(&o.rarity, "rarity", 0, "")
	flags.Uint64Var(&o.seed, "seed", 1, "")
	if err := cli.Parse(flags, args); err != nil {
		return o, err
	}
	return o, o.check(flags)
}

func (o options) check(flags *flag.FlagSet) error {
	if err := cli.Require(flags, "model"); err != nil {
		return err
	}
	switch {
	case (o.logits == "") != (o.out == ""):
		return cli.Usagef("-logits and -out go together")
	case o.n < 1 || o.order < 1 || o.order > eval.MaxOrder:
		return cli.Usagef("-n %d must be at least 1 and -order %d in 1..%d", o.n, o.order, eval.MaxOrder)
	case o.seeds < 1 || o.teacherSteps < 1:
		return cli.Usagef("-seeds %d and -teacher-steps %d must be at least 1", o.seeds, o.teacherSteps)
	case !(o.spacing >= 0):
		return cli.Usagef("-spacing %v: must be above 0; 1 for even steps", o.spacing)
	case o.candidates < 1 || !(o.rarity >= 0 && o.rarity <= 10):
		return cli.Usagef("-candidates %d must be at least 1 and -rarity %v in 0..10, of use up to 1", o.candidates, o.rarity)
	case o.rarity > 0 && o.candidates < 2:
		return cli.Usagef("-rarity %v without -candidates: there is nothing to choose among", o.rarity)
	case o.samples < 0 || o.threads < 0:
		return cli.Usagef("-samples %d and -threads %d must not be negative", o.samples, o.threads)
	}
	return nil
}

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	o, err := parse(flags, args)
	if err != nil {
		return err
	}
	budgets, err := parseBudgets(o.steps)
	if err != nil {
		return err
	}
	temperatures, err := parseTemperatures(o.temperatures)
	if err != nil {
		return err
	}
	ops.SetThreads(o.threads)
	m, err := sample.Load(o.model)
	if err != nil {
		return err
	}
	if o.logits != "" {
		return writeLogits(m, o.logits, o.out)
	}
	e, err := text(m, o.data)
	if err != nil {
		return err
	}
	var commonness []float32
	if o.rarity > 0 {
		commonness = flow.Commonness(e.Train.Unigrams(m.Description.Rows()), o.rarity)
	}
	models, err := contestants(m, o, budgets, commonness)
	if err != nil {
		return err
	}
	if o.judge != "" {
		if e.Transformer, e.TransformerName, err = evaluation.LoadJudge(o.judge, m.Description); err != nil {
			return err
		}
	}
	e.Order, e.Rows, e.Seed, e.Seeds, e.Temperatures, e.Samples = o.order, o.n, o.seed, o.seeds, temperatures, o.samples
	e.Progress = cli.NewProgress()
	report, err := e.Run(ctx, models)
	e.Progress.Finish()
	if err != nil {
		return err
	}
	report.Title, report.Commands = o.model, []string{evaluation.CommandLine()}
	return write(report, o)
}

// write prints the table, and writes the report where it is asked for.
func write(report eval.Report, o options) (err error) {
	if o.metrics != "" {
		if report.Curves, err = evaluation.Curves(o.metrics); err != nil {
			return err
		}
	}
	if err := eval.WriteTable(os.Stdout, report); err != nil {
		return err
	}
	if o.json != "" {
		if err := evaluation.WriteJSON(o.json, report); err != nil {
			return err
		}
	}
	if o.report != "" {
		return evaluation.Write(o.report, report)
	}
	return nil
}

func parseBudgets(list string) ([]int, error) {
	var budgets []int
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, cli.Usagef("-steps %s: %q is not a number of steps, at least 1", list, word)
		}
		budgets = append(budgets, n)
	}
	return budgets, nil
}

func parseTemperatures(list string) ([]float64, error) {
	if list == "" {
		return nil, nil
	}
	var temperatures []float64
	for _, word := range strings.Split(list, ",") {
		t, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || !(t > 0 && t <= 100) {
			return nil, cli.Usagef("-temperatures %s: %q is not a temperature, above 0 and at most 100", list, word)
		}
		temperatures = append(temperatures, t)
	}
	return temperatures, nil
}
