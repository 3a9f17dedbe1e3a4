package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
)

// Table holds one figure of several models at several budgets, one value a seed.
type Table struct {
	Title   string
	Budgets []int
	models  []string
	values  map[string][][]float64 // by model: [budget][seed]
}

// NewTable makes an empty one.
func NewTable(title string, budgets []int) *Table {
	return &Table{Title: title, Budgets: budgets, values: make(map[string][][]float64)}
}

// Add appends one seed's figures of a model, one for each budget.
func (t *Table) Add(model string, figures []float64) {
	if t.values[model] == nil {
		t.models = append(t.models, model)
		t.values[model] = make([][]float64, len(t.Budgets))
	}
	for b, v := range figures {
		t.values[model][b] = append(t.values[model][b], v)
	}
}

// Wins counts the budgets and seeds, of the same seed each, in which a model
// has a larger figure than another one. A model that is not in the table has
// none.
func (t *Table) Wins(model, than string, budgets ...int) (wins, of int) {
	mine, other := t.values[model], t.values[than]
	for b, budget := range t.Budgets {
		if mine == nil || other == nil || !slices.Contains(budgets, budget) {
			continue
		}
		for seed, v := range mine[b] {
			of++
			if v > other[b][seed] {
				wins++
			}
		}
	}
	return wins, of
}

// WriteMarkdown prints means and, of several seeds, standard deviations.
func (t *Table) WriteMarkdown(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "\n%s\n\n| model |", t.Title)
	for _, b := range t.Budgets {
		fmt.Fprintf(w, " %d |", b)
	}
	fmt.Fprint(w, "\n|---|")
	for range t.Budgets {
		fmt.Fprint(w, "---:|")
	}
	fmt.Fprintln(w)
	for _, m := range t.models {
		fmt.Fprintf(w, "| %s |", m)
		for _, seeds := range t.values[m] {
			mean, spread := moments(seeds)
			fmt.Fprintf(w, " %.3f", mean)
			if len(seeds) > 1 {
				fmt.Fprintf(w, " ± %.3f", spread)
			}
			fmt.Fprint(w, " |")
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// moments are mean and standard deviation of a sample; a single value has no
// spread.
func moments(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean) / float64(max(1, len(x)-1))
	}
	return mean, math.Sqrt(deviation)
}
