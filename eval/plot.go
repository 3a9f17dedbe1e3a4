package eval

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours of a plot, readable on white. report.html replaces them by its
// own, which follow the reader's light or dark setting.
var (
	studentColor = color.RGBA{R: 0xc4, G: 0x3b, B: 0x2e, A: 255}
	teacherColor = color.RGBA{R: 0x2a, G: 0x5d, B: 0xa8, A: 255}
	dataColor    = color.RGBA{R: 0x3c, G: 0x80, B: 0x4a, A: 255}
	gridColor    = color.RGBA{R: 0xdc, G: 0xdc, B: 0xdc, A: 255}
)

// The size of a plot.
const (
	plotWidth  = 6.5 * vg.Inch
	plotHeight = 3.6 * vg.Inch
)

// figure is a plot before it is drawn.
type figure struct {
	title, x, y string
	logX, logY  bool
	xTicks      []plot.Tick // nil: chosen for the range
	series      []series
}

// series is one line of a figure.
type series struct {
	name      string
	color     color.RGBA
	dashes    []float64 // points on and off; nil: solid
	marks     bool      // a dot at every point
	points    plotter.XYs
	deviation []float64 // of each y, drawn as a bar; nil: none
	labels    []string  // beside each point; nil: none
}

// dashed tells apart the lines of one colour.
var dashed = [][]float64{nil, {5, 3}, {1.5, 2.5}, {7, 2, 1.5, 2}}

// plot lays the figure out.
func (f figure) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text, p.Y.Label.Text = f.x, f.y
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(linearTicks), plot.TickerFunc(linearTicks)
	if f.logX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	}
	if f.xTicks != nil {
		p.X.Tick.Marker = plot.ConstantTicks(f.xTicks)
	}
	if f.logY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
	}
	style(p)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	p.Add(grid)
	for _, s := range f.series {
		if s.points = f.drawable(s.points); len(s.points) == 0 {
			continue
		}
		if err := s.add(p); err != nil {
			return nil, fmt.Errorf("eval: plot: %s: %w", s.name, err)
		}
	}
	f.makeRoom(p)
	return p, nil
}

// drawable are the points that have a place on the axes, all or none of them,
// since deviations and labels belong to them by number.
func (f figure) drawable(points plotter.XYs) plotter.XYs {
	for _, p := range points {
		for _, v := range []struct {
			x   float64
			log bool
		}{{p.X, f.logX}, {p.Y, f.logY}} {
			if math.IsNaN(v.x) || math.IsInf(v.x, 0) || v.log && v.x <= 0 {
				return nil
			}
		}
	}
	return points
}

// makeRoom keeps points off the frame.
func (f figure) makeRoom(p *plot.Plot) {
	if f.logY {
		margin := math.Pow(p.Y.Max/p.Y.Min, 0.06)
		margin = max(margin, 1.02)
		p.Y.Min, p.Y.Max = p.Y.Min/margin, p.Y.Max*margin
	}
	if margin := (p.Y.Max - p.Y.Min) * 0.04; !f.logY {
		p.Y.Min, p.Y.Max = p.Y.Min-margin, p.Y.Max+margin
	}
	if margin := (p.X.Max - p.X.Min) * 0.05; !f.logX && f.xTicks == nil {
		p.X.Min, p.X.Max = p.X.Min-margin, p.X.Max+margin
	}
}

func (s series) add(p *plot.Plot) error {
	line, dots, err := plotter.NewLinePoints(s.points)
	if err != nil {
		return err
	}
	line.Color, line.Width, dots.Color, dots.Shape, dots.Radius = s.color, vg.Points(1.5), s.color, draw.CircleGlyph{}, vg.Points(2.5)
	for _, d := range s.dashes {
		line.Dashes = append(line.Dashes, vg.Points(d))
	}
	p.Add(line)
	thumbnails := []plot.Thumbnailer{line}
	if s.marks {
		p.Add(dots)
		thumbnails = append(thumbnails, dots)
	}
	p.Legend.Add(s.name, thumbnails...)
	return s.annotate(p)
}

// annotate adds bars and labels.
func (s series) annotate(p *plot.Plot) error {
	if s.deviation != nil {
		bars, err := plotter.NewYErrorBars(withErrors{s.points, s.deviation})
		if err != nil {
			return err
		}
		bars.Color, bars.CapWidth = s.color, vg.Points(5)
		p.Add(bars)
	}
	if s.labels == nil {
		return nil
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: s.points, Labels: s.labels})
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font.Variant, labels.TextStyle[i].Font.Size = "Sans", vg.Points(9)
		labels.TextStyle[i].XAlign = draw.XCenter
	}
	labels.Offset = vg.Point{Y: vg.Points(5)}
	p.Add(labels)
	return nil
}

// withErrors are points and how far their y may be off. A bar ends above 0, for
// logarithmic axes.
type withErrors struct {
	plotter.XYs
	deviation []float64
}

// YError implements plotter.YErrorer.
func (w withErrors) YError(i int) (low, high float64) {
	return min(w.deviation[i], 0.9*math.Abs(w.XYs[i].Y)), w.deviation[i]
}

// svg draws p without a frame around it.
func svg(p *plot.Plot, w io.Writer) error {
	canvas := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(2), -vg.Points(12), vg.Points(2), -vg.Points(4)))
	_, err := canvas.WriteTo(w)
	return err
}

// style sets a legible sans-serif font everywhere.
func style(p *plot.Plot) {
	for _, f := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		f.Variant, f.Size = "Sans", vg.Points(11)
	}
	p.Title.TextStyle.Font.Size = vg.Points(12)
	p.Title.Padding, p.X.Label.Padding, p.Y.Label.Padding = vg.Points(6), vg.Points(4), vg.Points(4)
}

// linearTicks are four to eleven multiples of 1, 2 or 5 times a power of ten.
func linearTicks(low, high float64) []plot.Tick {
	if !(high > low) {
		return []plot.Tick{{Value: low, Label: fmt.Sprintf("%.4g", low)}}
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, finer := range []float64{2, 5} {
		if (high-low)/step < 4 {
			step = math.Pow(10, math.Floor(math.Log10(high-low))) / finer
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		v := i*step + 0 // never -0
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.6g", v)})
	}
	return ticks
}

// logTicks are 1, 2, 5, 10, 20, 50 ... of a logarithmic axis, or where the range
// has fewer than three of them those of a linear one.
func logTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * decade; v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
			}
		}
	}
	if len(ticks) < 3 {
		return linearTicks(low, high)
	}
	return ticks
}

func modelColor(model string) color.RGBA {
	if model == Student {
		return studentColor
	}
	return teacherColor
}
