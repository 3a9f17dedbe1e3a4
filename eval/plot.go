package eval

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of a plot, readable on white.
var (
	studentColor = color.RGBA{R: 0xc4, G: 0x3b, B: 0x2e, A: 255}
	teacherColor = color.RGBA{R: 0x2a, G: 0x5d, B: 0xa8, A: 255}
	dataColor    = color.RGBA{R: 0x3c, G: 0x80, B: 0x4a, A: 255}
)

// WriteSVG draws perplexity against steps for each model and solver of r, both
// axes logarithmic, and held-out text as a line.
func WriteSVG(w io.Writer, r Report) error {
	p := plot.New()
	p.Title.Text = "Perplexity against model evaluations"
	p.X.Label.Text, p.Y.Label.Text = "steps (model evaluations)", "perplexity under the judge"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(powers(r)), plot.TickerFunc(oneTwoFive)
	style(p)
	p.Add(plotter.NewGrid())
	most := 1.0
	for _, group := range r.groups() {
		points := make(plotter.XYs, len(group))
		for i, x := range group {
			points[i] = plotter.XY{X: float64(x.Budget), Y: x.Perplexity}
			most = max(most, float64(x.Budget))
		}
		if err := addLine(p, strings.TrimSuffix(group[0].Model+", "+group[0].Solver, ", "), points, modelColor(group[0].Model), true); err != nil {
			return fmt.Errorf("eval: plot: %w", err)
		}
	}
	real := plotter.XYs{{X: 1, Y: r.Data.Perplexity}, {X: most, Y: r.Data.Perplexity}}
	if err := addLine(p, heldOut, real, dataColor, false); err != nil {
		return fmt.Errorf("eval: plot: %w", err)
	}
	p.Y.Min, p.Y.Max = min(p.Y.Min, 0.8*r.Data.Perplexity), 1.5*p.Y.Max // room for the legend
	canvas := vgsvg.New(6.5*vg.Inch, 4*vg.Inch)
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(4), -vg.Points(16), vg.Points(4), -vg.Points(4)))
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("eval: plot: %w", err)
	}
	return nil
}

// style sets a sans-serif font everywhere and the legend above the curves.
func style(p *plot.Plot) {
	for _, f := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		f.Variant = "Sans"
	}
	p.Title.Padding, p.X.Label.Padding, p.Y.Label.Padding = vg.Points(6), vg.Points(4), vg.Points(4)
	// Thumbnails on the left: a viewer with wider letters then overlaps nothing.
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, true, vg.Points(190), -vg.Points(4)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(3), vg.Points(24)
}

// oneTwoFive are the ticks 1, 2, 5, 10, 20, 50 ... of a logarithmic axis.
func oneTwoFive(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * decade; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
			}
		}
	}
	return ticks
}

func addLine(p *plot.Plot, name string, points plotter.XYs, c color.Color, marks bool) error {
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, dots.Color, line.Width, dots.Shape = c, c, vg.Points(1.5), draw.CircleGlyph{}
	if !marks {
		line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(line)
		p.Legend.Add(name, line)
		return nil
	}
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

func modelColor(model string) color.Color {
	if model == Student {
		return studentColor
	}
	return teacherColor
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
