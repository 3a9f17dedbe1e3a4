package flow_test

import (
	"slices"
	"testing"

	"fsdfm/flow"
)

// replay draws stored uniforms in order.
type replay struct {
	t        *testing.T
	uniforms []float64
}

func (r *replay) Float64() float64 {
	if len(r.uniforms) == 0 {
		r.t.Fatal("more uniforms drawn than stored")
	}
	u := r.uniforms[0]
	r.uniforms = r.uniforms[1:]
	return u
}

func TestPathGolden(t *testing.T) {
	g := readGolden(t, "scheduler_path")
	x0 := flow.Tokens{Batch: 3, Length: 20, IDs: g.ids("in/path_x0")}
	x1 := flow.Tokens{Batch: 3, Length: 20, IDs: g.ids("in/path_x1")}
	r := g.doubles("in/path_r")
	var rng []flow.Rand
	for i := range x0.Batch {
		rng = append(rng, &replay{t, r[i*20 : (i+1)*20]})
	}
	want := g.ids("out/path_xt")
	// dst may be x_0 itself.
	flow.MixturePath{Scheduler: flow.Polynomial{N: 1}}.Sample(x0, x0, x1, g.doubles("in/path_t"), rng)
	if !slices.Equal(x0.IDs, want) {
		t.Errorf("x_t = %v, want %v", x0.IDs, want)
	}
}

func TestPathEnds(t *testing.T) {
	x0, x1, xt := flow.NewTokens(2, 50), flow.NewTokens(2, 50), flow.NewTokens(2, 50)
	for i := range x1.IDs {
		x1.IDs[i] = 1
	}
	p := flow.MixturePath{Scheduler: flow.Polynomial{N: 2}}
	p.Sample(xt, x0, x1, []float64{0, 1}, flow.Streams(1, "ends", 0, 2))
	if !slices.Equal(xt.Row(0), x0.Row(0)) || !slices.Equal(xt.Row(1), x1.Row(1)) {
		t.Errorf("x_t is %v at t = 0 and %v at t = 1: must be the source and the data", xt.Row(0), xt.Row(1))
	}
}
