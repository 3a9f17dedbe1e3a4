package main

import (
	"fmt"
	"math"
)

// How far both sides may be apart, relative. Their sums have other orders: a
// loss of single-precision sums over thousands of terms agrees to 1e-6 or so,
// and AdamW, which divides by the gradient's size, lets it drift from update to
// update.
const (
	sameLoss = 2e-5
	sameNorm = 2e-3
)

// agree compares losses on the same weights and inputs; with updates also the
// gradient norms, and losses and norms after two updates.
func agree(o *ours, theirs *pytorch, updates bool) (string, error) {
	if !updates {
		loss, err := o.loss()
		if err != nil {
			return "", err
		}
		a, err := theirs.ask(request{"op": "loss"})
		if err != nil {
			return "", err
		}
		return within("loss", []float64{loss}, a.Losses, sameLoss)
	}
	const steps = 3
	losses, norms, err := o.losses(steps)
	if err != nil {
		return "", err
	}
	a, err := theirs.ask(request{"op": "losses", "steps": steps})
	if err != nil {
		return "", err
	}
	text, err := within("loss", losses, a.Losses, sameLoss)
	if err != nil {
		return "", err
	}
	more, err := within("norm", norms, a.Norms, sameNorm)
	return text + ", " + more, err
}

// within is an error if values differ by more than tolerance, relative.
func within(name string, ours, theirs []float64, tolerance float64) (string, error) {
	if len(ours) != len(theirs) {
		return "", fmt.Errorf("%d values of the %s against %d of PyTorch", len(ours), name, len(theirs))
	}
	worst := 0.0
	for i, v := range ours {
		worst = max(worst, math.Abs(v-theirs[i])/math.Abs(v))
	}
	if !(worst <= tolerance) {
		return "", fmt.Errorf("the sides disagree: %s %v here, %v in PyTorch", name, ours, theirs)
	}
	return fmt.Sprintf("%s %.0e", name, worst), nil
}
