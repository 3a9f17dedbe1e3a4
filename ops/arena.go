package ops

// Arena is the memory that programs share: the outputs of their operations,
// placed by a plan of their lifetimes, and scratch. Programs of several batch
// shapes may share one arena but must not run at the same time.
type Arena struct {
	// Recompute says that training graphs keep only the inputs of each Part.
	Recompute bool

	inner   *Arena // of parts
	slab    []float32
	plans   []plan
	scratch map[string][]float32
}

// NewArena makes an empty arena.
func NewArena() *Arena { return &Arena{scratch: make(map[string][]float32)} }

// Bytes is the memory held.
func (a *Arena) Bytes() int {
	n := len(a.slab)
	for _, s := range a.scratch {
		n += len(s)
	}
	n *= 4
	if a.inner != nil {
		n += a.inner.Bytes()
	}
	return n
}

// parts is the arena of the graphs inside parts, which run while this one's
// outputs are alive.
func (a *Arena) parts() *Arena {
	if a.inner == nil {
		a.inner = NewArena()
	}
	return a.inner
}

// add places a program's outputs. A larger slab replaces the one of all
// programs.
func (a *Arena) add(p plan) {
	a.plans = append(a.plans, p)
	if p.size <= len(a.slab) {
		p.place(a.slab)
		return
	}
	a.slab = make([]float32, p.size)
	for _, p := range a.plans {
		p.place(a.slab)
	}
}

// Scratch returns n float32s that an operation may use while it runs and share
// with others of the same arena and role; without an arena they are its own.
func (b *Builder) Scratch(role string, n int) []float32 {
	if b.arena == nil {
		return make([]float32, n)
	}
	if len(b.arena.scratch[role]) < n {
		b.arena.scratch[role] = make([]float32, n)
	}
	return b.arena.scratch[role][:n:n]
}
