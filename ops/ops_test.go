package ops_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"fsdfm/internal/golden"
	"fsdfm/ops"
)

// net is a small graph under test: a cost, and the parameters to check.
type net struct {
	b      *ops.Builder
	params []*ops.Param
	rng    *rand.Rand
}

func newNet(arena *ops.Arena) *net {
	return &net{b: ops.NewBuilder(arena), rng: rand.New(rand.NewPCG(7, 7))}
}

func (n *net) param(name string, shape ...int) *ops.Param {
	data := make([]float32, tensor.Shape(shape).TotalSize())
	for i := range data {
		data[i] = float32(n.rng.NormFloat64())
	}
	p := n.b.Param(name, data, make([]float32, len(data)), shape...)
	n.params = append(n.params, p)
	return p
}

// node makes a parameter an operation's plain input: an identity matrix's
// product, so that its gradient is checked too.
func (n *net) node(name string, rows, cols int) *gorgonia.Node {
	eye := make([]float32, rows*rows)
	for i := range rows {
		eye[i*rows+i] = 1
	}
	w := n.param(name, cols, rows) // transposed
	return n.b.Linear(n.b.Input("eye "+name, eye, rows, rows), w, nil)
}

// cost is a fixed random weighting of x, so that all of its gradient matters.
func (n *net) cost(x *gorgonia.Node) *gorgonia.Node {
	shape := x.Shape().Clone()
	weights := make([]float32, shape.TotalSize())
	for i := range weights {
		weights[i] = float32(n.rng.NormFloat64())
	}
	forward := func(out []float32, in [][]float32) error {
		sum := 0.0
		for i, v := range in[0] {
			sum += float64(weights[i]) * float64(v)
		}
		out[0] = float32(sum)
		return nil
	}
	gradient := func(_ gorgonia.Nodes, cost, dcost *gorgonia.Node) (gorgonia.Nodes, error) {
		return gorgonia.Nodes{n.b.Op("dcost", shape, func(out []float32, _ [][]float32) error {
			copy(out, weights)
			return nil
		}, nil, cost, dcost)}, n.b.Err()
	}
	return n.b.Op("cost", tensor.Shape{}, forward, gradient, x)
}

// check compares every gradient with central differences and repeats the run:
// gorgonia adds in place, so the second and third must equal the first.
func (n *net) check(t *testing.T, x *gorgonia.Node) {
	t.Helper()
	cost := n.cost(x)
	program, err := n.b.Compile(cost, true)
	if err != nil {
		t.Fatal(err)
	}
	run := func() float64 {
		out, err := program.Run()
		if err != nil {
			t.Fatal(err)
		}
		return float64(out[0])
	}
	run()
	first := make([][]float32, len(n.params))
	for i, p := range n.params {
		first[i] = append([]float32(nil), p.Grad...)
	}
	for range 2 {
		run()
		for i, p := range n.params {
			golden.Near(t, "rerun of "+p.Name, p.Grad, first[i], 0)
		}
	}
	for i, p := range n.params {
		numeric := make([]float32, len(p.Data))
		for j, v := range p.Data {
			const eps = 1e-2 // float32 sums: a smaller step drowns in rounding
			p.Data[j] = v + eps
			up := run()
			p.Data[j] = v - eps
			numeric[j] = float32((up - run()) / (2 * eps))
			p.Data[j] = v
		}
		// 2e-3: the difference's own error is eps^2/6 of the third derivative,
		// and rounding of the cost over eps.
		golden.Near(t, "gradient of "+p.Name, first[i], numeric, 2e-3)
	}
}

