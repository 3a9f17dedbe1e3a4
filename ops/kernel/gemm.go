package kernel

// Layout says which operands of Gemm are stored transposed.
type Layout uint8

const (
	NN Layout = iota // a [M, K], b [K, N]
	NT               // a [M, K], b [N, K]
	TN               // a [K, M], b [K, N]
)

// Epilogue is what Gemm does to its result while it is in cache. The zero value does nothing.
type Epilogue struct {
	Bias []float32 // [N], added to every row; nil: none
	Pre  []float32 // [M, N], receives the values before GELU; nil: not kept. Only with GELU
	GELU bool
}

// A matmul is one call of Gemm. Element (i, p) of op(A) is a[i*aRow+p*aCol], element (p, j)
// of op(B) is b[p*bRow+j*bCol].
type matmul struct {
	c, a, b                []float32
	bf16                   []BF16 // instead of b, if not nil
	m, n, k                int
	group                  int // K is summed up in groups of so many, which join C in order; divides k
	aRow, aCol, bRow, bCol int
	layout                 Layout
	accumulate             bool
	ep                     Epilogue
}

type gemmFunc func(g *matmul)

// Gemm computes c = op(a) op(b), or c += with accumulate, then the epilogue: c += bias,
// pre = c, c = gelu(c). c is [m, n]; see Layout for a and b.
func Gemm(layout Layout, c, a, b []float32, m, n, k int, accumulate bool, ep Epilogue) {
	if m < 0 || n < 0 || k < 0 || len(c) != m*n || len(a) != m*k || len(b) != k*n {
		panic("kernel: Gemm: a slice's length does not match m, n, k")
	}
	g := matmul{c: c, a: a, b: b, m: m, n: n, k: k, group: k, layout: layout, accumulate: accumulate, ep: ep}
	switch layout {
	case NN:
		g.aRow, g.aCol, g.bRow, g.bCol = k, 1, n, 1
	case NT:
		g.aRow, g.aCol, g.bRow, g.bCol = k, 1, 1, k
	case TN:
		g.aRow, g.aCol, g.bRow, g.bCol = 1, m, n, 1
	default:
		panic("kernel: Gemm: unknown layout")
	}
	g.run()
}

// GemmTN computes c = a^T b, or c += with accumulate, for a [k, m], b [k, n] and c [m, n]:
// the gradient of a weight. The products of every group of so many rows are summed up and
// join c one group after another, so that one call gives the same bits as several that
// accumulate, each of some groups. group divides k.
func GemmTN(c, a, b []float32, m, n, k, group int, accumulate bool) {
	if m < 0 || n < 0 || k < 0 || len(c) != m*n || len(a) != m*k || len(b) != k*n {
		panic("kernel: GemmTN: a slice's length does not match m, n, k")
	}
	if group < 1 || k%group != 0 {
		panic("kernel: GemmTN: the groups do not fill k")
	}
	g := matmul{c: c, a: a, b: b, m: m, n: n, k: k, group: group, layout: TN, accumulate: accumulate, aRow: 1, aCol: m, bRow: n, bCol: 1}
	g.run()
}

func (g *matmul) run() {
	if g.ep.Bias != nil && len(g.ep.Bias) != g.n {
		panic("kernel: Gemm: bias must have n elements")
	}
	if g.ep.Pre != nil && (len(g.ep.Pre) != g.m*g.n || !g.ep.GELU) {
		panic("kernel: Gemm: pre must have m*n elements and goes with GELU")
	}
	switch {
	case g.m == 0 || g.n == 0:
	case g.k == 0: // sums of nothing
		if !g.accumulate {
			clear(g.c)
		}
		g.finish(0, g.m, 0, g.n)
	default:
		use.gemm(g)
	}
}

// finish applies the epilogue to columns [j0, j1) of rows [i0, i1).
func (g *matmul) finish(i0, i1, j0, j1 int) {
	if g.ep.Bias != nil {
		for i := i0; i < i1; i++ {
			use.addRow(g.c[i*g.n+j0:i*g.n+j1], g.ep.Bias[j0:j1])
		}
	}
	g.activate(i0, i1, j0, j1)
}

// activate applies what follows the bias.
func (g *matmul) activate(i0, i1, j0, j1 int) {
	if !g.ep.GELU {
		return
	}
	for i := i0; i < i1; i++ {
		row := g.c[i*g.n+j0 : i*g.n+j1]
		if g.ep.Pre != nil {
			copy(g.ep.Pre[i*g.n+j0:i*g.n+j1], row)
		}
		use.gelu(row, row)
	}
}
