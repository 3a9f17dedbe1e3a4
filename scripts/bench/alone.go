package main

import (
	"fmt"
	"runtime/debug"

	"fsdfm/distill"
	"fsdfm/flow"
	"fsdfm/model"
)

// distillation compares the speeds of both training stages at the reference's
// budget weights, step by step on the same rows.
func distillation(p problem) func(*bench) (result, error) {
	return func(b *bench) (result, error) {
		defer debug.FreeOSMemory()
		steps, passes := 16, 4
		if b.quick {
			steps, passes = 4, 3
		}
		pretraining, distilling := newOurs(p), newOurs(p.student())
		asked, err := distilling.distil()
		if err != nil {
			return result{}, err
		}
		both := []*ours{pretraining, distilling}
		seconds := [2][]measured{make([]measured, steps), make([]measured, steps)}
		for pass := range passes {
			for step := range steps {
				for i, o := range both {
					t, err := stopwatch(func() error { return o.train(step * p.batch) })()
					if err != nil {
						return result{}, err
					}
					if pass > 0 { // the first compiles a graph for every number of rows that ask the teacher
						seconds[i][step] = append(seconds[i][step], t)
					}
				}
			}
		}
		var total [2]float64
		for i := range both {
			for _, t := range seconds[i] {
				total[i] += t.median()
			}
		}
		tokens := float64(steps) * p.tokens()
		share := float64(*asked) / float64(passes*steps*p.batch)
		return result{
			Ours:  fmt.Sprintf("%.0f against %.0f tokens/s, %.0f %% of the rows ask the teacher", tokens/total[1], tokens/total[0], 100*share),
			Ratio: total[0] / total[1],
		}, nil
	}
}

// counting counts the rows that ask a teacher.
type counting struct {
	distill.Teacher
	rows int
}

func (c *counting) Target(dst []float32, x flow.Tokens, t, h []float64, rng []flow.Rand) error {
	c.rows += x.Batch
	return c.Teacher.Target(dst, x, t, h, rng)
}

// distil makes o's training steps distillation steps of the reference's kind
// and returns the count of rows that have asked the teacher.
func (o *ours) distil() (asked *int, err error) {
	o.prepareTraining()
	c := distill.DefaultConfig()
	c.Budgets = "doubling"
	budgets, err := flow.NewBudgets(c.Budgets, c.MaxBudget)
	if err != nil {
		return nil, err
	}
	ema := model.NewDenoiser(o.weights.On(o.ema))
	stepper := model.NewStepper()
	teacher := &counting{Teacher: &distill.Shortcut{
		Jumper: flow.Jumper{Denoiser: ema, Stepper: &stepper},
		Solver: flow.EulerCumulative{Scheduler: linear}, Stages: distill.RK4,
	}}
	o.objective = &distill.Objective{
		Config: c, Learner: o.learner, EMA: ema, Teacher: teacher, Path: path, Source: o.source(), Budgets: budgets, Seed: budgetSeed,
	}
	return &teacher.rows, nil
}

// budgetSeed is one at which half of the rows of 16 steps, and of the
// first 4, ask the teacher, as the budget weights let expect.
const budgetSeed = 6

// manySteps compares the many-step sampler with the few-step one.
func manySteps(p problem) func(*bench) (result, error) {
	return func(b *bench) (result, error) {
		o := newOurs(p)
		few := stopwatch(func() error { return o.sample(b.ctx, 8) })
		before, err := b.quiet.turn(few, 4)
		if err != nil {
			return result{}, err
		}
		many, err := stopwatch(func() error { return o.sample(b.ctx, 1024) })()
		if err != nil {
			return result{}, err
		}
		after, err := b.quiet.turn(few, 4)
		if err != nil {
			return result{}, err
		}
		t := append(before, after...).median()
		return result{Ours: fmt.Sprintf("%.3f s against %.1f s", t, many), Ratio: many / t}, nil
	}
}

// achieved is the arithmetic of a pretraining step a second, as a share of what
// the cores' multiply-adds could do.
func achieved(p problem) func(*bench) (result, error) {
	return func(b *bench) (result, error) {
		defer debug.FreeOSMemory()
		gemm, err := b.gemm(cores, gemmShapes[:1]) // for the peak
		if err != nil {
			return result{}, err
		}
		o := newOurs(p)
		turns, err := b.quiet.turn(o.timed(b, "train"), 8)
		if err != nil {
			return result{}, err
		}
		speed := 3 * p.config.ForwardFLOPs(p.config.Length) * p.tokens() / turns.median() / 1e9
		return result{Ours: fmt.Sprintf("%.0f of %.0f GFLOP/s", speed, gemm.peak), Ratio: 100 * speed / gemm.peak}, nil
	}
}
