package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fsdfm/checkpoints"
)

var speed = regexp.MustCompile(`"tokens_per_second":[^,}]*,?`)

const loopSteps = 12

// faults makes n training runs fail once each: in a file-system operation of a
// save, or by damage to the newest save. Each must go on to the weights and
// metrics of a run that never failed, from a save no older than the last one
// that was reported as done.
func (t *torture) faults(n int) error {
	dir := filepath.Join(t.dir, "faults")
	whole := new(disk)
	l, err := start(filepath.Join(dir, "whole"), loopSteps, whole, new(watcher))
	if err != nil {
		return err
	}
	want, err := result(filepath.Join(dir, "whole"), l)
	if err != nil {
		return err
	}
	done := map[string]int{}
	for i := range n {
		rng := rand.New(rand.NewPCG(t.seed, uint64(i)))
		trial := filepath.Join(dir, fmt.Sprintf("trial-%04d", i))
		kinds := len(faults) + len(damages)
		what := ""
		if k := i % kinds; k < len(faults) {
			places := faults[k].places(whole.done)
			what, err = failing(trial, &faults[k], places[rng.IntN(len(places))], rng)
		} else {
			what, err = damaged(trial, i/kinds, k, rng)
		}
		t.note("fault %3d: %s", i+1, what)
		if err == nil {
			err = t.recovers(trial, want)
		}
		if err != nil {
			return fmt.Errorf("fault %d, %s: %w", i+1, what, err)
		}
		done[strings.Split(what, " at ")[0]]++
		if err := os.RemoveAll(trial); err != nil {
			return err
		}
	}
	t.say("faults: %d of %d went on to the same weights, moments, averages and metrics; no save that was done was lost", n, n)
	for _, what := range slices.Sorted(maps.Keys(done)) {
		t.say("  %3d %s", done[what], what)
	}
	return nil
}

// failing trains on a disk that fails, until it notices or ends.
func failing(dir string, f *fault, at int, rng *rand.Rand) (what string, err error) {
	trash := dir + ".trash"
	if err := os.MkdirAll(trash, 0o755); err != nil {
		return f.name, err
	}
	defer os.RemoveAll(trash)
	d := &disk{fault: f, at: at, rng: rng, trash: trash}
	l, failed := start(dir, loopSteps, d, new(watcher))
	what = fmt.Sprintf("%s at operation %d, %q", f.name, at, d.struck)
	switch {
	case l == nil:
		return what, failed
	case d.struck == "":
		return what, fmt.Errorf("the disk did not fail")
	}
	last := l.Step() / every * every // the last save but the one that failed
	if failed != nil && last == l.Step() {
		last -= every
	}
	if f.dead && f.forget {
		if err := d.forget(); err != nil {
			return what, err
		}
	}
	if f.err == nil && failed == nil {
		return what, fmt.Errorf("a short write was not noticed")
	}
	return what, keeps(filepath.Join(dir, "pretrain"), last)
}

// keeps fails unless every save there is whole, and one as new as a step is.
func keeps(dir string, step int) error {
	if err := checkpoints.CleanTemporary(dir); err != nil {
		return err
	}
	path, broken, err := checkpoints.Latest(dir)
	if len(broken) > 0 {
		return fmt.Errorf("a broken save stands: %w", broken[0])
	}
	if step <= 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if found, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "step-")); err != nil || found < step {
		return fmt.Errorf("the newest save is %s, but step %d was saved", path, step)
	}
	return nil
}

// damaged trains to a step and spoils a file of the newest save.
func damaged(dir string, which, how int, rng *rand.Rand) (what string, err error) {
	if _, err := start(dir, loopSteps, new(disk), &watcher{at: 1 + rng.IntN(loopSteps-1)}); err != nil {
		return "damage", err
	}
	save, _, err := checkpoints.Latest(filepath.Join(dir, "pretrain"))
	if err != nil {
		return "damage", err
	}
	if what, err = damage(save, which, how, rng); err != nil {
		return what, err
	}
	if err := checkpoints.Verify(save); err == nil {
		return what, fmt.Errorf("%s passes for whole", save)
	}
	w := new(watcher)
	if _, err := newLoop(dir, tiny, loopSteps, new(disk), w); err != nil {
		return what, err
	}
	if w.broken != 1 {
		return what, fmt.Errorf("%d broken saves were named, not the 1 there is", w.broken)
	}
	return what, nil
}

// recovers goes on from what stands in dir on a sound disk.
func (t *torture) recovers(dir, want string) error {
	l, err := start(dir, loopSteps, new(disk), new(watcher))
	if err != nil {
		return err
	}
	got, err := result(dir, l)
	if err == nil && got != want {
		err = fmt.Errorf("it went on to other weights or metrics")
	}
	return err
}
