package train

import (
	"fmt"
	"math"
)

const (
	// A gradient norm is a spike if it is spikeFactor times the running mean of
	// the norms before it, once that has seen spikeAfter of them.
	spikeFactor = 10
	spikeAfter  = 20
	normDecay   = 0.98
	// A loop that has left out so many steps in a row will not recover.
	mostSkipped = 20
)

// guard watches the gradient norms of a loop. It is part of a save, so that a
// resumed run notes the same.
type guard struct {
	mean    float64 // running mean of the gradient norms
	seen    int     // norms in it
	skipped int     // steps left out in a row
}

// spike takes the norm of one more step and reports whether it stands out.
func (g *guard) spike(norm float64) bool {
	g.skipped = 0
	if g.seen >= spikeAfter && norm > spikeFactor*g.mean {
		return true // and stays out of the mean
	}
	g.seen++
	g.mean += max(1-normDecay, 1/float64(g.seen)) * (norm - g.mean)
	return false
}

// lost is what becomes of a step whose loss or gradient norm is no number: an
// error, or with on_nan: skip a step that changes nothing.
func (l *Loop) lost(step int, what string, value float64) error {
	if l.guard.skipped++; l.Config.OnNaN != "skip" {
		return fmt.Errorf("%s: the %s at step %d is %v: lower the learning rate, look at the data, or leave such steps out with %[1]s.on_nan=skip; the last save is untouched", l.Kind, what, step, value)
	}
	if l.guard.skipped >= mostSkipped {
		return fmt.Errorf("%s: the %s at step %d is %v, the %dth step in a row without a number: lower the learning rate or look at the data; the last save is untouched", l.Kind, what, step, value, mostSkipped)
	}
	l.step = step
	return l.event(0, "the %s is %v: step left out", what, value)
}

// event notes what happened in a step, on the screen and in the metrics.
func (l *Loop) event(norm float64, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if l.Observer != nil {
		l.Observer.Note("%s step %d: %s", l.Kind, l.step, text)
	}
	return l.Metrics.Write(Record{Stage: l.Kind, Step: l.step, GradNorm: norm, Event: text})
}

// checkWeights fails before a save would hold what is no number.
func (l *Loop) checkWeights() error {
	for name, flat := range l.groups() {
		for _, v := range flat {
			if v-v != 0 {
				return fmt.Errorf("%s: after step %d the %s hold %v: lower the learning rate; nothing was saved, the last save is untouched", l.Kind, l.step, name, v)
			}
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
