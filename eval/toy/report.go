package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"fsdfm/flow"
	"fsdfm/model"
)

var budgets = []int{1, 2, 4, 8, 16}

// Names of the models compared.
const (
	student    = "student"
	matched    = "undistilled, same compute"
	pretrained = "undistilled, the student's pretraining"
	perfect    = "exact posterior"
)

// report prints tables.
type report struct {
	out, log    io.Writer
	seeds, rows int
	share       float64 // of the compute, for the distillation
	only        string  // variants whose name contains it
}

func (r report) print(ctx context.Context, table, source string) error {
	switch {
	case source != "uniform" && source != "mask":
		return fmt.Errorf("unknown source %q: must be uniform or mask", source)
	case r.seeds < 1 || r.rows < 1:
		return fmt.Errorf("%d seeds and %d rows: must be at least 1", r.seeds, r.rows)
	case !(r.share >= 0.05 && r.share <= 0.95):
		return fmt.Errorf("share %v: must be in [0.05, 0.95]", r.share)
	}
	switch table {
	case "valid":
		return r.valid(ctx, Large(source, r.share), Trial.models)
	case "exact":
		return r.exact(ctx, Enumerable(source, r.share), Trial.models)
	case "valid-variants":
		return r.valid(ctx, Large(source, r.share), r.students)
	case "exact-variants":
		return r.exact(ctx, Enumerable(source, r.share), r.students)
	}
	return fmt.Errorf("unknown table %q: must be valid, exact, valid-variants or exact-variants", table)
}

// contestant is one model of one seed.
type contestant struct {
	name     string
	denoiser flow.Denoiser
}

// training makes the models of one seed.
type training func(Trial, context.Context) ([]contestant, error)

// models are the student and those that it is measured by.
func (x Trial) models(ctx context.Context) ([]contestant, error) {
	own, err := x.Undistilled(ctx, 0)
	if err != nil {
		return nil, err
	}
	distilled, units, err := x.Student(ctx, own, Best(x.Source))
	if err != nil {
		return nil, err
	}
	longer, err := x.Undistilled(ctx, units)
	if err != nil {
		return nil, err
	}
	return []contestant{
		{student, model.NewDenoiser(distilled)},
		{matched, model.NewDenoiser(longer)},
		{pretrained, model.NewDenoiser(own)},
		{perfect, x.Posterior()},
	}, nil
}

// students are those of all ways to distil.
func (r report) students(x Trial, ctx context.Context) ([]contestant, error) {
	own, err := x.Undistilled(ctx, 0)
	if err != nil {
		return nil, err
	}
	longer, err := x.Undistilled(ctx, x.Units)
	if err != nil {
		return nil, err
	}
	all := []contestant{{matched, model.NewDenoiser(longer)}}
	for _, v := range variants {
		if !strings.Contains(v.Name, r.only) {
			continue
		}
		d := Best(x.Source)
		v.Change(&d)
		w, _, err := x.Student(ctx, own, d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, err)
		}
		all = append(all, contestant{v.Name, model.NewDenoiser(w)})
	}
	return all, nil
}

// each calls measure for every model of every seed.
func (r report) each(ctx context.Context, x Trial, train training, measure func(Trial, contestant) error) error {
	for seed := range r.seeds {
		x.Seed = uint64(seed + 1)
		all, err := train(x, ctx)
		if err != nil {
			return err
		}
		for _, c := range all {
			if err := measure(x, c); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(r.log, "%s source: seed %d of %d\n", x.Source, seed+1, r.seeds); err != nil {
			return err
		}
	}
	return nil
}

// valid prints what samples of the large trial tell.
func (r report) valid(ctx context.Context, x Trial, train training) error {
	valid := NewTable("Share of valid transitions, "+x.Source+" source, by steps", budgets)
	pairs := NewTable("Total variation of neighbouring pairs, "+x.Source+" source, by steps", budgets)
	err := r.each(ctx, x, train, func(x Trial, c contestant) error {
		var shares, distances []float64
		for _, steps := range budgets {
			rows, err := x.Draw(ctx, c.denoiser, steps, r.rows)
			if err != nil {
				return err
			}
			shares, distances = append(shares, x.Chain.Valid(rows)), append(distances, x.Chain.PairDistance(rows))
		}
		valid.Add(c.name, shares)
		pairs.Add(c.name, distances)
		return nil
	})
	if err != nil {
		return err
	}
	if wins, of := valid.Wins(student, matched, 2, 4, 8); of > 0 {
		_, err = fmt.Fprintf(r.out, "\nAt 2, 4 and 8 steps the student has more valid transitions than the model of the same compute in %d of %d.\n", wins, of)
	}
	return errors.Join(err, valid.WriteMarkdown(r.out), pairs.WriteMarkdown(r.out))
}

// exact prints what is computed for the enumerable trial, and the same figure
// estimated from samples.
func (r report) exact(ctx context.Context, x Trial, train training) error {
	computed := NewTable("Total variation to the joint, computed, "+x.Source+" source, by steps", budgets)
	drawn := NewTable(fmt.Sprintf("The same from %d samples", r.rows), budgets)
	states := NewStates(x.source(), x.Length)
	joint := states.Joint(x.Chain)
	err := r.each(ctx, x, train, func(x Trial, c contestant) error {
		var exact, estimated []float64
		for _, steps := range budgets {
			p, err := states.Run(c.denoiser, x.scheduler(), steps)
			if err != nil {
				return err
			}
			rows, err := x.Draw(ctx, c.denoiser, steps, r.rows)
			if err != nil {
				return err
			}
			exact, estimated = append(exact, TotalVariation(p, joint)), append(estimated, TotalVariation(states.Frequencies(rows), joint))
		}
		computed.Add(c.name, exact)
		drawn.Add(c.name, estimated)
		return nil
	})
	if err != nil {
		return err
	}
	lost := NewTable("Total correlation on the path before the last draw, in nats", budgets)
	correlation := make([]float64, len(budgets))
	for b, steps := range budgets {
		correlation[b] = states.TotalCorrelation(x.Chain, 1-1/float64(steps))
	}
	lost.Add("any network", correlation)
	return errors.Join(computed.WriteMarkdown(r.out), drawn.WriteMarkdown(r.out), lost.WriteMarkdown(r.out))
}
