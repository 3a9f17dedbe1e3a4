package ops

import (
	"time"

	"fsdfm/ops/kernel"
)

// MeasureFLOPS is the speed of a matrix multiplication on this machine in
// operations a second, measured for about a fifth of a second.
func MeasureFLOPS() float64 {
	const m, n, k = 512, 768, 256
	a, b, c := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
	best, begun := 0.0, time.Now()
	for time.Since(begun) < 200*time.Millisecond {
		t := time.Now()
		kernel.Gemm(kernel.NT, c, a, b, m, n, k, false, kernel.Epilogue{})
		best = max(best, 2*m*n*k/time.Since(t).Seconds())
	}
	return best
}
