package eval

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteTable writes r for a terminal, at most 100 columns wide: a line a
// budget, the real text last, then whether the student's few steps reach the
// teacher's many.
func WriteTable(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	cols := columns(r)
	line := func(label string, cells func(column) string) {
		fmt.Fprintf(out, "%-*s", labelWidth, label)
		for _, c := range cols {
			fmt.Fprintf(out, "%*s", max(len(c.name), c.width)+2, cells(c))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s\n\n", heading(r))
	line("", func(c column) string { return c.name })
	for _, g := range r.groups() {
		fmt.Fprintln(out, strings.TrimSuffix(g[0].Model+", "+g[0].Solver, ", "))
		for _, x := range g {
			line(fmt.Sprintf("%6d %s", x.Budget, steps(x.Budget)), func(c column) string { return c.cell(x) })
		}
	}
	line(heldOut, func(c column) string { return c.cell(r.Data) })
	fmt.Fprintln(out)
	for _, note := range notes(r) {
		fmt.Fprintln(out, note)
	}
	return out.Flush()
}

// WriteMarkdown writes the same as a GitHub table.
func WriteMarkdown(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	cols := columns(r)
	line := func(model, solver, budget string, cells func(column) string) {
		fmt.Fprintf(out, "| %s | %s | %s |", model, solver, budget)
		for _, c := range cols {
			fmt.Fprintf(out, " %s |", strings.TrimSpace(cells(c)))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s\n\n", heading(r))
	line("model", "solver", "steps", func(c column) string { return c.name })
	line("---", "---", "---:", func(column) string { return "---:" })
	for _, g := range r.groups() {
		for _, x := range g {
			line(x.Model, x.Solver, fmt.Sprint(x.Budget), func(c column) string { return c.cell(x) })
		}
	}
	line(heldOut, "", "", func(c column) string { return c.cell(r.Data) })
	for _, note := range notes(r) {
		fmt.Fprintf(out, "\n%s\n", strings.Replace(note, "* ", `\* `, 1))
	}
	return out.Flush()
}

const (
	heldOut    = "held-out text"
	labelWidth = len(heldOut)
)

// column is one figure of a Result.
type column struct {
	name  string
	width int // of the cells; a longer name widens it
	cell  func(Result) string
}

func columns(r Report) []column {
	best, _ := r.Reference()
	ratio := func(x Result) string {
		if best.Perplexity <= 0 {
			return "-"
		}
		mark := " "
		if x.Model == Student && r.Parity(x) {
			mark = "*"
		}
		return fmt.Sprintf("%.2f%s", x.Perplexity/best.Perplexity, mark)
	}
	cols := []column{
		{"perplexity", 10, number("%.2f", func(x Result) float64 { return x.Perplexity })},
		{"/ teacher ", 9, ratio},
		{"entropy", 7, number("%.2f", func(x Result) float64 { return x.Entropy })},
		{"distinct-2", 7, number("%.3f", func(x Result) float64 { return x.Distinct2 })},
		{"repeated-4", 7, number("%.3f", func(x Result) float64 { return x.Repeated4 })},
	}
	if r.NoveltyN > 0 {
		cols = append(cols, column{fmt.Sprintf("novel-%d", r.NoveltyN), 7, number("%.3f", func(x Result) float64 { return x.Novelty })})
	}
	return append(cols, column{"seconds", 8, func(x Result) string {
		if x.Seconds == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", x.Seconds)
	}})
}

func number(format string, of func(Result) float64) func(Result) string {
	return func(x Result) string { return fmt.Sprintf(format, of(x)) }
}

func heading(r Report) string {
	return fmt.Sprintf("%d rows of %d tokens, judged by %s", r.Rows, r.Length, r.Judge)
}

// notes are the lines below a table.
func notes(r Report) []string {
	var lines []string
	if v := verdict(r); v != "" {
		lines = append(lines, v)
	}
	if b := r.EntropyBand; b != [2]float64{} {
		lines = append(lines, fmt.Sprintf("90 %% of held-out rows have an entropy of %.2f to %.2f bits.", b[0], b[1]))
	}
	for _, model := range slices.Sorted(maps.Keys(r.ELBO)) {
		lines = append(lines, fmt.Sprintf("Perplexity bound (ELBO) of the %s on held-out text: %.2f.", model, r.ELBO[model]))
	}
	return lines
}

// verdict says how near the student's few steps come to the teacher's many.
func verdict(r Report) string {
	best, ok := r.Reference()
	x, found := r.nearest()
	if !ok || !found {
		return ""
	}
	distance := fmt.Sprintf("perplexity x%.2f, entropy %+.2f bits, distinct-2 x%.2f",
		x.Perplexity/best.Perplexity, x.Entropy-best.Entropy, x.Distinct2/best.Distinct2)
	if x.Seconds > 0 && best.Seconds > 0 {
		distance += fmt.Sprintf(", %.3g times as fast", best.Seconds/x.Seconds)
	}
	misses := r.misses(x, best)
	if len(misses) == 0 {
		return fmt.Sprintf("* The student's %d %s are on a par with the teacher's %d:\n%s.", x.Budget, steps(x.Budget), best.Budget, distance)
	}
	return fmt.Sprintf("The student is not on a par with the teacher's %d %s; at %d it fails by %s:\n%s.",
		best.Budget, steps(best.Budget), x.Budget, strings.Join(misses, " and "), distance)
}

func steps(n int) string {
	if n == 1 {
		return "step"
	}
	return "steps"
}
