package model

import (
	"fsdfm/flow"
	"fsdfm/ops"
)

// NewStepper moves positions with the kernels and threads that networks run on.
func NewStepper() flow.Stepper {
	return flow.Stepper{Parallel: ops.Parallel, Weigh: ops.Weigh}
}
