package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fsdfm/internal/golden"
	"fsdfm/train"
)

// poisoned makes the loss of chosen steps NaN, or their gradient infinite.
type poisoned struct {
	train.Objective
	grad []float32
	loss map[int64]bool // by the first row of the step
	norm map[int64]float32
}

func (p *poisoned) Loss(m train.Micro) (float64, error) {
	sum, err := p.Objective.Loss(m)
	if p.loss[m.First] {
		sum = math.NaN()
	}
	if v, ok := p.norm[m.First]; ok {
		p.grad[0] = v
	}
	return sum, err
}

// poison spoils steps of a loop, counted from 1, whose batches are one
// micro-batch.
func poison(l *train.Loop, loss []int, norm map[int]float32) {
	l.Config.MicroBatch = 0
	p := &poisoned{Objective: l.Objective, grad: l.Learner.Grad, loss: map[int64]bool{}, norm: map[int64]float32{}}
	for _, step := range loss {
		p.loss[int64((step-1)*l.Config.Batch)] = true
	}
	for step, v := range norm {
		p.norm[int64((step-1)*l.Config.Batch)] = v
	}
	l.Objective = p
}

func TestOnNaNStop(t *testing.T) {
	inf := float32(math.Inf(1))
	for want, spoil := range map[string]func(*train.Loop){
		"pretrain: the loss at step 5 is NaN":           func(l *train.Loop) { poison(l, []int{5}, nil) },
		"pretrain: the gradient norm at step 5 is +Inf": func(l *train.Loop) { poison(l, nil, map[int]float32{5: inf}) },
	} {
		dir := t.TempDir()
		l := newLoop(t, dir, false)
		l.Config.CheckpointEvery, l.Config.Keep = 2, 1
		spoil(l)
		err := l.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "pretrain.on_nan=skip") {
			t.Errorf("error %v, want %s", err, want)
		}
		if again := newLoop(t, dir, false); again.Step() != 4 {
			t.Errorf("the last save is of step %d, want 4", again.Step())
		}
	}
}

// A step that is left out changes nothing, is noted once, and stays so when a
// run is interrupted and goes on.
func TestOnNaNSkip(t *testing.T) {
	inf := float32(math.Inf(1))
	run := func(dir string, stops ...int) *train.Loop {
		var l *train.Loop
		for _, at := range append(stops, -1) {
			l = newLoop(t, dir, false)
			l.Config.OnNaN = "skip"
			poison(l, []int{1, 2, 3, 8}, map[int]float32{9: inf})
			ctx, cancel := context.WithCancel(context.Background())
			if at >= 0 {
				l.Observer = stopping{at, cancel}
			}
			if err := l.Run(ctx); err != nil && !errors.Is(err, train.ErrInterrupted) {
				t.Fatal(err)
			}
			cancel()
		}
		return l
	}
	whole, parts := t.TempDir(), t.TempDir()
	a, b := run(whole), run(parts, 6, 9)
	golden.Near(t, "weights", b.Learner.Weights.Data, a.Learner.Weights.Data, 0)
	golden.Near(t, "ema", b.EMA, a.EMA, 0)
	lines := strings.Join(metrics(t, whole), "\n")
	if again := strings.Join(metrics(t, parts), "\n"); again != lines {
		t.Errorf("metrics of the interrupted run\n%s\nwant\n%s", again, lines)
	}
	if n := strings.Count(lines, "step left out"); n != 5 {
		t.Errorf("%d steps left out, want 5:\n%s", n, lines)
	}
	if strings.Contains(lines, `"step":3,"loss"`) {
		t.Error("a loss was written for three steps without one")
	}
}

func TestSkippingEnds(t *testing.T) {
	l := newLoop(t, t.TempDir(), false)
	l.Config.OnNaN, l.Config.Steps = "skip", 100
	poison(l, nil, nil)
	l.Objective.(*poisoned).loss = map[int64]bool{}
	for step := range int64(100) {
		l.Objective.(*poisoned).loss[step*int64(l.Config.Batch)] = step > 2
	}
	if err := l.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "step 23 is NaN, the 20th step in a row") {
		t.Errorf("error %v", err)
	}
}

