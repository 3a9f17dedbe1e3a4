package main

import (
	"math"
	"testing"
)

func TestChain(t *testing.T) {
	const n = 4000
	d := data{Long, 16, 1}
	flat := make([]int32, n*d.length)
	if err := d.Fill(flat, 0); err != nil {
		t.Fatal(err)
	}
	rows := make([][]int32, n)
	for i := range rows {
		rows[i] = flat[i*d.length : (i+1)*d.length]
	}
	if v := Long.Valid(rows); v != 1 {
		t.Errorf("%v of the chain's own transitions are valid", v)
	}
	// 60,000 pairs in 16 cells: a deviation of about 0.006 in all.
	if v := Long.PairDistance(rows); v > 0.02 {
		t.Errorf("pairs of the chain's own rows are %v from its pairs", v)
	}
	again := make([]int32, d.length)
	if err := d.Fill(again, 7); err != nil {
		t.Fatal(err)
	}
	for j, v := range again {
		if v != rows[7][j] {
			t.Fatalf("row 7 is %v when drawn alone, %v among others", again, rows[7])
		}
	}
}

func TestChainFigures(t *testing.T) {
	for _, c := range []struct {
		name         string
		rows         [][]int32
		valid, pairs float64
	}{
		// Long goes from a to a+1 (0.6) or a+3 (0.4); every pair has 1/8 of that.
		{"one valid of two", [][]int32{{0, 1, 3}}, 0.5, 1 - 0.6/8},
		{"around the ring", [][]int32{{7, 0, 3}, {6, 1, 2}}, 1, 1 - (0.6/8 + 0.4/8 + 0.4/8 + 0.6/8)},
		{"a mask left", [][]int32{{8, 1, 8}}, 0, 1},
		{"always the same", [][]int32{{0, 1}, {0, 1}}, 1, 1 - 0.6/8},
	} {
		if got := Long.Valid(c.rows); got != c.valid {
			t.Errorf("%s: %v valid, want %v", c.name, got, c.valid)
		}
		if got := Long.PairDistance(c.rows); math.Abs(got-c.pairs) > 1e-12 {
			t.Errorf("%s: pairs at %v, want %v", c.name, got, c.pairs)
		}
	}
}
