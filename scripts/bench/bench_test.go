package main

import (
	"context"
	"math"
	"os/exec"
	"strings"
	"testing"

	"fsdfm/model"
)

func tiny() problem {
	return problem{model.Config{
		VocabSize: 13, Length: 24, HiddenSize: 32, CondDim: 16, Blocks: 2, Heads: 2, StepConditioning: model.Additive,
	}, 8}
}

// TestAgreement makes the whole way through PyTorch: weights, losses, gradient
// norms, updates and one timing of every operation.
func TestAgreement(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import torch").Run() != nil {
		t.Skip("no torch")
	}
	b := &bench{ctx: context.Background(), python: python, reference: "../reference.py", dir: t.TempDir()}
	theirs, err := b.open(setting{threads: 1}, versions)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.stop()
	for name, p := range map[string]problem{"pretrained": tiny(), "student": tiny().student()} {
		t.Run(name, func(t *testing.T) {
			o := newOurs(p)
			weights, inputs, err := o.write(b.dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := theirs.ask(request{"op": "open", "config": p.config, "batch": p.batch, "weights": weights, "inputs": inputs}); err != nil {
				t.Fatal(err)
			}
			for _, updates := range []bool{false, true} {
				if _, err := agree(o, theirs, updates); err != nil {
					t.Error(err)
				}
			}
			for _, r := range []request{{"op": "train"}, {"op": "forward"}, {"op": "sample", "steps": 3}} {
				if s, err := theirs.timed(r)(); err != nil || s <= 0 {
					t.Errorf("%v took %v s: %v", r["op"], s, err)
				}
			}
		})
	}
}

// TestBudgetSeed: a speed of distillation is worth what its share of routed rows
// is. The doubling budgets send 1023 of 2047 rows to the teacher.
func TestBudgetSeed(t *testing.T) {
	const want, tolerance = 1023. / 2047, 0.001 // exactly one half of 32 and of 128 rows
	o := newOurs(tiny().student())
	asked, err := o.distil()
	if err != nil {
		t.Fatal(err)
	}
	for step := range 16 {
		if err := o.train(step * o.batch); err != nil {
			t.Fatal(err)
		}
		share := float64(*asked) / float64((step+1)*o.batch)
		if (step == 3 || step == 15) && math.Abs(share-want) > tolerance {
			t.Errorf("%.3f of the rows of %d steps ask the teacher, want %.3f within %v", share, step+1, want, tolerance)
		}
	}
}

func TestParseGemm(t *testing.T) {
	var out strings.Builder
	for i, shape := range gemmShapes {
		share := []string{"80.00", "90.00"}[i%2]
		out.WriteString("BenchmarkGemm/" + shape + "/threads2-2 \t 100\t 12 ns/op\t " + share + " %peak\t " + strings.Replace(share, ".", "", 1)[:2] + " best-GFLOP/s\t 50 mean-GFLOP/s\n")
	}
	g, err := parseGemm([]byte("goos: linux\n" + out.String() + "PASS\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Sqrt(80 * 90); math.Abs(g.best-want) > 1e-9 || math.Abs(g.peak-100) > 1e-9 || math.Abs(g.mean-50) > 1e-9 {
		t.Errorf("got %+v, want a best of %v %% and a mean of 50 %% of 100 GFLOP/s", g, want)
	}
	if _, err := parseGemm([]byte("PASS\n")); err == nil {
		t.Error("a benchmark without a line is no error")
	}
}

func TestReached(t *testing.T) {
	l := line{figure{goal: 2, must: 1.5}, result{ratio: 1.4, pytorch: []versus{{ratio: 1.4}, {ratio: 1.6}}}}
	if got := l.reached(); got != "no, must" {
		t.Errorf("ratios of 1.4 and 1.6 reach %q, want no, must", got)
	}
	l = line{figure{goal: 2, must: 1.5}, result{ratio: 2}}
	if got := l.reached(); got != "goal" {
		t.Errorf("a ratio of 2 reaches %q, want goal", got)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := measured(c.values).median(); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}
