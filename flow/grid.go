package flow

import "math"

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
