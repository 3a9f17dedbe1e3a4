package main

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"time"
)

// comparison is both sides' seconds.
type comparison struct {
	ours, theirs measured
	setting      setting
	agreement    string
}

// measured are the seconds of an operation's repeats.
type measured []float64

// median is the middle value, the mean of the middle two, 0 of none.
func (m measured) median() float64 {
	v := slices.Sorted(slices.Values(m))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// timed does an operation once and returns its seconds.
type timed func() (float64, error)

const (
	pause   = 300 * time.Millisecond // lets the other side's threads fall asleep: OpenBLAS's spin for 0.1 s
	lasting = 500 * time.Millisecond // of one side's turn
	long    = 3 * time.Second        // an operation that needs no warming up
)

// compare alternates an operation with PyTorch at its best setting of a class,
// after both sides have found the same losses with the same weights.
func (b *bench) compare(op string, p problem) (comparison, error) {
	defer debug.FreeOSMemory()
	o := newOurs(p)
	weights, inputs, err := o.write(b.dir)
	if err != nil {
		return comparison{}, fmt.Errorf("exchanging weights: %w", err)
	}
	open := request{"op": "open", "config": p.config, "batch": p.batch, "weights": weights, "inputs": inputs}
	ask := request{"op": op}
	if op == "sample" {
		ask["steps"] = 8
	}
	theirs, err := b.best(open, ask)
	if err != nil {
		return comparison{}, err
	}
	defer theirs.stop()
	agreement, err := agree(o, theirs, op == "train")
	if err != nil {
		return comparison{}, err
	}
	seconds, err := b.alternate(o.timed(b, op), theirs.timed(ask))
	if err != nil {
		return comparison{}, err
	}
	return comparison{seconds[0], seconds[1], theirs.setting, agreement}, nil
}

// timed wraps an operation of ours.
func (o *ours) timed(b *bench, op string) timed {
	do := map[string]func() error{
		"train":   func() error { return o.train(o.step * o.batch) },
		"forward": o.forward,
		"sample":  func() error { return o.sample(b.ctx, 8) },
	}[op]
	return stopwatch(do)
}

func stopwatch(do func() error) timed {
	return func() (float64, error) {
		started := time.Now()
		err := do()
		return time.Since(started).Seconds(), err
	}
}

func (p *pytorch) timed(r request) timed {
	return func() (float64, error) {
		a, err := p.ask(r)
		return a.Seconds, err
	}
}

// best starts PyTorch at the setting of a class at which it is fastest. One
// thread is tried for short operations only: it never won at long ones.
func (b *bench) best(open, ask request) (*pytorch, error) {
	c := b.class
	least, found := math.Inf(1), c.settings[0]
	for _, s := range c.settings {
		if len(c.settings) == 1 || s.threads == 1 && least > 1 {
			break
		}
		seconds, err := b.try(s, open, ask)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "  %v: %.4g s\n", s, seconds)
		if seconds < least {
			least, found = seconds, s
		}
	}
	return b.open(found, open)
}

// try is the fastest of a few repeats at a setting.
func (b *bench) try(s setting, open, ask request) (float64, error) {
	p, err := b.open(s, open)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	m, err := b.quiet.turn(p.timed(ask), 3)
	if err != nil {
		return 0, err
	}
	return slices.Min(m), nil
}

func (b *bench) open(s setting, open request) (*pytorch, error) {
	p, err := b.start(s)
	if err != nil {
		return nil, err
	}
	a, err := p.ask(open)
	if err != nil {
		p.stop()
		return nil, err
	}
	if !a.tuned() {
		p.stop()
		return nil, fmt.Errorf("PyTorch multiplies with %s, which nobody would choose: install OpenBLAS (apt-get install libopenblas0-pthread)", names(a.BLAS))
	}
	b.about = a.about
	return p, nil
}

// alternate lets the sides work in turns.
func (b *bench) alternate(sides ...timed) ([]measured, error) {
	rounds, least, enough := 6, 3, time.Minute
	if b.quick {
		rounds = 2
	}
	all, started := make([]measured, len(sides)), time.Now()
	for r := 0; r < rounds && (r < least || time.Since(started) < enough); r++ {
		for i, side := range sides {
			t, err := b.quiet.turn(side, 1)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], t...)
		}
	}
	for _, m := range all {
		fmt.Fprintf(os.Stderr, "  %d repeats: %.4g s, %.4g to %.4g\n", len(m), m.median(), slices.Min(m), slices.Max(m))
	}
	return all, nil
}

// turn repeats an operation until it has lasted, at least n times, after one
// repeat to warm up if that is short.
func turn(f timed, n int) (measured, error) {
	started := time.Now()
	first, err := f()
	if err != nil {
		return nil, err
	}
	var turns measured
	if time.Since(started) > long {
		turns = append(turns, first)
	} else {
		started = time.Now()
	}
	for len(turns) < n || time.Since(started) < lasting {
		seconds, err := f()
		if err != nil {
			return nil, err
		}
		turns = append(turns, seconds)
	}
	return turns, nil
}
