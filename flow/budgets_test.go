package flow_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"fsdfm/flow"
)

// pair draws first, then second, over and over.
type pair struct{ first, second float64 }

func (p *pair) Float64() float64 {
	u := p.first
	p.first, p.second = p.second, u
	return u
}

func TestBudgetsGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/scheduler_path.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Sampling struct {
			Tables map[string]struct {
				Dt, Prob []float64
				MaxT     []int `json:"max_t_index"`
			}
		} `json:"dt_sampling"`
	}
	if err := json.Unmarshal(file, &golden); err != nil {
		t.Fatal(err)
	}
	table := golden.Sampling.Tables["time_epsilon=0"]
	b := newBudgets(t, "doubling", 1024)
	c := 0.0
	for i, h := range table.Dt {
		// Both ends of the budget's share of uniforms, and of its times.
		for _, u := range []float64{c + 1e-9, c + table.Prob[i] - 1e-9} {
			for v, index := range map[float64]int{0: 0, math.Nextafter(1, 0): table.MaxT[i]} {
				at, step := b.Draw(&pair{u, v})
				if step != h || at != float64(index)/1024 {
					t.Errorf("uniforms %v, %v draw t = %v, h = %v, want %v/1024 and %v", u, v, at, step, index, h)
				}
			}
		}
		c += table.Prob[i]
	}
	near(t, "sum of the golden probabilities", c, 1, 1e-9) // fp32 in the reference
}

func TestBudgetWeights(t *testing.T) {
	for name, want := range map[string][]float64{
		"uniform":  {1, 1, 1, 1},
		"doubling": {1, 2, 4, 8},
		"ramp":     {4, 3, 2, 1},
	} {
		b := newBudgets(t, name, 8)
		if !slices.Equal(b.Weight, want) || !slices.Equal(b.Steps, []int{1, 2, 4, 8}) || b.Grid != 8 {
			t.Errorf("%s: %+v, want weights %v", name, b, want)
		}
		if err := b.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// All steps stay within [0, 1] and start on the grid.
func TestBudgetDrawsFitTheGrid(t *testing.T) {
	b := newBudgets(t, "uniform", 64).UpTo(16)
	if b.Grid != 16 || !slices.Equal(b.Steps, []int{1, 2, 4, 8, 16}) || len(b.Weight) != 5 {
		t.Fatalf("up to 16 steps: %+v", b)
	}
	r := flow.Streams(1, "budgets", 0, 1)[0]
	for range 2000 {
		at, h := b.Draw(r)
		if at+h > 1 || at < 0 || at*16 != math.Trunc(at*16) {
			t.Fatalf("drew t = %v, h = %v", at, h)
		}
	}
}

func TestBudgetsErrors(t *testing.T) {
	if _, err := flow.NewBudgets("linear", 8); err == nil || !strings.Contains(err.Error(), `"linear": must be one of [uniform doubling ramp]`) {
		t.Errorf("unknown name: %v", err)
	}
	for _, max := range []int{-1, 0, 3, 1000} {
		if _, err := flow.NewBudgets("uniform", max); err == nil || !strings.Contains(err.Error(), "power of two") {
			t.Errorf("largest budget %d: %v", max, err)
		}
	}
	all := flow.Budgets{Steps: []int{0, 2}, Weight: []float64{-1, math.NaN(), 3}}.Validate()
	for _, want := range []string{"grid is 0", "2 budgets with 3 weights", "0 steps", "is -1", "is NaN", "sum to NaN"} {
		if all == nil || !strings.Contains(all.Error(), want) {
			t.Errorf("errors %v do not mention %q", all, want)
		}
	}
}

// A budget of weight 0 is never drawn, at either end of the uniforms.
func TestBudgetOfNoWeight(t *testing.T) {
	b := flow.Budgets{Steps: []int{1, 2, 4}, Weight: []float64{0, 1, 0}, Grid: 4}
	for _, u := range []float64{0, 0.5, math.Nextafter(1, 0)} {
		if _, h := b.Draw(&pair{u, 0}); h != 0.5 {
			t.Errorf("uniform %v draws h = %v, want 0.5", u, h)
		}
	}
}

func newBudgets(t *testing.T, name string, max int) flow.Budgets {
	t.Helper()
	b, err := flow.NewBudgets(name, max)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
