package ops

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestPackedOutputsAreApart: outputs that are alive together do not overlap,
// and the slab is no larger than all of them.
func TestPackedOutputsAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var p plan
		sum := 0
		for range 1 + rng.IntN(40) {
			from := rng.IntN(30)
			l := &lifetime{from: from, to: from + rng.IntN(6), size: 1 + rng.IntN(50)}
			p.outputs, sum = append(p.outputs, l), sum+l.size
		}
		p.pack()
		for i, a := range p.outputs {
			if a.offset < 0 || a.offset+a.size > p.size || p.size > sum {
				t.Fatalf("%+v does not fit a slab of %d, or that is larger than %d", *a, p.size, sum)
			}
			for _, b := range p.outputs[:i] {
				if a.from <= b.to && b.from <= a.to && a.offset < b.offset+b.size && b.offset < a.offset+a.size {
					t.Fatalf("%+v and %+v overlap", *a, *b)
				}
			}
		}
	}
}

// chain adds a square to each of count nodes after x.
func chain(b *Builder, x *gorgonia.Node, count int) *gorgonia.Node {
	for range count {
		x = b.Op("square", tensor.Shape{64}, func(out []float32, in [][]float32) error {
			for i, v := range in[0] {
				out[i] = v * v
			}
			return nil
		}, nil, x)
	}
	return x
}

// TestChainNeedsTwo: only an operation's input and output are alive at once,
// and programs of one arena share its memory.
func TestChainNeedsTwo(t *testing.T) {
	arena := NewArena()
	for range 2 {
		b := NewBuilder(arena)
		x := []float32{2: 1.5, 63: 0}
		p, err := b.Compile(chain(b, b.Input("x", x, 64), 5), false)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			out, err := p.Run()
			if err != nil {
				t.Fatal(err)
			}
			want := float32(1.5)
			for range 5 {
				want *= want
			}
			if out[2] != want {
				t.Errorf("1.5 squared five times is %v, want %v", out[2], want)
			}
		}
	}
	if got, want := arena.Bytes(), 4*2*(64+line); got != want {
		t.Errorf("the arena holds %d bytes, want %d: two outputs", got, want)
	}
}

// TestLargerProgramMovesOthers: a program still runs after a later one has made
// the arena larger.
func TestLargerProgramMovesOthers(t *testing.T) {
	arena := NewArena()
	b := NewBuilder(arena)
	small, err := b.Compile(chain(b, b.Input("x", slices.Repeat([]float32{3}, 64), 64), 1), false)
	if err != nil {
		t.Fatal(err)
	}
	b = NewBuilder(arena)
	if _, err := b.Compile(chain(b, b.Input("x", make([]float32, 64), 64), 3), false); err != nil {
		t.Fatal(err)
	}
	out, err := small.Run()
	if err != nil || out[63] != 9 || &out[0] != &arena.slab[0] {
		t.Errorf("the square of 3 is %v in the arena %t (error %v), want 9", out[63], &out[0] == &arena.slab[0], err)
	}
}

// TestOrderIsChecked: an operation that runs before its place in the plan is an
// error, not a wrong result.
func TestOrderIsChecked(t *testing.T) {
	b := NewBuilder(NewArena())
	y := chain(b, b.Input("x", make([]float32, 64), 64), 2)
	p, err := b.Compile(y, false)
	if err != nil {
		t.Fatal(err)
	}
	y.Op().(*operation).at = 0
	if _, err := p.Run(); err == nil || !strings.Contains(err.Error(), errOrder.Error()) {
		t.Errorf("error is %v, want %v", err, errOrder)
	}
}
