package ops

import (
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestHashesAreUnique: gorgonia merges nodes of equal hash, and a fused
// operation's id keeps two of the same name, inputs and shape apart.
func TestHashesAreUnique(t *testing.T) {
	b := NewBuilder(nil)
	x := b.Input("x", make([]float32, 4), 4)
	same := func() *gorgonia.Node {
		return b.Op("copy", tensor.Shape{4}, func(out []float32, in [][]float32) error { copy(out, in[0]); return nil }, nil, x)
	}
	if y, z := same(), same(); y == z || y.Hashcode() == z.Hashcode() {
		t.Fatal("two operations of the same name and shape were merged")
	}
	if err := uniqueHashes(b.Graph.AllNodes(), (*gorgonia.Node).Hashcode); err != nil {
		t.Fatal(err)
	}
}

func TestCollisionIsFound(t *testing.T) {
	b := NewBuilder(nil)
	b.Input("x", make([]float32, 4), 4)
	b.Input("y", make([]float32, 4), 4)
	err := uniqueHashes(b.Graph.AllNodes(), func(*gorgonia.Node) uint32 { return 1 })
	if !IsCollision(err) {
		t.Errorf("error is %v, want a collision", err)
	}
}
