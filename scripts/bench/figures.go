package main

import (
	"context"
	"fmt"
	"slices"

	"fsdfm/model"
)

// figure is one line of the table: a ratio and what it should reach.
type figure struct {
	name       string
	goal, must float64
	unit       string // of the ratio: x, or % for a share
	full       bool   // left out of a quick run, unless -only names it
	once       bool   // not for every class: about fsdfm alone
	measure    func(*bench) (result, error)
}

// result is what was measured in one class.
type result struct {
	Ours  string
	Ratio float64 // of the medians

	Theirs    string  // "" and nothing below: about fsdfm alone
	Fastest   float64 // ratio of the fastest repeats
	Repeats   int
	Setting   string // of PyTorch
	Agreement string
}

// bench is what the figures share.
type bench struct {
	ctx                        context.Context
	kernels, reference, python string
	quick                      bool
	dir                        string // of the exchanged weights
	quiet                      quiet

	class class // of a child
	lines []line
	about about // the PyTorch that answered
}

// line is a figure with its results, one for each class, or one alone.
type line struct {
	figure
	results []result
}

// problem is a network and the rows it is run on.
type problem struct {
	config model.Config
	batch  int
}

func small(vocab, length, batch int) problem {
	return problem{model.Config{
		VocabSize: vocab, Length: length, HiddenSize: 256, CondDim: 128, Blocks: 6, Heads: 4,
		StepConditioning: model.Additive,
	}, batch}
}

// large is the paper's smallest network.
func large() problem {
	return problem{model.Config{
		VocabSize: 50257, Length: 1024, HiddenSize: 768, CondDim: 128, Blocks: 12, Heads: 12,
		StepConditioning: model.Additive,
	}, 1}
}

func (p problem) student() problem {
	p.config = p.config.Student()
	return p
}

func (p problem) tokens() float64 { return float64(p.batch * p.config.Length) }

// figures are the project's, and a few more of the same kind.
var figures = []figure{
	{"sgemm, 8 shapes, 1 thread: share of FMA peak, geometric mean", 88, 80, "%", false, false, gemmShare(1)},
	{"sgemm, 8 shapes, 2 threads: share of FMA peak, geometric mean", 88, 80, "%", false, false, gemmShare(2)},
	{"attention forward, B 8, H 4, L 256, head 64", 3, 2, "x", false, false, attention(false)},
	{"attention backward, the same", 2, 1.5, "x", false, false, attention(true)},
	{"pretraining step, small, L 256, B 8, V 1,024", 2, 1.5, "x", false, false, speed("train", small(1024, 256, 8))},
	{"pretraining step, small, L 256, B 8, V 8,192", 2, 1.5, "x", false, false, speed("train", small(8192, 256, 8))},
	{"pretraining step, small, L 256, B 16, V 28", 2, 1.5, "x", true, false, speed("train", small(28, 256, 16))},
	{"pretraining step, large, L 1,024, B 1, V 50,257", 1.6, 1.2, "x", true, false, speed("train", large())},
	{"forward, small, L 256, B 8, V 8,192", 2, 1.5, "x", true, false, speed("forward", small(8192, 256, 8))},
	{"student forward, small, L 1,024, B 1, V 8,192", 2, 1.5, "x", false, false, speed("forward", small(8192, 1024, 1).student())},
	{"student forward, large, L 1,024, B 1, V 50,257", 2, 1.5, "x", true, false, speed("forward", large().student())},
	{"8-step sampler, small, L 1,024, B 1, V 8,192", 2, 1.5, "x", false, false, speed("sample", small(8192, 1024, 1).student())},
	{"distillation step against pretraining step, small, L 256, B 8, V 8,192, doubling budgets", 0.60, 0.55, "x", false, true, distillation(small(8192, 256, 8))},
	{"8 steps against 1,024, small, L 1,024, B 1, V 8,192", 122, 115, "x", true, true, manySteps(small(8192, 1024, 1).student())},
	{"pretraining step, small, V 1,024: share of FMA peak", 70, 60, "%", true, false, achieved(small(1024, 256, 8))},
	{"pretraining step, small, V 8,192: share of FMA peak", 70, 60, "%", false, false, achieved(small(8192, 256, 8))},
	{"pretraining step, large: share of FMA peak", 70, 60, "%", true, false, achieved(large())},
}

// speed compares one operation on both sides, in tokens a second.
func speed(op string, p problem) func(*bench) (result, error) {
	perSecond := func(seconds float64) string { return fmt.Sprintf("%.0f tokens/s", p.tokens()/seconds) }
	return func(b *bench) (result, error) {
		return b.versus(perSecond, func() (comparison, error) { return b.compare(op, p) })
	}
}

// versus makes a comparison with PyTorch in the class at hand.
func (b *bench) versus(format func(seconds float64) string, compare func() (comparison, error)) (result, error) {
	if b.quick {
		b.class.settings = b.class.settings[:1]
	}
	c, err := compare()
	if err != nil {
		return result{}, err
	}
	return result{
		Ours: format(c.ours.median()), Theirs: format(c.theirs.median()), Ratio: c.theirs.median() / c.ours.median(),
		Fastest: slices.Min(c.theirs) / slices.Min(c.ours), Repeats: min(len(c.ours), len(c.theirs)),
		Setting: c.setting.String(), Agreement: c.agreement,
	}, nil
}