func TestSpikesAreNoted(t *testing.T) {
	dir := t.TempDir()
	l := newLoop(t, dir, false)
	l.Config.Steps, l.Config.EvalEvery = 40, 0
	poison(l, nil, map[int]float32{5: 1e4, 30: 1e4})
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, line := range metrics(t, dir) {
		if strings.Contains(line, "event") {
			events = append(events, line)
		}
	}
	if len(events) != 1 || !strings.Contains(events[0], `"step":30`) || !strings.Contains(events[0], "the gradient norm is 1e+04, usual is ") {
		t.Errorf("events %v, want one of step 30", events)
	}
}

// Weights that are no numbers are not saved.
func TestNothingPoisonedIsSaved(t *testing.T) {
	dir := t.TempDir()
	l := newLoop(t, dir, false)
	l.Config.Steps = 2
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.EMA[3] = float32(math.NaN())
	if err := l.Save(); err == nil || !strings.Contains(err.Error(), "after step 2 the ema hold NaN") {
		t.Errorf("error %v", err)
	}
	if again := newLoop(t, dir, false); again.Step() != 2 {
		t.Errorf("the last save is of step %d, want 2", again.Step())
	}
}

// counting stops a loop within a micro-batch and counts those after it.
type counting struct {
	train.Objective
	at, done int
	stop     context.CancelFunc
}

func (c *counting) Loss(m train.Micro) (float64, error) {
	if c.done++; c.done == c.at {
		c.stop()
	}
	return c.Objective.Loss(m)
}

func (c *counting) Evaluate(m train.Micro) (float64, error) {
	if c.done++; c.done == c.at {
		c.stop()
	}
	return c.Objective.Evaluate(m)
}

// TestStopWithinAMicroBatch stops a run in every one of its micro-batches,
// those of evaluations too: no further one begins, and what goes on from there
// writes the same weights and the same lines.
func TestStopWithinAMicroBatch(t *testing.T) {
	whole := t.TempDir()
	straight := newLoop(t, whole, false)
	all := &counting{Objective: straight.Objective, at: -1}
	straight.Objective = all
	if err := straight.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(metrics(t, whole), "\n")
	for at := 1; at <= all.done; at++ {
		dir := t.TempDir()
		l := newLoop(t, dir, false)
		ctx, cancel := context.WithCancel(context.Background())
		c := &counting{Objective: l.Objective, at: at, stop: cancel}
		l.Objective = c
		if err := l.Run(ctx); !errors.Is(err, train.ErrInterrupted) && at < all.done {
			t.Fatalf("micro-batch %d: error %v", at, err)
		}
		if c.done != at {
			t.Errorf("stopped in micro-batch %d, but %d ran", at, c.done)
		}
		again := newLoop(t, dir, false)
		if err := again.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		golden.Near(t, "weights", again.Learner.Weights.Data, straight.Learner.Weights.Data, 0)
		if log := strings.Join(metrics(t, dir), "\n"); log != lines {
			t.Errorf("stopped in micro-batch %d: metrics\n%s\nwant\n%s", at, log, lines)
		}
	}
}

// Lines after the save, cut short or damaged ones go; the others stay as they
// are, however long.
func TestMetricsTruncate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	long := `{"stage":"distill","step":9,"event":"` + strings.Repeat("x", 1<<17) + "\"}\n"
	keep := "{\"stage\":\"pretrain\",\"step\":3,\"loss\":2}\n" + long
	text := keep + strings.Repeat("\x00", 1<<17) + "\n{\"stage\":\"pretrain\",\"step\":4,\"loss\":1}\n{\"stage\":\"pretrain\",\"step\":3}"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := train.NewMetrics(path).Truncate("pretrain", 3); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadFile(path); err != nil || string(left) != keep {
		t.Errorf("%d bytes are left (%v), want %d", len(left), err, len(keep))
	}
}
