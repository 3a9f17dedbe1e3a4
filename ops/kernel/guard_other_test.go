//go:build !linux

package kernel

import "testing"

// guarded returns guard + n + guard floats.
func guarded(_ testing.TB, n int) []float32 { return make([]float32, n+2*guard) }
