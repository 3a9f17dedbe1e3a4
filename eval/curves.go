package eval

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"gonum.org/v1/plot/plotter"
)

// Curve is the loss of one training stage against steps.
type Curve struct {
	Stage   string  `json:"stage"`
	Train   []Point `json:"train,omitempty"`    // means of some steps each
	HeldOut []Point `json:"held_out,omitempty"` // of the averaged weights
}

// Point is a loss after a number of steps.
type Point struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"`
}

// mostPoints keeps a curve small: no picture shows more.
const mostPoints = 500

// ReadCurves reads a run's metrics.jsonl, as package train writes it. A last
// line cut short is ignored, and so are lines without a loss.
func ReadCurves(r io.Reader) ([]Curve, error) {
	var curves []Curve
	stage := map[string]int{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var record struct {
			Stage    string   `json:"stage"`
			Step     int      `json:"step"`
			Loss     *float64 `json:"loss"`
			EvalLoss *float64 `json:"eval_loss"`
		}
		if json.Unmarshal(lines.Bytes(), &record) != nil {
			continue
		}
		i, ok := stage[record.Stage]
		if !ok {
			i = len(curves)
			stage[record.Stage], curves = i, append(curves, Curve{Stage: record.Stage})
		}
		if record.Loss != nil {
			curves[i].Train = append(curves[i].Train, Point{record.Step, *record.Loss})
		}
		if record.EvalLoss != nil {
			curves[i].HeldOut = append(curves[i].HeldOut, Point{record.Step, *record.EvalLoss})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("eval: reading the training curves: %w", err)
	}
	for i := range curves {
		curves[i].Train, curves[i].HeldOut = thin(curves[i].Train), thin(curves[i].HeldOut)
	}
	return curves, nil
}

// thin replaces neighbours by their mean, at the last one's step, until at most
// mostPoints are left.
func thin(points []Point) []Point {
	width := (len(points) + mostPoints - 1) / mostPoints
	if width < 2 {
		return points
	}
	thinned := make([]Point, 0, mostPoints)
	for first := 0; first < len(points); first += width {
		part := points[first:min(first+width, len(points))]
		mean := 0.0
		for _, p := range part {
			mean += p.Loss / float64(len(part))
		}
		thinned = append(thinned, Point{part[len(part)-1].Step, mean})
	}
	return thinned
}

// figure shows both losses of a stage.
func (c Curve) figure() figure {
	xys := func(points []Point) (xy plotter.XYs) {
		for _, p := range points {
			xy = append(xy, plotter.XY{X: float64(p.Step), Y: p.Loss})
		}
		return xy
	}
	f := figure{title: "Training: " + c.Stage, x: "optimizer steps", y: "loss (nats)"}
	if len(c.Train) > 0 {
		f.series = append(f.series, series{name: "training rows", color: teacherColor, points: xys(c.Train)})
	}
	if len(c.HeldOut) > 0 {
		f.series = append(f.series, series{name: "held-out rows, averaged weights", color: dataColor, marks: true, points: xys(c.HeldOut)})
	}
	return f
}
