package sample_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fsdfm/flow"
	"fsdfm/sample"
)

// templates give each of five samples tokens of its own.
func templates(length int) []sample.Template {
	all := make([]sample.Template, 5)
	for i := range all {
		all[i] = sample.Blank(length)
		for j := range i {
			all[i][(3*i+5*j)%length] = int32(j % 3)
		}
	}
	return all
}

// Samples with different given tokens can be drawn together or one by one, and
// the given tokens stay through every step.
func TestCompleteKeepsWhatIsGivenInAnyBatch(t *testing.T) {
	_, m := exported(t)
	g, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	grid, all := []float64{0, 0.1, 0.4, 1}, templates(g.Length)
	complete := func(batch int) (samples [][]int32) {
		for first := 0; first < len(all); first += batch {
			some, seen := all[first:min(first+batch, len(all))], 0
			drawn, err := g.Complete(context.Background(), grid, first, some, func(step int, at float64, x flow.Tokens) {
				if step != seen || at != grid[step] {
					t.Errorf("step %d, time %v is told as the %dth", step, at, seen)
				}
				seen++
				for i, template := range some {
					for j, id := range template {
						if got := x.Row(i)[j]; id != sample.Free && got != id {
							t.Errorf("sample %d, step %d: position %d is %d, given as %d", first+i, step, j, got, id)
						}
					}
				}
			})
			if err != nil || seen != len(grid) {
				t.Fatalf("%d states of %d, %v", seen, len(grid), err)
			}
			samples = append(samples, drawn...)
		}
		return samples
	}
	want := complete(5)
	for _, batch := range []int{1, 2, 3} {
		if got := complete(batch); !reflect.DeepEqual(got, want) {
			t.Errorf("batches of %d: %v, want %v", batch, got, want)
		}
	}
}

// asked notes the times and step sizes that a network is asked at.
type asked struct {
	flow.Denoiser
	t, h []float64
}

func (a *asked) Logits(x flow.Tokens, t, h []float64) ([]float32, error) {
	a.t, a.h = append(a.t, t[0]), append(a.h, h[0])
	return a.Denoiser.Logits(x, t, h)
}

func TestCompleteAsksForTheStepsOfTheGrid(t *testing.T) {
	_, m := exported(t)
	g, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	network := &asked{Denoiser: g.Sampler.Denoiser}
	g.Sampler.Denoiser = network
	if _, err := g.Complete(context.Background(), []float64{0, 0.125, 0.5, 1}, 0, []sample.Template{sample.Blank(g.Length)}, nil); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 0.125, 0.5}; !slices.Equal(network.t, want) {
		t.Errorf("times %v, want %v", network.t, want)
	}
	if want := []float64{0.125, 0.375, 0.5}; !slices.Equal(network.h, want) {
		t.Errorf("step sizes %v, want %v", network.h, want)
	}
}

func TestDrawIsCompletingNothingGiven(t *testing.T) {
	_, m := exported(t)
	g, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	g.Batch = 2
	calls := 0
	drawn, err := g.Draw(context.Background(), 3, 3, func(done int) {
		if calls++; done != calls {
			t.Errorf("call %d tells of %d evaluations", calls, done)
		}
	})
	if err != nil || calls != 6 {
		t.Fatalf("%d calls, want 6 for 3 steps of 2 batches; %v", calls, err)
	}
	blank := sample.Blank(g.Length)
	want, err := g.Complete(context.Background(), flow.TimeGrid(3), 0, []sample.Template{blank, blank, blank}, nil)
	if err != nil || !reflect.DeepEqual(drawn, want) {
		t.Errorf("drew %v, want %v, %v", drawn, want, err)
	}
}

// A model samples at its own temperature, the same as that of a posterior
// tempered from outside.
func TestGeneratorHasTheModelsTemperature(t *testing.T) {
	_, m := exported(t)
	plain := draw(t, m, 5)
	outside, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	outside.Sampler.Denoiser = flow.Tempered{Denoiser: outside.Sampler.Denoiser, Temperature: 0.1}
	want, err := outside.Draw(context.Background(), 4, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Description.Temperature = 0.1
	got := draw(t, m, 5)
	if !reflect.DeepEqual(got, want) || reflect.DeepEqual(got, plain) {
		t.Errorf("drew %v, want %v, at temperature 1 %v", got, want, plain)
	}
}

func TestGeneratorErrors(t *testing.T) {
	_, m := exported(t)
	g, err := m.Generator("")
	if err != nil {
		t.Fatal(err)
	}
	background := context.Background()
	_, steps := g.Draw(background, 0, 1, nil)
	_, n := g.Draw(background, 1, 0, nil)
	_, length := g.Complete(background, flow.TimeGrid(1), 0, []sample.Template{sample.Blank(3)}, nil)
	stopped, stop := context.WithCancel(background)
	stop()
	_, interrupted := g.Draw(stopped, 4, 1, nil)
	for want, err := range map[string]error{
		"steps is 0":              steps,
		"n is 0":                  n,
		"has 3 tokens":            length,
		"before sampling step 1 ": interrupted,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
