package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"fsdfm/ops/kernel"
)

// A variable is what grows while the rest of the small problem stays.
type variable struct {
	file, axis string
	values     []int
	at         func(value int) (p problem, threads int)
}

var variables = []variable{
	{"length", "L, positions of a row (B 4)", []int{64, 128, 256, 512, 1024}, func(v int) (problem, int) { return small(1024, v, 4), 0 }},
	{"width", "D, width", []int{64, 128, 256, 512, 768}, func(v int) (problem, int) {
		p := small(1024, 256, 4)
		p.config.HiddenSize = v
		return p, 0
	}},
	{"vocabulary", "V, tokens of the vocabulary", []int{64, 1024, 4096, 16384, 50257}, func(v int) (problem, int) { return small(v, 256, 4), 0 }},
	{"rows", "B, rows of a batch", []int{1, 2, 4, 8, 16}, func(v int) (problem, int) { return small(1024, 256, v), 0 }},
	{"threads", "threads", []int{1, 2}, func(v int) (problem, int) { return small(1024, 256, 4), v }},
}

// A cost is that of one pretraining step.
type cost struct {
	seconds float64 // median
	bytes   float64 // heap: weights, gradient, EMA, moments, activations
}

type point struct {
	value int
	cost
}

// writeGrowth draws a plot a variable into a folder and prints the numbers.
func writeGrowth(ctx context.Context, w io.Writer, folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	rows := [][]string{{"grows", "value", "ms a step", "tokens/s", "MB"}}
	for _, v := range variables {
		var points []point
		for _, value := range v.values {
			fmt.Fprintf(os.Stderr, "%s: %d\n", v.file, value)
			p, threads := v.at(value)
			c, err := p.cost(ctx, threads)
			if err != nil {
				return fmt.Errorf("%s %d: %w", v.file, value, err)
			}
			points = append(points, point{value, c})
			rows = append(rows, []string{v.file, fmt.Sprint(value), fmt.Sprintf("%.0f", 1e3*c.seconds), fmt.Sprintf("%.0f", p.tokens()/c.seconds), fmt.Sprintf("%.0f", c.bytes/1e6)})
		}
		if err := drawGrowth(filepath.Join(folder, v.file+".svg"), v, points); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "A pretraining step, 6 blocks, D 256, V 1,024, L 256, B 4, %s, %d threads, but for what grows:\n\n%s", kernel.Level(), kernel.Threads(), markdown(rows))
	return err
}

// cost measures steps for about two seconds, with so many threads (0: all).
func (p problem) cost(ctx context.Context, threads int) (cost, error) {
	const least, most, lasting = 3, 50, 2 * time.Second
	kernel.SetThreads(threads)
	defer kernel.SetThreads(0)
	before := heap()
	o := newOurs(p)
	step := stopwatch(func() error { return o.train(o.step * o.batch) })
	if _, err := step(); err != nil { // compiles
		return cost{}, err
	}
	var seconds measured
	for started := time.Now(); len(seconds) < least || len(seconds) < most && time.Since(started) < lasting; {
		if err := ctx.Err(); err != nil {
			return cost{}, err
		}
		s, err := step()
		if err != nil {
			return cost{}, err
		}
		seconds = append(seconds, s)
	}
	c := cost{seconds.median(), heap() - before}
	runtime.KeepAlive(o)
	return c, nil
}

// heap is what is reachable, in bytes.
func heap() float64 {
	runtime.GC()
	runtime.GC() // the first may leave what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
