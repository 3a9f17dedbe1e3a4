package flowtest

import (
	"slices"
	"testing"

	"fsdfm/flow"
)

// TestSource checks that a source fills every position with a token below
// Rows, that its mask token, if any, is one of them, and that a row depends on
// its stream only.
func TestSource(t *testing.T, s flow.Source) {
	if m := s.Mask(); m < -1 || int(m) >= s.Rows() {
		t.Errorf("mask token %d: must be -1 or below %d", m, s.Rows())
	}
	x := flow.NewTokens(4, 50)
	for i := range x.IDs {
		x.IDs[i] = -7
	}
	s.Sample(x, flow.Streams(1, "source", 0, x.Batch))
	for i, id := range x.IDs {
		if id < 0 || int(id) >= s.Rows() {
			t.Fatalf("token %d at %d: must be in [0, %d)", id, i, s.Rows())
		}
	}
	for i := range x.Batch {
		alone := flow.NewTokens(1, x.Length)
		s.Sample(alone, flow.Streams(1, "source", int64(i), 1))
		if !slices.Equal(alone.IDs, x.Row(i)) {
			t.Errorf("row %d alone is %v, in its batch %v", i, alone.IDs, x.Row(i))
		}
	}
}
