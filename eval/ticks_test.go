package eval

import (
	"slices"
	"testing"

	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) (list []string) {
	for _, t := range ticks {
		list = append(list, t.Label)
	}
	return list
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high   float64
		linear, log []string
	}{
		{0, 10, []string{"0", "2", "4", "6", "8", "10"}, nil},
		{0, 2000, []string{"0", "500", "1000", "1500", "2000"}, nil},
		{6.76, 7.65, []string{"6.8", "6.9", "7", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6"}, []string{"6.8", "6.9", "7", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6"}},
		{-0.13, 0.21, []string{"-0.1", "-0.05", "0", "0.05", "0.1", "0.15", "0.2"}, nil},
		{3.5, 22, []string{"4", "6", "8", "10", "12", "14", "16", "18", "20", "22"}, []string{"5", "10", "20"}},
		{-25, 525, []string{"0", "100", "200", "300", "400", "500"}, nil},
		{4, 4, []string{"4"}, nil},
	} {
		if got := labels(linearTicks(test.low, test.high)); !slices.Equal(got, test.linear) {
			t.Errorf("%v to %v: ticks %q, want %q", test.low, test.high, got, test.linear)
		}
		if test.log == nil {
			continue
		}
		if got := labels(logTicks(test.low, test.high)); !slices.Equal(got, test.log) {
			t.Errorf("%v to %v: logarithmic ticks %q, want %q", test.low, test.high, got, test.log)
		}
	}
}
