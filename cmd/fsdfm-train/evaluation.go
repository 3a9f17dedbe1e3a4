package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/cmd/internal/evaluation"
	"fsdfm/data"
	"fsdfm/eval"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/sample"
)

// evaluate samples student and teacher at every budget and scores both with
// judges trained on text that the generator never saw.
func (p *pipeline) evaluate(ctx context.Context) error {
	models, err := p.contestants()
	if err != nil {
		return err
	}
	e, err := p.evaluation()
	if err != nil {
		return err
	}
	report, err := e.Run(ctx, models)
	if err != nil {
		return fmt.Errorf("evaluate: %w", interrupted(ctx, err))
	}
	text, err := p.config.Marshal()
	if err != nil {
		return err
	}
	report.Title, report.Config, report.Commands = p.config.Run, string(text), []string{evaluation.CommandLine()}
	if report.Curves, err = evaluation.Curves(p.path("metrics.jsonl")); err != nil {
		return err
	}
	return p.writeReport(report)
}

// contestants are the student at every budget, and the teacher at those and at
// its full one.
func (p *pipeline) contestants() ([]evaluation.Model, error) {
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
	few := sorted(c.Steps)
	most := few[max(0, len(few)-1):] // the largest, if there is one
	return []evaluation.Model{
		p.contestant(eval.Student, student, few, most),
		p.contestant(eval.Teacher, teacher, sorted(few, c.TeacherSteps), sorted(most, c.TeacherSteps)),
	}, nil
}

// sorted are the distinct budgets of both.
func sorted(budgets []int, more ...int) []int {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(budgets, more))))
}

func (p *pipeline) contestant(name string, w *model.Weights, budgets, frontier []int) evaluation.Model {
	return evaluation.Model{
		Name: name, Solver: p.config.Flow.Solver, Scheduler: p.scheduler,
		Weights: w, Generator: p.generator(w), Budgets: budgets, Frontier: frontier,
	}
}

func (p *pipeline) generator(w *model.Weights) *sample.Generator {
	return &sample.Generator{
		Sampler: flow.Sampler{Denoiser: model.NewDenoiser(w), Solver: p.solver, Source: p.source, Stepper: model.NewStepper()},
		Length:  p.network.Length, Batch: p.config.Evaluate.Batch, Seed: p.seed(evaluateSeed),
		Spacing: p.spacing, Temperature: p.describe(w.Config).Temperature,
	}
}

// evaluation opens the text and the judges.
func (p *pipeline) evaluation() (evaluation.Evaluation, error) {
	c := p.config.Evaluate
	e := evaluation.Evaluation{
		Tokenizer: p.dataset.Tokenizer(), Vocab: p.network.VocabSize, Order: c.JudgeOrder, Rows: c.Rows,
		Seed: p.seed(evaluateSeed), Seeds: c.Seeds, Temperatures: c.Temperatures, Samples: c.Samples, Progress: p.progress,
	}
	for _, part := range []struct {
		split string
		rows  **data.Rows
	}{{"train", &e.Train}, {"valid", &e.Valid}, {"judge", &e.Judge}} {
		var err error
		if *part.rows, err = p.rows(part.split); err != nil {
			return e, err
		}
	}
	if c.Judge == "" {
		return e, nil
	}
	var err error
	e.Transformer, e.TransformerName, err = evaluation.LoadJudge(c.Judge, p.describe(p.network))
	return e, err
}

func (p *pipeline) writeReport(report eval.Report) error {
	if err := evaluation.Write(p.path("evaluate"), report); err != nil {
		return err
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
	p.writeSamples(&text, report.Samples)
	for name, content := range map[string]string{
		"table.txt": table.String(), "table.md": markdown.String(), "samples.txt": text.String(), "quality.svg": picture.String(),
	} {
		if err := checkpoints.WriteFileAtomic(p.path("evaluate", name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// writeSamples prints the student's samples at its largest budget, then what
// the teacher writes with its full budget.
func (p *pipeline) writeSamples(w *strings.Builder, samples []eval.Samples) {
	c := p.config.Evaluate
	full := map[string]int{eval.Teacher: c.TeacherSteps, eval.Student: slices.Max(append([]int{0}, c.Steps...))}
	for _, s := range samples {
		if s.Model == "" || s.Budget != full[s.Model] {
			continue
		}
		for i, text := range s.Texts {
			fmt.Fprintf(w, "--- %s %d steps, sample %d\n%s\n", s.Model, s.Budget, i+1, text)
		}
	}
}

// show prints the table and the samples of a complete run, and what to do with
// its export.
func (p *pipeline) show() error {
	use := "judge with it: fsdfm-eval -model MODEL -judge %[1]s"
	if !p.isJudge() {
		use = "sample from it: fsdfm-sample -model %[1]s -steps 8"
		for _, name := range []string{"table.txt", "samples.txt"} {
			text, err := os.ReadFile(p.path("evaluate", name))
			if err != nil {
				return nil // not evaluated yet
			}
			fmt.Printf("\n%s", text)
		}
	}
	if exists(p.path("export")) {
		fmt.Printf("\nexported: %s\n"+use+"\n", p.path("export"))
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
