package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fsdfm/checkpoints"
	"fsdfm/eval"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/sample"
)

// contestant is one set of weights and the budgets it is measured at.
type contestant struct {
	name    string
	weights *model.Weights
	budgets []int
}

// evaluate samples student and teacher at every budget and scores both with an
// n-gram judge trained on text that the generator never saw.
func (p *pipeline) evaluate(ctx context.Context) error {
	contestants, err := p.contestants()
	if err != nil {
		return err
	}
	judge, held, err := p.judge()
	if err != nil {
		return err
	}
	report, meter := eval.NewReport(judge, held, p.network.Length)
	calls := 0
	for _, c := range contestants {
		for _, b := range c.budgets {
			calls += b * p.batches()
		}
	}
	p.progress.Start("evaluate", calls)
	done, samples := 0, map[string][]int32{}
	for _, c := range contestants {
		generator := p.generator(c.weights)
		for _, budget := range c.budgets {
			begun := time.Now()
			drawn, err := generator.Draw(ctx, budget, p.config.Evaluate.Rows, func(n int) { p.progress.Set(done + n) })
			if err != nil {
				return fmt.Errorf("evaluate: %w", interrupted(ctx, err))
			}
			done += budget * p.batches()
			r := meter.Measure(drawn)
			r.Model, r.Budget, r.Solver, r.Seconds = c.name, budget, p.config.Flow.Solver, time.Since(begun).Seconds()
			report.Results = append(report.Results, r)
			samples[fmt.Sprintf("%s %d", c.name, budget)] = slices.Concat(drawn[:min(len(drawn), p.config.Evaluate.Samples)]...)
		}
	}
	return p.writeReport(report, samples)
}

func (p *pipeline) contestants() ([]contestant, error) {
	c := p.config.Evaluate
	group := map[string]string{"ema": "ema", "raw": "weights"}[c.Weights]
	teacher, err := p.newest("pretrain", group, p.network)
	if err != nil {
		return nil, err
	}
	student, err := p.newest("distill", group, p.network.Student())
	if err != nil {
		return nil, err
	}
	full := append(slices.Clone(c.Steps), c.TeacherSteps)
	slices.Sort(full)
	return []contestant{{eval.Student, student, slices.Compact(slices.Sorted(slices.Values(c.Steps)))}, {eval.Teacher, teacher, slices.Compact(full)}}, nil
}

func (p *pipeline) batches() int {
	c := p.config.Evaluate
	return (c.Rows + c.Batch - 1) / c.Batch
}

func (p *pipeline) generator(w *model.Weights) *sample.Generator {
	return &sample.Generator{
		Sampler: flow.Sampler{Denoiser: model.NewDenoiser(w), Solver: p.solver, Source: p.source, Stepper: model.NewStepper()},
		Length:  p.network.Length, Batch: p.config.Evaluate.Batch, Seed: p.seed(evaluateSeed),
	}
}

// judge is trained on the judge's part; held are as many held-out rows as a
// budget has samples, to be scored beside them.
func (p *pipeline) judge() (judge *eval.NGram, held [][]int32, err error) {
	rows, err := p.rows("judge")
	if err != nil {
		return nil, nil, err
	}
	if judge, err = eval.TrainNGram([][]int32{rows.Tokens()}, p.config.Evaluate.JudgeOrder, p.network.VocabSize); err != nil {
		return nil, nil, err
	}
	valid, err := p.rows("valid")
	if err != nil {
		return nil, nil, err
	}
	held, err = valid.Spread(p.config.Evaluate.Rows)
	return judge, held, err
}

func (p *pipeline) writeReport(report eval.Report, samples map[string][]int32) error {
	if err := os.MkdirAll(p.path("evaluate"), 0o755); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	asJSON, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	var table, markdown, text, picture strings.Builder
	if err := eval.WriteTable(&table, report); err != nil {
		return err
	}
	if err := eval.WriteMarkdown(&markdown, report); err != nil {
		return err
	}
	if err := eval.WriteSVG(&picture, report); err != nil {
		return err
	}
	p.writeSamples(&text, samples)
	for name, content := range map[string]string{
		"report.json": string(asJSON), "table.txt": table.String(), "table.md": markdown.String(), "samples.txt": text.String(),
		"quality.svg": picture.String(),
	} {
		if err := checkpoints.WriteFileAtomic(p.path("evaluate", name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// writeSamples prints the student's samples at its largest budget, then what
// the teacher writes with its full budget.
func (p *pipeline) writeSamples(w *strings.Builder, samples map[string][]int32) {
	c := p.config.Evaluate
	names := []string{fmt.Sprint(eval.Teacher, " ", c.TeacherSteps)}
	if len(c.Steps) > 0 {
		names = slices.Insert(names, 0, fmt.Sprint(eval.Student, " ", slices.Max(c.Steps)))
	}
	for _, name := range names {
		for i, row := range slices.Collect(slices.Chunk(samples[name], p.network.Length)) {
			fmt.Fprintf(w, "--- %s steps, sample %d\n%s\n", name, i+1, p.dataset.Tokenizer().Decode(row))
		}
	}
}

// show prints the table and the samples of a complete run.
func (p *pipeline) show() error {
	for _, name := range []string{"table.txt", "samples.txt"} {
		text, err := os.ReadFile(p.path("evaluate", name))
		if err != nil {
			return nil // not evaluated yet
		}
		fmt.Printf("\n%s", text)
	}
	if exists(p.path("export")) {
		fmt.Printf("\nexported: %s\nsample from it: fsdfm-sample -model %[1]s -steps 8\n", p.path("export"))
	}
	return nil
}

// export writes the student for inference.
func (p *pipeline) export(context.Context) error {
	group := map[string]string{"ema": "ema", "student": "weights"}[p.config.Export.Weights]
	w, err := p.newest("distill", group, p.network.Student())
	if err != nil {
		return err
	}
	m := sample.Model{Description: p.describe(w.Config), Weights: w, Tokenizer: p.dataset.Tokenizer()}
	table, err := os.ReadFile(p.path("evaluate", "table.md"))
	if err != nil {
		return fmt.Errorf("export: reading the evaluation for the model card: %w", err)
	}
	text, err := p.config.Marshal()
	if err != nil {
		return err
	}
	return m.Export(p.path("export"), sample.Card(m.Description, string(table), string(text)), true)
}
