package eval

import (
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// WriteSVG draws perplexity against steps for each model and solver of r, both
// axes logarithmic, and held-out text as a line. The picture stands alone, on
// white.
func WriteSVG(w io.Writer, r Report) error {
	p, err := quality(r, judgeScore).plot()
	if err != nil {
		return err
	}
	p.Title.Text = "Perplexity against model evaluations"
	p.BackgroundColor = plot.New().BackgroundColor
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, true, vg.Points(190), -vg.Points(4)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(3), vg.Points(24)
	p.Y.Max *= 1.2 // room for the legend
	if err := svg(p, w); err != nil {
		return fmt.Errorf("eval: plot: %w", err)
	}
	return nil
}

func judgeScore(f Figures) Score       { return f.Score }
func transformerScore(f Figures) Score { return f.Transformer }

// quality is perplexity against steps under one judge.
func quality(r Report, score func(Figures) Score) figure {
	f := figure{
		title: "Perplexity against steps, n-gram judge", x: "steps (model evaluations)", y: "perplexity",
		logX: true, logY: true, xTicks: powers(r),
	}
	most, lines := 1.0, map[string]int{}
	for _, group := range r.groups() {
		model := group[0].Model
		s := series{name: strings.TrimSuffix(model+", "+group[0].Solver, ", "), color: modelColor(model), dashes: dashed[lines[model]%len(dashed)], marks: true}
		lines[model]++
		for _, x := range group {
			s.points = append(s.points, plotter.XY{X: float64(x.Budget), Y: score(x.Figures).Perplexity})
			s.deviation = append(s.deviation, score(x.Deviation).Perplexity)
			most = max(most, float64(x.Budget))
		}
		if r.Seeds < 2 {
			s.deviation = nil
		}
		f.series = append(f.series, s)
	}
	real := score(r.Data.Figures).Perplexity
	f.series = append(f.series, series{name: heldOut, color: dataColor, dashes: dashed[1], points: plotter.XYs{{X: 1, Y: real}, {X: most, Y: real}}})
	return f
}

// powers are ticks at the powers of two up to the largest budget.
func powers(r Report) []plot.Tick {
	most := 1
	for _, x := range r.Results {
		most = max(most, x.Budget)
	}
	var ticks []plot.Tick
	for s := 1; s <= most; s *= 2 {
		ticks = append(ticks, plot.Tick{Value: float64(s), Label: fmt.Sprint(s)})
	}
	return ticks
}
