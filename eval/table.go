package eval

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteTable writes r for a terminal, about 100 columns wide: a line a
// budget, the real text last, then whether the student's few steps reach the
// teacher's many.
func WriteTable(w io.Writer, r Report) error {
	out := bufio.NewWriter(w)
	cols := inTerminal(columns(r))
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
		fmt.Fprintln(out, g[0].sampler())
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
			line(x.Model+x.heat(), x.Solver, fmt.Sprint(x.Budget), func(c column) string { return c.cell(x) })
		}
	}
	line(heldOut, "", "", func(c column) string { return c.cell(r.Data) })
	for _, note := range notes(r) {
		fmt.Fprintf(out, "\n%s\n", strings.Replace(note, "* ", `\* `, 1))
	}
	return out.Flush()
}

// sampler names what drew the samples of x.
func (x Result) sampler() string {
	return strings.TrimSuffix(x.Model+", "+x.Solver, ", ") + x.heat()
}

// heat is the temperature of x, nothing at 1.
func (x Result) heat() string {
	if x.Temperature == 0 || x.Temperature == 1 {
		return ""
	}
	return fmt.Sprint(", temperature ", x.Temperature)
}

const (
	heldOut    = "held-out text"
	labelWidth = len(heldOut)
)

// column is one figure of a Result.
type column struct {
	name    string
	width   int // of the cells in a terminal; a longer name widens it; 0: not shown there
	cell    func(Result) string
	meaning string // one sentence
}

// columns are the figures that r has, a terminal's choice among them by width.
func columns(r Report) []column {
	perplexity := func(of func(Figures) float64) func(Result) string {
		return func(x Result) string {
			cell := fmt.Sprintf("%.2f", of(x.Figures))
			if r.Seeds > 1 && x.Model != "" {
				cell += fmt.Sprintf(" ±%.2f", of(x.Deviation))
			}
			return cell
		}
	}
	width := 10
	if r.Seeds > 1 {
		width = 14
	}
	cols := []column{
		{"perplexity", width, perplexity(func(f Figures) float64 { return f.Perplexity }), "under the n-gram judge, pooled over all tokens: exp(sum of -ln p / tokens)"},
		{"/teacher", 6, r.ratio, "perplexity divided by that of the teacher at its most steps; a star marks parity"},
	}
	if r.Transformer != "" {
		cols = append(cols,
			column{"transformer", 8, number("%.2f", func(f Figures) float64 { return f.Transformer.Perplexity }), "perplexity under the transformer judge, a token of its own"},
			column{"nats/char", 0, number("%.3f", func(f Figures) float64 { return f.Transformer.NatsPerCharacter }), "-ln p under the transformer judge, a character of text"})
	}
	cols = append(cols,
		column{"bits/byte", 0, number("%.3f", func(f Figures) float64 { return f.BitsPerByte }), "-log2 p under the n-gram judge, a byte of text: comparable across tokenizers"},
		column{"mean ppl", 0, number("%.2f", func(f Figures) float64 { return f.MeanPerplexity }), "mean over the texts of each one's own perplexity under the n-gram judge, as the FS-DFM code reports it"},
		column{"entropy", 7, number("%.2f", func(f Figures) float64 { return f.Entropy }), "of a text's own tokens, bits, mean over the texts: loops lower it"},
		column{"dist-2", 6, number("%.3f", func(f Figures) float64 { return f.Distinct2 }), "share of different pairs of tokens among all texts together: mode collapse lowers it"},
		column{"dist-4", 0, number("%.3f", func(f Figures) float64 { return f.Distinct4 }), "the same of four tokens"},
		column{"rep-4", 5, number("%.3f", func(f Figures) float64 { return f.Repeated4 }), "share of fours that their own text had before: loops raise it"})
	if r.NoveltyN > 0 {
		cols = append(cols, column{fmt.Sprintf("novel-%d", r.NoveltyN), 7, number("%.3f", func(f Figures) float64 { return f.Novelty }),
			fmt.Sprintf("share of %d tokens in a row that the training text does not have: reciting lowers it", r.NoveltyN)})
	}
	if r.DivergenceN > 0 {
		cols = append(cols, column{fmt.Sprintf("JS-%d", r.DivergenceN), 5, number("%.3f", func(f Figures) float64 { return f.Divergence }),
			fmt.Sprintf("Jensen-Shannon divergence, bits, of %d characters in a row from real text that the generator never saw; few texts never reach 0", r.DivergenceN)})
	}
	return append(cols, column{"seconds", 7, func(x Result) string {
		if x.Seconds == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", x.Seconds)
	}, "to sample the texts of one seed"})
}

// ratio is a cell: the perplexity over that of the reference.
func (r Report) ratio(x Result) string {
	best, _ := r.Reference()
	if best.Perplexity <= 0 {
		return "-"
	}
	mark := " "
	if x.Model == Student && r.Parity(x) {
		mark = "*"
	}
	return fmt.Sprintf("%.2f%s", x.Perplexity/best.Perplexity, mark)
}

// inTerminal are the columns that a terminal has room for.
func inTerminal(all []column) []column {
	return slices.DeleteFunc(all, func(c column) bool { return c.width == 0 })
}

func number(format string, of func(Figures) float64) func(Result) string {
	return func(x Result) string { return fmt.Sprintf(format, of(x.Figures)) }
}

func heading(r Report) string {
	seeds, second := "", ""
	if r.Seeds > 1 {
		seeds = fmt.Sprintf(", mean ± deviation of %d seeds", r.Seeds)
	}
	if r.Transformer != "" {
		second = "\nand " + r.Transformer
	}
	return fmt.Sprintf("%d rows of %d tokens%s, judged by %s%s", r.Rows, r.Length, seeds, r.Judge, second)
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
		e := r.ELBO[model]
		lines = append(lines, fmt.Sprintf("Likelihood bound (ELBO) of the %s on held-out text: perplexity %.2f, %.3f bits a byte.", model, e.Perplexity, e.BitsPerByte))
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
	if real := r.Data.Distinct2; real > 0 {
		distance += fmt.Sprintf(" (of real text's x%.2f)", x.Distinct2/real)
	}
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
