package main

import (
	"fmt"
	"slices"

	"fsdfm/cmd/internal/evaluation"
	"fsdfm/data"
	"fsdfm/data/tokenizer"
	"fsdfm/eval"
	"fsdfm/flow"
	"fsdfm/sample"
)

// contestants are the model and, if it is named, its teacher. commonness, or nil,
// bears on the choice among candidates.
func contestants(m *sample.Model, o options, budgets []int, commonness []float32) ([]evaluation.Model, error) {
	budgets = sorted(budgets)
	model, err := contestant(m, o, budgets, budgets[len(budgets)-1:], commonness)
	if err != nil || o.teacher == "" {
		return []evaluation.Model{model}, err
	}
	t, err := sample.Load(o.teacher)
	if err != nil {
		return nil, err
	}
	if t.Description.StepAware {
		return nil, fmt.Errorf("%s is a student, not a pretrained model: export one with fsdfm-export -weights pretrained", o.teacher)
	}
	if !tokenizer.Same(t.Tokenizer, m.Tokenizer) || t.Description.Length != m.Description.Length {
		return nil, fmt.Errorf("%s has another tokenizer or length than %s: compare models of one run", o.teacher, o.model)
	}
	teacher, err := contestant(t, o, sorted(budgets, o.teacherSteps), sorted(budgets[len(budgets)-1:], o.teacherSteps), commonness)
	return []evaluation.Model{model, teacher}, err
}

// sorted are the distinct budgets of both.
func sorted(budgets []int, more ...int) []int {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(budgets, more))))
}

func contestant(m *sample.Model, o options, budgets, frontier []int, commonness []float32) (evaluation.Model, error) {
	g, err := m.Generator(o.solver)
	if err != nil {
		return evaluation.Model{}, err
	}
	c := evaluation.Model{
		Name: eval.Teacher, Solver: m.Description.Solver, Scheduler: flow.Polynomial{N: m.Description.Scheduler},
		Weights: m.Weights, Generator: g, Budgets: budgets, Frontier: frontier,
	}
	if o.solver != "" {
		c.Solver = o.solver
	}
	if o.spacing > 0 {
		g.Spacing = flow.Spacing(o.spacing)
	}
	if o.candidates > 1 {
		g.Sampler.Candidates, g.Sampler.Commonness = o.candidates, commonness
		c.Solver += fmt.Sprintf(", best of %d jumps", o.candidates)
	}
	if o.rarity > 0 {
		c.Solver += fmt.Sprintf(" by rarity %v", o.rarity)
	}
	if m.Description.StepAware {
		c.Name = eval.Student
	}
	return c, nil
}

// text opens the rows that the model learned from, those for judges and the
// held-out ones: of a folder of shards, or of the embedded text as the model's
// run split it.
func text(m *sample.Model, folder string) (evaluation.Evaluation, error) {
	d := m.Description
	e := evaluation.Evaluation{Tokenizer: m.Tokenizer, Vocab: d.VocabSize}
	if folder == "" {
		if d.Corpus != "austen" {
			return e, fmt.Errorf("the model was trained on corpus %q: name its token shards with -data DIR, for a judge that knows such text", d.Corpus)
		}
		text, err := data.Austen()
		if err != nil {
			return e, err
		}
		e.Train, e.Valid, e.Judge, err = data.PackCorpus(data.Documents(text), m.Tokenizer, d.Length, d.ValidShare, d.JudgeShare)
		return e, err
	}
	set, err := data.OpenDataset(folder)
	if err != nil {
		return e, err
	}
	if !tokenizer.Same(set.Tokenizer(), m.Tokenizer) {
		return e, fmt.Errorf("%s was made with another tokenizer than the model's: use the folder the model was trained on", folder)
	}
	for _, part := range []struct {
		split string
		rows  **data.Rows
	}{{"train", &e.Train}, {"valid", &e.Valid}, {"judge", &e.Judge}} {
		if *part.rows, err = set.Split(part.split); err != nil {
			return e, err
		}
	}
	return e, nil
}
