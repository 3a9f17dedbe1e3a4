package distill

import "fmt"

// Stage is one evaluation of a shortcut teacher: asked at t + At*h, always
// with step size h/2, and weighed into the average of the logits.
type Stage struct{ At, Weight float64 }

// Heun and RK4 are the paper's two teachers (section 3.3). Every stage but the
// first starts from the state that the one before jumped to with h/2. The last
// stage of RK4 at t+h may ask the network beyond t = 1; times clamp to 1.
var (
	Heun = []Stage{{0, 1. / 2}, {1. / 2, 1. / 2}}
	RK4  = []Stage{{0, 1. / 6}, {1. / 2, 2. / 6}, {1. / 2, 2. / 6}, {1, 1. / 6}}
)

// StagesByName looks a teacher's table up: rk4 or heun.
func StagesByName(name string) ([]Stage, error) {
	switch name {
	case "rk4":
		return RK4, nil
	case "heun":
		return Heun, nil
	}
	return nil, fmt.Errorf("teacher is %q: must be rk4 or heun", name)
}
