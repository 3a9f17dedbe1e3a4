package eval_test

import (
	"math"
	"testing"

	"fsdfm/eval"
)

func TestEntropyGolden(t *testing.T) {
	rows := cut(readGolden(t, "eval_metrics").ids("in/samples"), 20)
	for i, want := range []float64{0, 2.4414460711655215, 2.365957320949175, 2.528212945841002} {
		near(t, "entropy of a row", eval.Entropy(rows[i]), want, 1e-14) // rounding
	}
	near(t, "mean", eval.MeanEntropy(rows), 1.8339040279388428, 1e-7) // the reference's mean is fp32
}

func TestEntropyEnds(t *testing.T) {
	all := make([]int32, 64)
	for i := range all {
		all[i] = int32(i)
	}
	near(t, "64 different tokens", eval.Entropy(all), 6, 1e-14) // rounding
	if eval.Entropy(nil) != 0 || eval.MeanEntropy(nil) != 0 || eval.EntropyBand(nil) != [2]float64{} {
		t.Error("nothing must have an entropy of 0")
	}
}

func TestEntropyBand(t *testing.T) {
	var rows [][]int32 // row i has i+1 equally frequent tokens
	for i := range 101 {
		row := make([]int32, i+1)
		for j := range row {
			row[j] = int32(j)
		}
		rows = append(rows, row)
	}
	band := eval.EntropyBand(rows)
	near(t, "5th percentile", band[0], math.Log2(6), 1e-13) // rounding
	near(t, "95th percentile", band[1], math.Log2(96), 1e-13)
}
