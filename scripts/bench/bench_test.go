package main

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
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
		out.WriteString("BenchmarkGemm/avx2/threads2/" + shape + "-2 \t 100\t 12 ns/op\t " + share + " %peak\t " + strings.Replace(share, ".", "", 1)[:2] + " best-GFLOP/s\t 50 mean-GFLOP/s\n")
	}
	g, err := parseGemm([]byte("goos: linux\n"+out.String()+"PASS\n"), len(gemmShapes))
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Sqrt(80 * 90); math.Abs(g.best-want) > 1e-9 || math.Abs(g.peak-100) > 1e-9 || math.Abs(g.mean-50) > 1e-9 {
		t.Errorf("got %+v, want a best of %v %% and a mean of 50 %% of 100 GFLOP/s", g, want)
	}
	if _, err := parseGemm([]byte("PASS\n"), 1); err == nil {
		t.Error("a benchmark without a line is no error")
	}
}

func TestReached(t *testing.T) {
	l := line{figure{goal: 2, must: 1.5}, []result{{Ratio: 1.4}, {Ratio: 1.6}, {Ratio: 2}}}
	if got := l.reached(); got != "no, must, goal" {
		t.Errorf("ratios of 1.4, 1.6 and 2 reach %q, want no, must, goal", got)
	}
}

func TestTable(t *testing.T) {
	b := &bench{lines: []line{{figure{name: "n", goal: 2, must: 1}, []result{{Ours: "a", Theirs: "b", Ratio: 1.5}}}}}
	rows := strings.Split(strings.TrimSpace(b.table()), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[2], "| n | a | b | 1.50x |") {
		t.Errorf("table is\n%s", b.table())
	}
	for _, r := range rows[2:] {
		if strings.Count(r, "|") != strings.Count(rows[1], "|") {
			t.Errorf("row %q has not the columns of %q", r, rows[1])
		}
	}
}

func TestTuned(t *testing.T) {
	for _, c := range []struct {
		blas []string
		want bool
	}{
		{[]string{"/usr/lib/blas/libblas.so.3.11.0"}, false},
		{[]string{"/usr/lib/openblas-pthread/libblas.so.3", "/usr/lib/openblas-pthread/libopenblasp-r0.3.21.so"}, true},
		{nil, true},
	} {
		if got := (about{BLAS: c.blas}).tuned(); got != c.want {
			t.Errorf("BLAS %v: tuned is %v, want %v", c.blas, got, c.want)
		}
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

func TestFamilies(t *testing.T) {
	const traces = `File: bench
Type: cpu
-----------+-------------------------------------------------------
      1.20s   fsdfm/ops/kernel.gemmStrip64
             fsdfm/ops/kernel.(*packing).multiply (inline)
             fsdfm/loss.(*head).chunk
             gorgonia.org/gorgonia.(*tapeMachine).RunAll
-----------+-------------------------------------------------------
     300ms   fsdfm/ops/kernel.packTranspose8
             fsdfm/ops/kernel.(*headScratch).packKeys
-----------+-------------------------------------------------------
     500ms   gorgonia.org/gorgonia.(*tapeMachine).RunAll
`
	shares, err := familyShares(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"products: multiply-adds": 0.6, "attention": 0.15, "gorgonia and the rest": 0.25}
	for _, f := range families {
		if math.Abs(shares[f.name]-want[f.name]) > 1e-9 {
			t.Errorf("%s has a share of %v, want %v", f.name, shares[f.name], want[f.name])
		}
	}
	if _, err := familyShares("no samples"); err == nil {
		t.Error("no samples are no error")
	}
}

func TestGrowth(t *testing.T) {
	p := tiny()
	m, err := p.cost(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	least := 4 * 5 * float64(p.config.Parameters()) // weights, gradient, EMA and two moments
	if m.seconds <= 0 || m.bytes < least {
		t.Errorf("a step takes %v s and %v bytes, want more than 0 and %v", m.seconds, m.bytes, least)
	}
	path := filepath.Join(t.TempDir(), "length.svg")
	if err := drawGrowth(path, variables[0], []point{{64, m}, {128, m}}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "<svg") || !strings.Contains(string(text), variables[0].axis) {
		t.Errorf("no plot with the axis %q: %v", variables[0].axis, err)
	}
}
