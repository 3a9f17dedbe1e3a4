package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Contest draws samples of every model at every budget and measures them.
type Contest struct {
	Meter        Meter
	Models       []Contestant
	Rows         int                   // samples a budget and seed
	Seeds        []uint64              // at least one
	Temperatures []float64             // of the frontier, beside each model's own
	Samples      int                   // texts of the first seed to keep, at most Rows
	Progress     func(done, total int) // told of model evaluations; nil: nobody

	done, total int
}

// Contestant is a model that can be sampled.
type Contestant struct {
	Model, Solver string
	Budgets       []int
	Frontier      []int   // those of the budgets that are sampled at every temperature too
	Temperature   float64 // at which the Budgets are sampled; 0 is 1
	Batch         int     // samples that one evaluation of the network serves
	Draw          func(context.Context, Draw) ([][]int32, error)
}

// Draw is what a Contestant is asked for.
type Draw struct {
	Budget, Rows int
	Seed         uint64
	Temperature  float64
	Progress     func(done int) // model evaluations done
}

// Run adds the results, the frontier and the samples to a report.
func (c *Contest) Run(ctx context.Context, r *Report) error {
	r.Seeds = len(c.Seeds)
	c.done, c.total = 0, c.calls()
	for _, m := range c.Models {
		for _, budget := range m.Budgets {
			result, samples, err := c.budget(ctx, m, budget)
			if err != nil {
				return fmt.Errorf("%s at %d %s: %w", m.Model, budget, steps(budget), err)
			}
			r.Results = append(r.Results, result)
			if len(samples.Texts) > 0 {
				r.Samples = append(r.Samples, samples)
			}
		}
	}
	return c.frontier(ctx, r)
}

// budget measures one model at one budget over all seeds.
func (c *Contest) budget(ctx context.Context, m Contestant, budget int) (Result, Samples, error) {
	samples, temperature := Samples{Model: m.Model, Budget: budget}, m.temperature()
	var list []Figures
	for i, seed := range c.Seeds {
		rows, f, err := c.draw(ctx, m, Draw{Budget: budget, Rows: c.Rows, Seed: seed, Temperature: temperature})
		if err != nil {
			return Result{}, samples, err
		}
		list = append(list, f)
		for _, row := range rows[:min(len(rows), c.Samples)] {
			if i == 0 {
				samples.Texts = append(samples.Texts, c.Meter.Decode(row))
			}
		}
	}
	r := Result{Model: m.Model, Solver: m.Solver, Budget: budget, Temperature: temperature}
	r.Figures, r.Deviation = Spread(list)
	return r, samples, nil
}

// frontier measures the first seed at every temperature; each model's own stands
// among the results.
func (c *Contest) frontier(ctx context.Context, r *Report) error {
	for _, m := range c.Models {
		for _, budget := range m.Frontier {
			for _, temperature := range c.others(m) {
				_, f, err := c.draw(ctx, m, Draw{Budget: budget, Rows: c.Rows, Seed: c.Seeds[0], Temperature: temperature})
				if err != nil {
					return fmt.Errorf("%s at %d %s, temperature %v: %w", m.Model, budget, steps(budget), temperature, err)
				}
				r.Frontier = append(r.Frontier, Result{Model: m.Model, Solver: m.Solver, Budget: budget, Temperature: temperature, Figures: f})
			}
		}
	}
	return nil
}

// draw samples and measures; only the sampling counts as seconds.
func (c *Contest) draw(ctx context.Context, m Contestant, d Draw) ([][]int32, Figures, error) {
	before := c.done
	d.Progress = func(n int) {
		if c.Progress != nil {
			c.Progress(before+n, c.total)
		}
	}
	begun := time.Now()
	rows, err := m.Draw(ctx, d)
	seconds := time.Since(begun).Seconds()
	if err != nil {
		return nil, Figures{}, err
	}
	c.done = before + d.Budget*m.batches(d.Rows)
	f, err := c.Meter.Measure(ctx, rows)
	f.Seconds = seconds
	return rows, f, err
}

// calls is how many evaluations of the networks the contest takes.
func (c *Contest) calls() int {
	sum := 0
	for _, m := range c.Models {
		for _, b := range m.Budgets {
			sum += b * m.batches(c.Rows) * len(c.Seeds)
		}
		for _, b := range m.Frontier {
			sum += b * m.batches(c.Rows) * len(c.others(m))
		}
	}
	return sum
}

// others are the temperatures of m's frontier beside its own.
func (c *Contest) others(m Contestant) []float64 {
	return slices.DeleteFunc(slices.Clone(c.Temperatures), func(t float64) bool { return t == m.temperature() })
}

func (m Contestant) temperature() float64 { return cmp.Or(m.Temperature, 1) }

func (m Contestant) batches(rows int) int { return (rows + m.Batch - 1) / max(1, m.Batch) }
