package train_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fsdfm/data"
	"fsdfm/flow"
	"fsdfm/internal/golden"
	"fsdfm/model"
	"fsdfm/ops"
	"fsdfm/optim"
	"fsdfm/train"
)

var tiny = model.Config{
	VocabSize: 11, Length: 8, HiddenSize: 16, CondDim: 8, Blocks: 2, Heads: 2, Dropout: 0.1, StepConditioning: model.Additive,
}

func rowsOf(t *testing.T, c model.Config, n int) *data.Rows {
	t.Helper()
	ids := make([]int32, n*c.Length)
	for i := range ids {
		ids[i] = int32(i*i+i/7) % int32(c.VocabSize)
	}
	rows, err := data.NewRows(ids, c.Length)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// newLoop is a small pretraining run in dir.
func newLoop(t *testing.T, dir string, gkl bool) *train.Loop {
	t.Helper()
	return loopOf(t, dir, tiny, gkl)
}

func loopOf(t *testing.T, dir string, shape model.Config, gkl bool) *train.Loop {
	t.Helper()
	c := train.DefaultConfig()
	c.Steps, c.Batch, c.MicroBatch, c.CheckpointEvery, c.LogEvery, c.EvalEvery, c.EvalRows = 12, 6, 4, 100, 3, 6, 5
	c.Optim = optim.Config{LR: 1e-2, Warmup: 3, MinLRRatio: 0.1, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.03, Clip: 1}
	w := model.NewWeights(shape)
	w.Init(3)
	l := train.New(c, w)
	l.Kind, l.Dir, l.Seed, l.Length, l.RunConfig = "pretrain", filepath.Join(dir, "pretrain"), 5, shape.Length, json.RawMessage(`{}`)
	l.Metrics = train.NewMetrics(filepath.Join(dir, "metrics.jsonl"))
	l.Objective = &train.Pretrain{
		Learner: l.Learner, EMA: model.NewDenoiser(w.On(l.EMA)), Path: flow.MixturePath{Scheduler: flow.Polynomial{N: 1}},
		Source: flow.Uniform{Vocab: shape.VocabSize}, GKL: gkl, Seed: l.Seed,
	}
	l.Train, l.HeldOut = data.NewReader(rowsOf(t, shape, 40), l.Seed), data.NewReader(rowsOf(t, shape, 9), 0)
	if err := l.Resume(); err != nil {
		t.Fatal(err)
	}
	return l
}

// stopping ends a context when the loop reports step at.
type stopping struct {
	at     int
	cancel context.CancelFunc
}

func (s stopping) Step(step, _ int, _, _ float64) {
	if step >= s.at {
		s.cancel()
	}
}
func (stopping) Note(string, ...any) {}

// TestResume stops a run and goes on with other threads: every tensor and every
// logged number must be bit-equal to the uninterrupted run's.
func TestResume(t *testing.T) {
	defer ops.SetThreads(0)
	for name, gkl := range map[string]bool{"cross entropy": false, "generalized KL": true} {
		t.Run(name, func(t *testing.T) {
			whole, parts := t.TempDir(), t.TempDir()
			straight := newLoop(t, whole, gkl)
			if err := straight.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i, at := range []int{3, 9} {
				ops.SetThreads(1 + i)
				ctx, cancel := context.WithCancel(context.Background())
				l := newLoop(t, parts, gkl)
				l.Observer = stopping{at, cancel}
				if err := l.Run(ctx); !errors.Is(err, train.ErrInterrupted) {
					t.Fatalf("error is %v, want an interruption", err)
				}
				if l.Step() != at {
					t.Fatalf("stopped at step %d, want %d", l.Step(), at)
				}
			}
			ops.SetThreads(1)
			resumed := newLoop(t, parts, gkl)
			if resumed.Step() != 9 {
				t.Fatalf("resumed at step %d, want 9", resumed.Step())
			}
			if err := resumed.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			for name, pair := range map[string][2][]float32{
				"weights": {resumed.Learner.Weights.Data, straight.Learner.Weights.Data}, "ema": {resumed.EMA, straight.EMA},
				"moment1": {resumed.Optimizer.Moment1, straight.Optimizer.Moment1}, "moment2": {resumed.Optimizer.Moment2, straight.Optimizer.Moment2},
			} {
				golden.Near(t, name, pair[0], pair[1], 0)
			}
			a, b := metrics(t, whole), metrics(t, parts)
			if strings.Join(a, "\n") != strings.Join(b, "\n") {
				t.Errorf("metrics of the resumed run:\n%s\nwant\n%s", strings.Join(b, "\n"), strings.Join(a, "\n"))
			}
			if len(a) != 6 {
				t.Errorf("%d lines of metrics, want 4 losses and 2 held-out losses", len(a))
			}
		})
	}
}

// metrics are the lines of a run without their speed.
func metrics(t *testing.T, dir string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		var r train.Record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		r.TokensPerSecond = 0
		text, _ := json.Marshal(r)
		lines = append(lines, string(text))
	}
	return lines
}

