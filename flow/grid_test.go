package flow_test

import (
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
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("grid %v, want %v", c.got, c.want)
		}
	}
}
