package flow_test

import (
	"math"
	"slices"
	"testing"

	"fsdfm/flow"
)

func TestTimeGrids(t *testing.T) {
	for _, c := range []struct {
		got, want []float64
	}{
		{flow.TimeGrid(1), []float64{0, 1}},
		{flow.TimeGrid(4), []float64{0, 0.25, 0.5, 0.75, 1}},
		{flow.TimeGridTo(0.999, 4), []float64{0, 0.25, 0.5, 0.75, 0.999}},
		{flow.TimeGridTo(0.75, 4), []float64{0, 0.25, 0.5, 0.75}},
		{flow.TimeGridTo(0.6, 4), []float64{0, 0.25, 0.5, 0.6}},
		{flow.TimeGrid(0), nil},
		{flow.TimeGrid(-3), nil},
		{flow.Spacing(0).Grid(3), flow.TimeGrid(3)},
		{flow.Spacing(1).Grid(3), flow.TimeGrid(3)},
		{flow.Spacing(2).Grid(4), []float64{0, 1 - 9./16, 1 - 4./16, 1 - 1./16, 1}},
		{flow.Spacing(2).Grid(0), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("grid %v, want %v", c.got, c.want)
		}
	}
}

// A step of few is exactly the sum of the steps of many that it stands for.
func TestSpacedLegs(t *testing.T) {
	for _, s := range []flow.Spacing{0, 0.5, 1, 1.5, 2, 3} {
		grid := s.Grid(8)
		for k := range 4 {
			at, h := s.Leg(float64(k)/4, 0.25)
			if at != grid[2*k] || math.Abs(at+h-grid[2*k+2]) > 1e-15 { // a rounding of at+h
				t.Errorf("spacing %v, step %d of 4: from %v by %v, want %v to %v", s, k, at, h, grid[2*k], grid[2*k+2])
			}
		}
	}
}
