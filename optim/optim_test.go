package optim_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"fsdfm/optim"
)

// TestGoldenLearningRate is the reference's table: lr 1e-5, warm-up 10,000,
// 500,000 steps, floor 10 %.
func TestGoldenLearningRate(t *testing.T) {
	text, err := os.ReadFile("../testdata/golden/scheduler_path.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Table struct {
			Rates map[string]float64 `json:"step->lr"`
		} `json:"lr_table"`
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden.Table.Rates) == 0 {
		t.Fatalf("no table: %v", err)
	}
	c := optim.Config{LR: 1e-5, Warmup: 10000, MinLRRatio: 0.1}
	for name, want := range golden.Table.Rates {
		step, err := strconv.Atoi(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LearningRate(step, 500000); math.Abs(got-want) > 1e-12*want {
			t.Errorf("step %d: rate %v, want %v", step, got, want)
		}
	}
}

// TestAdamW compares two steps with the formulas in double precision.
func TestAdamW(t *testing.T) {
	c := optim.Config{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1, Clip: 1}
	p, ema := []float32{1, -2, 0.5}, []float32{1, -2, 0.5}
	a := optim.NewAdamW(c, 3)
	want, m, v, wantEMA := []float64{1, -2, 0.5}, make([]float64, 3), make([]float64, 3), []float64{1, -2, 0.5}
	for step, g := range [][]float32{{3, -4, 0}, {0.1, 0.2, -0.3}} {
		norm, err := a.Step(p, g, ema, step+1, 0.01, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range g {
			sum += float64(x) * float64(x)
		}
		if math.Abs(norm-math.Sqrt(sum)) > 1e-6*norm {
			t.Errorf("norm is %v, want %v", norm, math.Sqrt(sum))
		}
		scale := min(1, 1/(math.Sqrt(sum)+1e-6))
		for i, x := range []float64{float64(g[0]), float64(g[1]), float64(g[2])} {
			x *= scale
			m[i], v[i] = 0.9*m[i]+0.1*x, 0.95*v[i]+0.05*x*x
			k := float64(step + 1)
			want[i] = want[i]*(1-0.01*0.1) - 0.01/(1-math.Pow(0.9, k))*m[i]/(math.Sqrt(v[i])/math.Sqrt(1-math.Pow(0.95, k))+1e-8)
			wantEMA[i] += 0.1 * (want[i] - wantEMA[i])
		}
	}
	for i := range p {
		if math.Abs(float64(p[i])-want[i]) > 1e-6 || math.Abs(float64(ema[i])-wantEMA[i]) > 1e-6 { // fp32 storage
			t.Errorf("value %d is %v with EMA %v, want %v and %v", i, p[i], ema[i], want[i], wantEMA[i])
		}
	}
}

func TestAdamWRefusesNaN(t *testing.T) {
	a, p := optim.NewAdamW(optim.DefaultConfig(), 2), []float32{1, 2}
	_, err := a.Step(p, []float32{1, float32(math.NaN())}, nil, 7, 0.1, 0)
	if err == nil || !strings.Contains(err.Error(), "step 7") {
		t.Errorf("error is %v, want one that names step 7", err)
	}
	if p[0] != 1 || p[1] != 2 {
		t.Errorf("a refused step changed the parameters to %v", p)
	}
}
