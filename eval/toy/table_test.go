package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	x := NewTable("Share", []int{2, 4})
	x.Add("a", []float64{0.5, 0.75})
	x.Add("b", []float64{0.6, 0.75})
	x.Add("a", []float64{0.7, 0.75})
	x.Add("b", []float64{0.6, 0.5})
	var b strings.Builder
	if err := x.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	const want = `
Share

| model | 2 | 4 |
|---|---:|---:|
| a | 0.600 ± 0.141 | 0.750 ± 0.000 |
| b | 0.600 ± 0.000 | 0.625 ± 0.177 |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	// a is ahead of b in the second seed only, at both budgets; equal is no win.
	if wins, of := x.Wins("a", "b", 2, 4, 8); wins != 2 || of != 4 {
		t.Errorf("%d wins of %d, want 2 of 4", wins, of)
	}
	if wins, of := x.Wins("c", "b", 2); wins != 0 || of != 0 {
		t.Errorf("%d wins of %d for a model that is not there", wins, of)
	}
}

func TestRefusals(t *testing.T) {
	good := report{seeds: 1, rows: 1, share: 0.5}
	for _, c := range []struct {
		table, source string
		change        func(*report)
		want          string
	}{
		{"valid", "noise", func(*report) {}, `unknown source "noise": must be uniform or mask`},
		{"all", "mask", func(*report) {}, `unknown table "all": must be valid, exact, valid-variants or exact-variants`},
		{"valid", "mask", func(r *report) { r.seeds = 0 }, "0 seeds and 1 rows: must be at least 1"},
		{"valid", "mask", func(r *report) { r.share = 1 }, "share 1: must be in [0.05, 0.95]"},
	} {
		r := good
		c.change(&r)
		if err := r.print(t.Context(), c.table, c.source); err == nil || err.Error() != c.want {
			t.Errorf("error is %v, want %s", err, c.want)
		}
	}
}
