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
	full       bool   // left out of a quick run
	measure    func(*bench) (result, error)
}

// result is what was measured.
type result struct {
	ours    string
	ratio   float64
	pytorch []versus // one for each class of settings; none: about fsdfm alone
}

// versus is one alternation against PyTorch.
type versus struct {
	theirs    string
	ratio     float64 // of the medians
	fastest   float64 // ratio of the fastest repeats
	repeats   int
	setting   setting
	agreement string
}

// bench is what the figures share.
type bench struct {
	ctx                        context.Context
	kernels, reference, python string
	quick                      bool
	dir                        string // of the exchanged weights
	quiet                      quiet

	lines []line
	about about               // the PyTorch that answered
	sgemm map[int]gemmFigures // by threads
}

type line struct {
	figure
	result
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
	{"sgemm, 8 shapes, 1 thread: share of FMA peak, geometric mean", 88, 80, "%", false, gemmShare(1)},
	{"sgemm, 8 shapes, 2 threads: share of FMA peak, geometric mean", 88, 80, "%", false, gemmShare(2)},
	{"attention forward, B 8, H 4, L 256, head 64", 3, 2, "x", false, attention(false)},
	{"attention backward, the same", 2, 1.5, "x", false, attention(true)},
	{"pretraining step, small, L 256, B 8, V 1,024", 2, 1.5, "x", false, speed("train", small(1024, 256, 8))},
	{"pretraining step, small, L 256, B 8, V 8,192", 2, 1.5, "x", false, speed("train", small(8192, 256, 8))},
	{"pretraining step, small, L 256, B 16, V 28", 2, 1.5, "x", true, speed("train", small(28, 256, 16))},
	{"pretraining step, large, L 1,024, B 1, V 50,257", 1.6, 1.2, "x", true, speed("train", large())},
	{"forward, small, L 256, B 8, V 8,192", 2, 1.5, "x", true, speed("forward", small(8192, 256, 8))},
	{"student forward, small, L 1,024, B 1, V 8,192", 2, 1.5, "x", false, speed("forward", small(8192, 1024, 1).student())},
	{"student forward, large, L 1,024, B 1, V 50,257", 2, 1.5, "x", true, speed("forward", large().student())},
	{"8-step sampler, small, L 1,024, B 1, V 8,192", 2, 1.5, "x", false, speed("sample", small(8192, 1024, 1).student())},
	{"distillation step against pretraining step, small, L 256, B 8, V 8,192, doubling budgets", 0.60, 0.55, "x", false, distillation(small(8192, 256, 8))},
	{"8 steps against 1,024, small, L 1,024, B 1, V 8,192", 122, 115, "x", true, manySteps(small(8192, 1024, 1).student())},
	{"pretraining step, small, V 1,024: share of FMA peak", 70, 60, "%", true, achieved(small(1024, 256, 8))},
	{"pretraining step, small, V 8,192: share of FMA peak", 70, 60, "%", false, achieved(small(8192, 256, 8))},
	{"pretraining step, large: share of FMA peak", 70, 60, "%", true, achieved(large())},
}

// speed compares one operation on both sides, in tokens a second.
func speed(op string, p problem) func(*bench) (result, error) {
	perSecond := func(seconds float64) string { return fmt.Sprintf("%.0f tokens/s", p.tokens()/seconds) }
	return func(b *bench) (result, error) {
		return b.classes(perSecond, func(c class) (comparison, error) { return b.compare(op, p, c) })
	}
}

// classes makes a comparison with each class of PyTorch's settings.
func (b *bench) classes(format func(seconds float64) string, compare func(class) (comparison, error)) (result, error) {
	var r result
	for _, class := range classes() {
		if b.quick {
			class.settings = class.settings[:1]
		}
		c, err := compare(class)
		if err != nil {
			return r, err
		}
		if len(r.pytorch) == 0 {
			r.ours, r.ratio = format(c.ours.median()), c.theirs.median()/c.ours.median()
		}
		r.pytorch = append(r.pytorch, versus{
			theirs: format(c.theirs.median()), ratio: c.theirs.median() / c.ours.median(),
			fastest: slices.Min(c.theirs) / slices.Min(c.ours), repeats: min(len(c.ours), len(c.theirs)),
			setting: c.setting, agreement: c.agreement,
		})
	}
	return r, nil
}
