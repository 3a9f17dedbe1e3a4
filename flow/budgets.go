package flow

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Budgets is the distribution of the step budgets that a student trains on.
type Budgets struct {
	Steps  []int     // a budget of S steps has h = 1/S
	Weight []float64 // of each budget; need not sum to 1
	Grid   int       // times are multiples of 1/Grid
}

// NewBudgets returns the budgets 1, 2, 4, .. max, a power of two, on the grid
// of the largest, weighted as name says:
//
//	uniform   all alike
//	doubling  2^k: as in arXiv 2509.20624, half of the rows take the smallest step
//	ramp      the fewer steps the more: K for 1 step, down to 1 for max, K = their number
func NewBudgets(name string, max int) (Budgets, error) {
	if max < 1 || bits.OnesCount(uint(max)) != 1 {
		return Budgets{}, fmt.Errorf("flow: largest budget %d: must be a power of two", max)
	}
	weigh := map[string]func(k, n int) float64{
		"uniform":  func(k, n int) float64 { return 1 },
		"doubling": func(k, n int) float64 { return math.Ldexp(1, k) },
		"ramp":     func(k, n int) float64 { return float64(n - k) },
	}[name]
	if weigh == nil {
		return Budgets{}, fmt.Errorf("flow: unknown budgets %q: must be one of [uniform doubling ramp]", name)
	}
	b := Budgets{Grid: max}
	n := bits.Len(uint(max))
	for k := range n {
		b.Steps = append(b.Steps, 1<<k)
		b.Weight = append(b.Weight, weigh(k, n))
	}
	return b, nil
}

// UpTo keeps the budgets of at most grid steps, on the grid of 1/grid.
func (b Budgets) UpTo(grid int) Budgets {
	kept := Budgets{Grid: grid}
	for i, s := range b.Steps {
		if s <= grid {
			kept.Steps, kept.Weight = append(kept.Steps, s), append(kept.Weight, b.Weight[i])
		}
	}
	return kept
}

// Validate reports every reason why b cannot be drawn from.
func (b Budgets) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("flow: budgets: "+format, args...)) }
	if b.Grid < 1 {
		bad("grid is %d: must be at least 1", b.Grid)
	}
	if len(b.Steps) == 0 || len(b.Steps) != len(b.Weight) {
		bad("%d budgets with %d weights: must be as many, at least one", len(b.Steps), len(b.Weight))
	}
	for _, s := range b.Steps {
		if s < 1 {
			bad("a budget is %d steps: must be at least 1", s)
		}
	}
	sum := 0.0
	for _, w := range b.Weight {
		if !(w >= 0) {
			bad("a weight is %v: must be at least 0", w)
		}
		sum += w
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		bad("the weights sum to %v: must be finite and above 0", sum)
	}
	return errors.Join(errs...)
}

// Draw returns a time and a step size: h = 1/S by weight, t uniform over the
// multiples of 1/Grid in [0, 1-h]. It takes two uniforms. b must be valid.
func (b Budgets) Draw(r Rand) (t, h float64) {
	h = 1 / float64(b.Steps[b.pick(r.Float64())])
	times := int(math.Floor((1-h)*float64(b.Grid))) + 1
	return float64(below(r, times)) / float64(b.Grid), h
}

// pick is the first budget whose cumulative weight exceeds the share u of all.
func (b Budgets) pick(u float64) int {
	sum := 0.0
	for _, w := range b.Weight {
		sum += w
	}
	last, c := 0, 0.0
	for i, w := range b.Weight {
		if w == 0 {
			continue
		}
		last = i
		if c += w; c > u*sum {
			break
		}
	}
	return last
}
