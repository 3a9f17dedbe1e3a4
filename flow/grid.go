package flow

import "math"

// Spacing spreads the times of a run of N steps: the k-th stands at
// 1 - (1 - k/N)^Spacing. 1, and the zero value, is even. Above 1 the steps shrink
// towards the text, where most positions are settled and a wrong token can still
// be redrawn in the light of its neighbours: with 2 and a linear path the last
// step resolves 1/N^2 of the noise instead of 1/N.
type Spacing float64

// Time is the time at the share u of all steps, in [0, 1].
func (s Spacing) Time(u float64) float64 {
	if s == 0 || s == 1 {
		return u
	}
	return 1 - math.Pow(1-u, float64(s))
}

// Leg is the time and the size of the step from the share u of all steps to u+du.
func (s Spacing) Leg(u, du float64) (t, h float64) {
	if s == 0 || s == 1 {
		return u, du
	}
	t = s.Time(u)
	return t, s.Time(u+du) - t
}

// Grid is the steps+1 times of a run, from 0 to 1. Without a step it is nil.
func (s Spacing) Grid(steps int) []float64 {
	grid := TimeGrid(steps)
	for i, u := range grid {
		grid[i] = s.Time(u)
	}
	return grid
}

// TimeGrid is the steps+1 times 0, 1/steps, .. 1 of a sampling run.
func TimeGrid(steps int) []float64 { return TimeGridTo(1, steps) }

// TimeGridTo is the times of a run of steps of size 1/steps that stops at end,
// at most 1: the last step is the shorter one. Without a step it is nil.
func TimeGridTo(end float64, steps int) []float64 {
	n := int(math.Ceil(end * float64(steps)))
	if n < 1 {
		return nil
	}
	grid := make([]float64, n+1)
	for i := range n {
		grid[i] = float64(i) / float64(steps)
	}
	grid[n] = end
	return grid
}
