package loss

import "math"

// Jump is -ln K(next | x_t) under the network's own jump kernel over a step
// (METHOD: velocity and jump): with s = 1 - p(x_t) and the row's Hazard
// c = ln[(1-kappa(t))/(1-kappa(t+h))], the position leaves with probability
// J = 1 - exp(-c s) and lands on v with probability p(v)/s. The last step of a
// run draws from p instead: its loss is CrossEntropy.
type Jump struct{ Hazard float64 }

// Position implements Loss.
func (j Jump) Position(dz []float32, at *Position, weight float64) float64 {
	stay := float64(at.P[at.XT])
	s := leave(at)
	if at.Next == at.XT {
		// c s;  ds/dz = -p(x_t)([x_t] - p)
		j.addLeave(dz, at, stay, weight*j.Hazard)
		return j.Hazard * s
	}
	// -ln J + ln s - ln p(next)
	a := j.Hazard * s
	axpy(dz, weight, at.P)
	bump(dz, at.Next, -weight)
	j.addLeave(dz, at, stay, weight*leaveSlope(a, s, j.Hazard))
	return logLeaveRate(a, j.Hazard) - at.logP(at.Next)
}

// addLeave adds w*ds/dz.
func (Jump) addLeave(dz []float32, at *Position, stay, w float64) {
	axpy(dz, w*stay, at.P)
	bump(dz, at.XT, -w*stay)
}

// leave is s = 1 - p(x_t), summed over the others: no cancellation.
func leave(at *Position) float64 {
	sum := 0.0
	for i, p := range at.P {
		if int32(i) != at.XT {
			sum += float64(p)
		}
	}
	return sum
}

// logLeaveRate is ln(s/J) with a = c s, finite as s goes to 0.
func logLeaveRate(a, hazard float64) float64 {
	if a < 1e-8 {
		return a/2 - math.Log(hazard) // J = a - a^2/2 + ...
	}
	return math.Log(a/hazard) - math.Log(-math.Expm1(-a))
}

// leaveSlope is d/ds ln(s/J) = 1/s - c exp(-a)/J.
func leaveSlope(a, s, hazard float64) float64 {
	if a < 1e-4 {
		return hazard * (0.5 - a/12) // series of 1/a - 1/(e^a - 1), times c
	}
	return 1/s - hazard/math.Expm1(a)
}
