package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/model"
)

// modest is a network whose process is large enough for 1 % of its memory to be
// more than what a garbage collector gives or takes.
var modest = model.Config{VocabSize: 300, Length: 64, HiddenSize: 64, CondDim: 32, Blocks: 3, Heads: 4, Dropout: 0.1, StepConditioning: model.Additive}

// residence samples the resident memory while a loop runs.
type residence struct {
	kB  []float64 // one a step
	err error
}

func (r *residence) Step(_, _ int, _, _ float64) {
	kB, err := resident()
	if err != nil {
		r.err = err
	}
	r.kB = append(r.kB, kB)
}

func (*residence) Note(string, ...any) {}

// resident is the memory that the process holds, in kB.
func resident() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("the resident memory is known on Linux only: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	return strconv.ParseFloat(strings.Fields(rest)[0], 64)
}

// memory trains for so many steps twice, with saves, metrics and evaluations.
// The first half warms up: the system maps pages when they are first used, the
// garbage collector finds its pace. In the second half the resident memory must
// stay within 1 % of its beginning.
func (t *torture) memory(steps int) error {
	r := &residence{kB: make([]float64, 0, 2*steps)} // its own memory does not grow
	l, err := newLoop(filepath.Join(t.dir, "memory"), modest, 2*steps, checkpoints.Disk{}, r)
	if err != nil {
		return err
	}
	l.Config.CheckpointEvery, l.Config.EvalEvery, l.Config.LogEvery = max(1, steps/50), max(1, steps/100), 1
	if err := l.Run(context.Background()); err != nil {
		return err
	}
	if r.err != nil {
		return r.err
	}
	tenth := make([]float64, 20)
	for i := range tenth {
		tenth[i] = mean(r.kB[i*len(r.kB)/20:(i+1)*len(r.kB)/20]) / 1000
		t.note("memory: steps to %d, %.2f MB", (i+1)*steps/10, tenth[i])
	}
	change := tenth[19]/tenth[10] - 1
	t.say("memory: %d steps after as many to warm up, resident %.2f MB in the first tenth and %.2f MB in the last: %+.2f %%", steps, tenth[10], tenth[19], 100*change)
	if change > 0.01 {
		return fmt.Errorf("the resident memory grew by more than 1 %%")
	}
	return nil
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
