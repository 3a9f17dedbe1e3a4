// Package evaluation is what fsdfm-train and fsdfm-eval share: it puts trained
// networks, held-out text and judges together for package eval.
package evaluation

import (
	"context"
	"fmt"
	"slices"

	"fsdfm/cmd/internal/cli"
	"fsdfm/data"
	"fsdfm/eval"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/sample"
)

// Evaluation is how models are measured.
type Evaluation struct {
	Train, Valid, Judge *data.Rows // of the models' tokenizer; Train may be nil: no novelty
	Tokenizer           Words
	Vocab               int // of that tokenizer
	Order               int // of the n-gram judge
	Transformer         *eval.Transformer
	TransformerName     string // in a few words
	Rows                int    // samples a budget and seed, and held-out rows
	Seed                uint64 // the first of Seeds
	Seeds               int
	Temperatures        []float64
	Samples             int // texts kept a budget
	Progress            *cli.Progress
}

// Words turns token rows into text.
type Words interface{ Decode(ids []int32) string }

// Model is a network to be measured.
type Model struct {
	Name      string // eval.Student or eval.Teacher
	Solver    string // as package flow names it
	Scheduler flow.Scheduler
	Weights   *model.Weights
	Generator *sample.Generator
	Budgets   []int
	Frontier  []int // those that are sampled at all temperatures
}

// Run measures the models, held-out text beside them.
func (e Evaluation) Run(ctx context.Context, models []Model) (eval.Report, error) {
	held, err := e.Valid.Spread(e.Rows)
	if err != nil {
		return eval.Report{}, err
	}
	meter, err := e.meter()
	if err != nil {
		return eval.Report{}, err
	}
	report, err := meter.NewReport(ctx, held)
	if err != nil {
		return report, err
	}
	report.Judge = fmt.Sprintf("a %d-gram of text the generator never saw", e.Order)
	report.Transformer = e.TransformerName
	if err := e.bounds(ctx, &report, models, held); err != nil {
		return report, err
	}
	contest := eval.Contest{Meter: meter, Rows: e.Rows, Temperatures: e.Temperatures, Samples: e.Samples, Progress: e.progress()}
	for i := range e.Seeds {
		contest.Seeds = append(contest.Seeds, e.Seed+uint64(i)<<32)
	}
	for _, m := range models {
		contest.Models = append(contest.Models, m.contestant())
	}
	if err := contest.Run(ctx, &report); err != nil {
		return report, err
	}
	e.addHeldOut(&report, held)
	return report, nil
}

func (e Evaluation) meter() (eval.Meter, error) {
	judge, err := eval.TrainNGram([][]int32{e.Judge.Tokens()}, e.Order, e.Vocab)
	if err != nil {
		return eval.Meter{}, err
	}
	var train []int32
	if e.Train != nil {
		train = e.Train.Tokens()
	}
	meter := eval.NewMeter(judge, e.Tokenizer.Decode, train, e.Judge.Tokens())
	if e.Transformer != nil {
		meter.Transformer = e.Transformer
	}
	return meter, nil
}

// progress shows a bar that begins with the first model evaluation.
func (e Evaluation) progress() func(done, total int) {
	begun := false
	return func(done, total int) {
		if !begun {
			e.Progress.Start("evaluate", total)
			begun = true
		}
		e.Progress.Set(done)
	}
}

// addHeldOut puts real texts beside the samples.
func (e Evaluation) addHeldOut(report *eval.Report, held [][]int32) {
	real := eval.Samples{}
	for _, row := range held[:min(len(held), e.Samples)] {
		real.Texts = append(real.Texts, e.Tokenizer.Decode(row))
	}
	if real.Texts != nil {
		report.Samples = append(report.Samples, real)
	}
}

// contestant is the model for package eval.
func (m Model) contestant() eval.Contestant {
	return eval.Contestant{
		Model: m.Name, Solver: m.Solver, Budgets: m.Budgets, Frontier: m.Frontier, Batch: m.Generator.Batch, Temperature: m.Generator.Temperature,
		Draw: func(ctx context.Context, d eval.Draw) ([][]int32, error) {
			m.Generator.Seed, m.Generator.Temperature = d.Seed, d.Temperature
			return m.Generator.Draw(ctx, d.Budget, d.Rows, d.Progress)
		},
	}
}

// boundPoints are the values of kappa at which a model's likelihood bound is
// estimated for each row.
const boundPoints = 32

// bounds adds the likelihood bound of the pretrained models.
func (e Evaluation) bounds(ctx context.Context, report *eval.Report, models []Model, held [][]int32) error {
	x1 := flow.Tokens{Batch: len(held), Length: len(held[0]), IDs: slices.Concat(held...)}
	text := ""
	for _, row := range held {
		text += e.Tokenizer.Decode(row)
	}
	for _, m := range models {
		if m.Weights.Config.StepAware {
			continue // it is trained on data at its smallest step only
		}
		bound, err := eval.ELBO{
			Denoiser: model.NewDenoiser(m.Weights), Source: m.Generator.Sampler.Source, Scheduler: m.Scheduler,
			Points: boundPoints, Batch: m.Generator.Batch, Seed: e.Seed,
		}.Run(ctx, x1)
		if err != nil {
			return err
		}
		if report.ELBO == nil {
			report.ELBO = map[string]eval.Score{}
		}
		report.ELBO[m.Name] = bound.Score(len(x1.IDs), text)
	}
	return nil
}
