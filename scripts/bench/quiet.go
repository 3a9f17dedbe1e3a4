package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// quiet keeps other programs out of the measurements: a turn counts only if the
// cores were free before and after it. Its patience is limited, so that a busy
// machine is measured too, with a warning.
type quiet struct {
	patience  time.Duration
	disturbed int // turns that count although the cores were not free
}

// turn waits for free cores and measures, again if they were taken meanwhile.
func (q *quiet) turn(f timed, n int) (measured, error) {
	for {
		started := time.Now()
		for q.patience > time.Since(started) && !free() {
			time.Sleep(time.Second)
		}
		m, err := turn(f, n)
		if err != nil || free() {
			return m, err
		}
		if q.patience -= time.Since(started); q.patience <= 0 {
			q.disturbed++
			return m, nil
		}
		fmt.Fprintln(os.Stderr, "  the cores are busy: measuring again")
	}
}

// free reports whether this process gets all cores: they spin for a moment and
// their time is compared with the clock's.
func free() bool {
	time.Sleep(pause) // until the other side's threads sleep
	const moment = 60 * time.Millisecond
	before, started := processorTime(), time.Now()
	var all sync.WaitGroup
	for range cores {
		all.Go(func() {
			for time.Since(started) < moment {
			}
		})
	}
	all.Wait()
	return processorTime()-before > time.Since(started)*cores*9/10
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
