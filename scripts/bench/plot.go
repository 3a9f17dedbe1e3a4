package main

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	lineColor = color.RGBA{R: 0x2a, G: 0x5d, B: 0xa8, A: 255}
	gridColor = color.RGBA{R: 0xdc, G: 0xdc, B: 0xdc, A: 255}
)

// drawGrowth writes an SVG of two panels: a step's time on the left, its memory
// on the right.
func drawGrowth(path string, v variable, points []point) error {
	panels := []struct {
		axis string
		of   func(cost) float64
	}{
		{"time of a step, ms", func(c cost) float64 { return 1e3 * c.seconds }},
		{"memory of a step, MB", func(c cost) float64 { return c.bytes / 1e6 }},
	}
	canvas := vgsvg.New(9*vg.Inch, 3.2*vg.Inch)
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Points(20), PadTop: vg.Points(8), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(14)}
	for i, panel := range panels {
		p, err := panelOf(v, panel.axis, points, panel.of)
		if err != nil {
			return fmt.Errorf("plot %s: %w", path, err)
		}
		p.Draw(tiles.At(whole, i, 0))
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	defer f.Close()
	if _, err := canvas.WriteTo(f); err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	return f.Close()
}

// panelOf draws one cost from 0 on, with a tick at every value measured.
func panelOf(v variable, axis string, points []point, of func(cost) float64) (*plot.Plot, error) {
	var xys plotter.XYs
	for _, p := range points {
		xys = append(xys, plotter.XY{X: float64(p.value), Y: of(p.cost)})
	}
	line, dots, err := plotter.NewLinePoints(xys)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = lineColor, vg.Points(1.5)
	dots.Color, dots.Shape, dots.Radius = lineColor, draw.CircleGlyph{}, vg.Points(2.5)
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = v.axis, axis
	p.X.Tick.Marker = measuredTicks(xys)
	for _, f := range []*font.Font{&p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font} {
		f.Variant, f.Size = "Sans", vg.Points(11)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	p.Add(grid, line, dots)
	p.Y.Min, p.Y.Max = 0, 1.05*p.Y.Max
	return p, nil
}

// measuredTicks are the values measured; a label is left out where it would
// touch the one to its right.
func measuredTicks(xys plotter.XYs) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	last := xys[len(xys)-1].X
	room := last / 8 // of a label
	next := last + room
	for i := len(xys) - 1; i >= 0; i-- {
		tick := plot.Tick{Value: xys[i].X}
		if next-tick.Value >= room {
			tick.Label, next = fmt.Sprintf("%g", tick.Value), tick.Value
		}
		ticks = append(ticks, tick)
	}
	return ticks
}
