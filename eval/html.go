package eval

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report.html").Parse(pageText))

// WriteHTML writes r as one page without outside parts or scripts. It follows
// the reader's light or dark setting.
func WriteHTML(w io.Writer, r Report) error {
	v := view{Report: r, Heading: heading(r), Notes: notes(r), Groups: r.table(), Columns: columns(r), SampleRows: r.sampleRows()}
	for _, c := range v.Columns {
		v.Data = append(v.Data, c.cell(r.Data))
	}
	for _, f := range r.figures() {
		drawn, err := f.inline()
		if err != nil {
			return err
		}
		v.Figures = append(v.Figures, drawn)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		return fmt.Errorf("eval: report: %w", err)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// view is what the template shows.
type view struct {
	Report
	Heading    string
	Notes      []string
	Columns    []column
	Groups     []tableGroup
	Data       []string // the held-out row's cells
	Figures    []drawing
	SampleRows []sampleRow
}

// Name and Meaning are for the template.
func (c column) Name() string    { return c.name }
func (c column) Meaning() string { return c.meaning }

// tableGroup is the lines of one model and solver.
type tableGroup struct {
	Name  string
	Lines []tableLine
}

type tableLine struct {
	Budget int
	Parity bool
	Cells  []string
}

func (r Report) table() []tableGroup {
	var groups []tableGroup
	cols := columns(r)
	for _, g := range r.groups() {
		group := tableGroup{Name: g[0].sampler()}
		for _, x := range g {
			line := tableLine{Budget: x.Budget, Parity: x.Model == Student && r.Parity(x)}
			for _, c := range cols {
				line.Cells = append(line.Cells, c.cell(x))
			}
			group.Lines = append(group.Lines, line)
		}
		groups = append(groups, group)
	}
	return groups
}

// sampleRow is what the models write with one budget, side by side.
type sampleRow struct {
	Label string
	Cells []sampleCell
}

type sampleCell struct {
	Model string
	Texts []string
}

// sampleRows are by budget, each with a cell a model, held-out text last.
func (r Report) sampleRows() []sampleRow {
	var models []string
	var budgets []int
	for _, s := range r.Samples {
		if s.Model != "" {
			models, budgets = append(models, s.Model), append(budgets, s.Budget)
		}
	}
	slices.SortStableFunc(models, func(a, b string) int { return rank(a) - rank(b) })
	slices.Sort(budgets)
	var rows []sampleRow
	for _, budget := range slices.Compact(budgets) {
		row := sampleRow{Label: fmt.Sprintf("%d %s", budget, steps(budget))}
		for _, model := range slices.Compact(models) {
			cell := sampleCell{Model: model}
			for _, s := range r.Samples {
				if s.Model == model && s.Budget == budget {
					cell.Texts = s.Texts
				}
			}
			if cell.Texts != nil {
				row.Cells = append(row.Cells, cell)
			}
		}
		rows = append(rows, row)
	}
	for _, s := range r.Samples {
		if s.Model == "" {
			rows = append(rows, sampleRow{Label: heldOut, Cells: []sampleCell{{Texts: s.Texts}}})
		}
	}
	return rows
}

// figures are those that r has numbers for.
func (r Report) figures() []figure {
	var list []figure
	if len(r.Results) > 0 {
		list = append(list, quality(r, judgeScore))
	}
	if len(r.Results) > 0 && r.Transformer != "" {
		f := quality(r, transformerScore)
		f.title = "Perplexity against steps, transformer judge"
		list = append(list, f)
	}
	if len(r.Frontier) > 0 {
		list = append(list, frontier(r))
	}
	for _, c := range r.Curves {
		if f := c.figure(); len(f.series) > 0 {
			list = append(list, f)
		}
	}
	return list
}

// drawing is a figure as the page holds it. Its legend is text of the page.
type drawing struct {
	Title  string
	SVG    template.HTML
	Legend []key
}

// key explains one line of a figure.
type key struct {
	Name   string
	Color  template.CSS
	Dashes string // of an SVG stroke
	Marks  bool
}

// pageColors are the page's variables for a plot's colours.
var pageColors = map[color.RGBA]string{
	studentColor: "var(--student)", teacherColor: "var(--teacher)", dataColor: "var(--data)", gridColor: "var(--grid)",
}

// inline draws f in the page's colours, which are variables of its style sheet.
func (f figure) inline() (drawing, error) {
	p, err := f.plot()
	if err != nil {
		return drawing{}, err
	}
	p.Legend = plot.NewLegend() // an empty one
	var out bytes.Buffer
	if err := svg(p, &out); err != nil {
		return drawing{}, fmt.Errorf("eval: plot: %w", err)
	}
	_, text, _ := strings.Cut(out.String(), "<svg") // no XML header within a page
	text = strings.ReplaceAll(text, "stroke:#000000", "stroke:var(--axis)")
	for c, variable := range pageColors {
		text = strings.ReplaceAll(text, fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B), variable)
	}
	d := drawing{Title: f.title, SVG: template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(f.title) + `"` + text)}
	for _, s := range f.series {
		dashes := make([]string, len(s.dashes))
		for i, n := range s.dashes {
			dashes[i] = fmt.Sprint(n)
		}
		d.Legend = append(d.Legend, key{s.name, template.CSS(pageColors[s.color]), strings.Join(dashes, " "), s.marks})
	}
	return d, nil
}