// TestMicroBatches: weights and metrics are bit-equal for any split of a batch
// and any number of threads, also where kernels cut a long sum and the output
// layer takes parts of rows.
func TestMicroBatches(t *testing.T) {
	defer ops.SetThreads(0)
	small, long, wide := tiny, tiny, tiny
	long.Length, long.HiddenSize, long.Blocks = 200, 96, 1
	wide.Length, wide.VocabSize, wide.Blocks = 300, 5000, 1
	for name, splits := range map[string][]int{"small": {1, 2, 4, 5, 6}, "long": {1, 4}, "wide": {4}} {
		c := map[string]model.Config{"small": small, "long": long, "wide": wide}[name]
		t.Run(name, func(t *testing.T) {
			run := func(micro, threads int) ([]float32, []string) {
				ops.SetThreads(threads)
				dir := t.TempDir()
				l := loopOf(t, dir, c, false)
				l.Config.MicroBatch, l.Config.Steps, l.Config.LogEvery, l.Config.EvalEvery = micro, 2, 1, 2
				if err := l.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				return l.Learner.Weights.Data, metrics(t, dir)
			}
			want, lines := run(6, 1)
			for _, micro := range splits {
				got, log := run(micro, 2)
				golden.Near(t, "weights", got, want, 0)
				if !slices.Equal(log, lines) {
					t.Errorf("metrics with micro-batches of %d:\n%s\nwant\n%s", micro, strings.Join(log, "\n"), strings.Join(lines, "\n"))
				}
			}
		})
	}
}

// TestJudgeResumes: the training of a judge goes on to the same bits too.
func TestJudgeResumes(t *testing.T) {
	run := func(dir string, at int) *train.Loop {
		l := loopOf(t, dir, tiny.Judge(), false)
		l.Objective = &train.NextToken{Learner: l.Learner, EMA: model.NewDenoiser(l.Learner.Weights.On(l.EMA)), Seed: l.Seed}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		l.Observer = stopping{at, cancel}
		if err := l.Run(ctx); err != nil && !errors.Is(err, train.ErrInterrupted) {
			t.Fatal(err)
		}
		return l
	}
	whole, parts := t.TempDir(), t.TempDir()
	straight := run(whole, 1000)
	if l := run(parts, 6); l.Step() != 6 {
		t.Fatalf("stopped at step %d, want 6", l.Step())
	}
	resumed := run(parts, 1000)
	golden.Near(t, "weights", resumed.Learner.Weights.Data, straight.Learner.Weights.Data, 0)
	golden.Near(t, "ema", resumed.EMA, straight.EMA, 0)
	if a, b := metrics(t, whole), metrics(t, parts); !slices.Equal(a, b) {
		t.Errorf("metrics of the resumed run %q, want %q", b, a)
	}
}

func TestLearns(t *testing.T) {
	l := newLoop(t, t.TempDir(), false)
	l.Config.Steps, l.Config.LogEvery, l.Config.EvalEvery = 150, 50, 0
	dir := t.TempDir()
	l.Metrics = train.NewMetrics(filepath.Join(dir, "metrics.jsonl"))
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	f := metrics(t, dir)
	var first, last train.Record
	json.Unmarshal([]byte(f[0]), &first)
	json.Unmarshal([]byte(f[len(f)-1]), &last)
	if !(last.Loss < 0.9*first.Loss) {
		t.Errorf("loss went from %v to %v in 150 steps, want a fall of a tenth", first.Loss, last.Loss)
	}
}

func TestDivergenceSavesNothing(t *testing.T) {
	dir := t.TempDir()
	l := newLoop(t, dir, false)
	l.Config.CheckpointEvery = 1
	l.Learner.Weights.View("output_layer.linear.bias")[0] = float32(math.Inf(1))
	err := l.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "step 1") {
		t.Errorf("error is %v, want one that names step 1", err)
	}
	if saves, _ := filepath.Glob(filepath.Join(dir, "pretrain", "step-*")); len(saves) > 0 {
		t.Errorf("a diverged run saved %v", saves)
	}
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	dir := t.TempDir()
	l := newLoop(t, dir, false)
	l.Config.Steps = 1
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.Seed = 6
	if err := l.Resume(); err == nil || !strings.Contains(err.Error(), "seed") {
		t.Errorf("error is %v, want one about the seed", err)
	}
}
