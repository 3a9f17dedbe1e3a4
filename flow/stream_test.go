package flow_test

import (
	"math"
	"testing"

	"fsdfm/flow"
)

func TestStreamsAreNamedByTheirNumber(t *testing.T) {
	batch := flow.Streams(7, "rows", 10, 4)
	for i, r := range batch {
		alone := flow.Streams(7, "rows", int64(10+i), 1)[0]
		for range 5 {
			if a, b := r.Float64(), alone.Float64(); a != b {
				t.Fatalf("stream %d draws %v in a batch, %v alone", 10+i, a, b)
			}
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[float64]string{}
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		for _, purpose := range []string{"", "a", "b", "ab"} {
			for i, r := range flow.Streams(seed, purpose, -2, 200) {
				if u := r.Float64(); seen[u] != "" {
					t.Errorf("seed %d, %q, stream %d starts like %s", seed, purpose, i-2, seen[u])
				} else {
					seen[u] = purpose
				}
			}
		}
	}
}

// Neighbouring streams must not be correlated: the sum of n uniforms has
// standard deviation sqrt(n/12).
func TestStreamsAreIndependent(t *testing.T) {
	const n = 10000
	streams := flow.Streams(1, "independent", 0, n)
	last, mean, product := 0.0, 0.0, 0.0
	for _, r := range streams {
		u := r.Float64() - 0.5
		mean, product, last = mean+u, product+u*last, u
	}
	if limit := 5 * math.Sqrt(n/12.0); math.Abs(mean) > limit {
		t.Errorf("first draws sum to %v off the mean, at most %v", mean, limit)
	}
	if limit := 5 * math.Sqrt(n) / 12; math.Abs(product) > limit {
		t.Errorf("neighbours' products sum to %v, at most %v", product, limit)
	}
}