func TestGradients(t *testing.T) {
	const batch, length, d = 2, 3, 8
	const n = batch * length
	columns := ops.Columns{Shift: 0, Scale: d, Gate: 2 * d}
	for name, build := range map[string]func(*net) *gorgonia.Node{
		"linear": func(n *net) *gorgonia.Node {
			return n.b.Linear(n.node("x", 5, 8), n.param("w", 7, 8), n.param("bias", 7))
		},
		"embed": func(n *net) *gorgonia.Node {
			return n.b.Embed(n.param("w", 5, 8), []int32{0, 3, 3, 4, 0, 1})
		},
		"silu":   func(n *net) *gorgonia.Node { return n.b.SiLU(n.node("x", 3, 5)) },
		"gelu":   func(n *net) *gorgonia.Node { return n.b.GELU(n.node("x", 3, 5)) },
		"sum":    func(n *net) *gorgonia.Node { return n.b.Sum(n.node("x", 3, 5), n.node("y", 3, 5)) },
		"concat": func(n *net) *gorgonia.Node { return n.b.Concat(n.node("x", 3, 5), n.node("y", 3, 4)) },
		"norm": func(k *net) *gorgonia.Node {
			return k.b.NormModulate(k.node("x", n, d), k.param("w", d), k.node("mod", batch, 3*d), columns)
		},
		"residual": func(k *net) *gorgonia.Node {
			return k.b.GatedResidual(k.node("x", n, d), k.node("y", n, d), k.node("mod", batch, 3*d), columns, nil)
		},
		"dropout": func(k *net) *gorgonia.Node {
			drop := &ops.Dropout{Rate: 0.5, Seeds: []uint64{1, 2}, Place: 3}
			return k.b.GatedResidual(k.node("x", n, d), k.node("y", n, d), k.node("mod", batch, 3*d), columns, drop)
		},
		"attention": func(k *net) *gorgonia.Node {
			return k.b.Attention(k.node("qkv", n, 3*d), batch, length, 2, ops.Visible{})
		},
		"causal attention": func(k *net) *gorgonia.Node {
			return k.b.Attention(k.node("qkv", n, 3*d), batch, length, 2, ops.Visible{Causal: true, Lengths: []int{3, 1}})
		},
		"block": func(k *net) *gorgonia.Node {
			x, mod := k.node("x", n, d), k.node("mod", batch, 3*d)
			for _, w := range []string{"w1", "w2"} {
				x = k.b.GatedResidual(x, k.b.NormModulate(x, k.param(w, d), mod, columns), mod, columns, nil)
			}
			return x
		},
		"fan-in": func(n *net) *gorgonia.Node {
			x := n.node("x", 3, 5)
			return n.b.Sum(n.b.SiLU(x), n.b.Sum(n.b.GELU(x), x))
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newNet(nil)
			k.check(t, build(k))
			planned := newNet(ops.NewArena())
			planned.check(t, build(planned))
			for i, p := range planned.params {
				golden.Near(t, "planned gradient of "+p.Name, p.Grad, k.params[i].Grad, 0)
			}
		})
	}
}

// TestAccumulate adds the gradient of a second run to the first's.
func TestAccumulate(t *testing.T) {
	k := newNet(ops.NewArena())
	x := k.b.Linear(k.node("x", 4, 6), k.param("w", 5, 6), k.param("bias", 5))
	program, err := k.b.Compile(k.cost(k.b.SiLU(x)), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.Run(); err != nil {
		t.Fatal(err)
	}
	var once [][]float32
	for _, p := range k.params {
		once = append(once, append([]float32(nil), p.Grad...))
	}
	k.b.Accumulate = true
	if _, err := program.Run(); err != nil {
		t.Fatal(err)
	}
	for i, p := range k.params {
		twice := make([]float32, len(p.Grad))
		for j, v := range once[i] {
			twice[j] = 2 * v
		}
		golden.Near(t, "accumulated gradient of "+p.Name, p.Grad, twice, 1e-6)
	}
}

func TestParameterUsedTwice(t *testing.T) {
	k := newNet(ops.NewArena())
	w := k.param("shared", 5, 5)
	x := k.b.Linear(k.node("x", 3, 5), w, nil)
	k.b.Linear(x, w, nil)
	if err := k.b.Err(); err == nil || !strings.Contains(err.Error(), "shared is used twice") {
		t.Errorf("error is %v, want one that names the parameter", err)
	}
}

func TestTokenOutsideVocabulary(t *testing.T) {
	k := newNet(ops.NewArena())
	x := k.b.Embed(k.param("w", 5, 4), []int32{0, 5})
	program, err := k.b.Compile(k.cost(x), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.Run(); err == nil || !strings.Contains(err.Error(), "token 5 at position 1 is outside the vocabulary of 5") {
		t.Errorf("error is %v, want one that names the token", err)
	}
}

// TestPanicBecomesError: a kernel's panic on the tape machine's goroutine would
// end the process.
func TestPanicBecomesError(t *testing.T) {
	b := ops.NewBuilder(nil)
	x := b.Input("x", make([]float32, 3), 3)
	y := b.Op("broken", tensor.Shape{3}, func([]float32, [][]float32) error { panic("kernel: no") }, nil, x)
	program, err := b.Compile(y, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := program.Run(); err == nil || !strings.Contains(err.Error(), "broken: kernel: no") {
		t.Errorf("error is %v, want the operation and the panic", err)
	}
}
