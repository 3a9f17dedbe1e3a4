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

// memory trains for so many steps, with saves, metrics and evaluations, and
// compares the resident memory of the second tenth with that of the last.
func (t *torture) memory(steps int) error {
	r := &residence{kB: make([]float64, 0, steps)} // its own memory does not grow
	dir := filepath.Join(t.dir, "memory")
	l, err := newLoop(dir, modest, steps, checkpoints.Disk{}, r)
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
	mean := func(part []float64) float64 {
		sum := 0.0
		for _, v := range part {
			sum += v
		}
		return sum / float64(len(part))
	}
	tenth := len(r.kB) / 10
	for i := range 10 {
		t.note("memory: tenth %d, %.2f MB", i+1, mean(r.kB[i*tenth:(i+1)*tenth])/1000)
	}
	early, late := mean(r.kB[tenth:2*tenth]), mean(r.kB[9*tenth:])
	t.say("memory: %d steps, resident %.1f MB in the second tenth and %.1f MB in the last: %+.2f %%", steps, early/1000, late/1000, 100*(late/early-1))
	if late > 1.01*early {
		return fmt.Errorf("the resident memory grew by more than 1 %%")
	}
	return nil
}
