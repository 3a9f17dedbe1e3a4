// Command fsdfm-eval measures an exported model, or computes its logits for
// given inputs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"fsdfm/checkpoints"
	"fsdfm/cmd/internal/cli"
	"fsdfm/data"
	"fsdfm/eval"
	"fsdfm/ops"
	"fsdfm/sample"
)

const usage = `
Usage: fsdfm-eval -model DIR [flags]

Samples at every budget and scores the texts with an n-gram judge trained on
text that the model never saw; or, with -logits, computes the model's logits.

  -model DIR       folder of an exported model
  -steps LIST      budgets, such as 1,2,4,8 (default 1,2,4,8)
  -n N             texts a budget (default 64)
  -seed N          (default 1)
  -solver NAME     euler_cumulative, euler, ancestral or mixture_euler
                   (default: the one the model was trained with)
  -data DIR        a folder made by fsdfm-data, with the model's tokenizer, whose
                   judge and valid parts are used (default: the embedded text,
                   if the model was trained on it)
  -order N         order of the judge (default 5)
  -json FILE       also write the results there
  -threads N       cores to use (default: all)

  -logits IN       safetensors with x_t I64 [B,L], t F32 [B] and, for a
                   step-aware model, h F32 [B]
  -out OUT         safetensors to write: logits F32 [B,L,V]

Examples:
  fsdfm-eval -model runs/quickstart/export -steps 1,2,4,8 -n 64 -json eval.json
  fsdfm-eval -model models/mine -logits in.safetensors -out out.safetensors
`

func main() { cli.Main(cli.Command{Name: "fsdfm-eval", Usage: usage, Run: run}) }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	dir := flags.String("model", "", "")
	steps := flags.String("steps", "1,2,4,8", "")
	n := flags.Int("n", 64, "")
	seed := flags.Uint64("seed", 1, "")
	solver := flags.String("solver", "", "")
	folder := flags.String("data", "", "")
	order := flags.Int("order", 5, "")
	out := flags.String("json", "", "")
	threads := flags.Int("threads", 0, "")
	logitsIn := flags.String("logits", "", "")
	logitsOut := flags.String("out", "", "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := cli.Require(flags, "model"); err != nil {
		return err
	}
	if (*logitsIn == "") != (*logitsOut == "") {
		return cli.Usagef("-logits and -out go together")
	}
	budgets, err := parseBudgets(*steps)
	if err != nil {
		return err
	}
	if *n < 1 || *order < 1 || *order > 8 {
		return cli.Usagef("-n %d must be at least 1 and -order %d in 1..8", *n, *order)
	}
	if *threads < 0 {
		return cli.Usagef("-threads %d must not be negative", *threads)
	}
	ops.SetThreads(*threads)
	m, err := sample.Load(*dir)
	if err != nil {
		return err
	}
	if *logitsIn != "" {
		return writeLogits(m, *logitsIn, *logitsOut)
	}
	if *solver != "" {
		m.Description.Solver = *solver
	}
	g, err := m.Generator("")
	if err != nil {
		return err
	}
	g.Seed = *seed
	judge, held, err := judgeFor(m, *folder, *order, *n)
	if err != nil {
		return err
	}
	report, err := measure(ctx, m, g, judge, held, budgets)
	if err != nil {
		return err
	}
	return write(report, *out)
}

// write prints the table, and writes the report to a file if one is named.
func write(report eval.Report, file string) error {
	if err := eval.WriteTable(os.Stdout, report); err != nil || file == "" {
		return err
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(file, append(text, '\n'))
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

func measure(ctx context.Context, m *sample.Model, g *sample.Generator, judge *eval.NGram, held [][]int32, budgets []int) (eval.Report, error) {
	report, meter := eval.NewReport(judge, held, g.Length)
	name := eval.Teacher
	if m.Description.StepAware {
		name = eval.Student
	}
	progress := cli.NewProgress()
	defer progress.Finish()
	for _, b := range budgets {
		progress.Start(fmt.Sprintf("%d steps", b), b*((len(held)+g.Batch-1)/g.Batch))
		begun := time.Now()
		drawn, err := g.Draw(ctx, b, len(held), progress.Set)
		if err != nil {
			return report, err
		}
		r := meter.Measure(drawn)
		r.Model, r.Budget, r.Solver, r.Seconds = name, b, m.Description.Solver, time.Since(begun).Seconds()
		report.Results = append(report.Results, r)
	}
	return report, nil
}

// judgeFor trains the judge and picks n held-out rows.
func judgeFor(m *sample.Model, folder string, order, n int) (*eval.NGram, [][]int32, error) {
	judge, held, err := heldOut(m, folder)
	if err != nil {
		return nil, nil, err
	}
	rows, err := held.Spread(n)
	if err != nil {
		return nil, nil, err
	}
	model, err := eval.TrainNGram([][]int32{judge.Tokens()}, order, m.Description.VocabSize)
	return model, rows, err
}

// heldOut are the judge's and the validation rows: of a folder of shards, or of
// the embedded text as the model's run split it.
func heldOut(m *sample.Model, folder string) (judge, valid *data.Rows, err error) {
	d := m.Description
	if folder == "" {
		if d.Corpus != "austen" {
			return nil, nil, fmt.Errorf("the model was trained on corpus %q: name its token shards with -data DIR, for a judge that knows such text", d.Corpus)
		}
		text, err := data.Austen()
		if err != nil {
			return nil, nil, err
		}
		return data.HeldOut(data.Documents(text), m.Tokenizer, d.Length, d.ValidShare, d.JudgeShare)
	}
	set, err := data.OpenDataset(folder)
	if err != nil {
		return nil, nil, err
	}
	if !data.SameTokenizer(set.Tokenizer(), m.Tokenizer) {
		return nil, nil, fmt.Errorf("%s was made with another tokenizer than the model's: use the folder the model was trained on", folder)
	}
	if judge, err = set.Split("judge"); err != nil {
		return nil, nil, err
	}
	valid, err = set.Split("valid")
	return judge, valid, err
}
