package kernel

// Rows and columns of C that one task of gemmPlain computes.
const (
	plainRows = 32
	plainCols = 128
)

// gemmPlain is the plain twin: for each i, j the sum over p of op(a)[i, p] op(b)[p, j],
// in tiles of 4 x 4 sums held in registers.
func gemmPlain(g *matmul) {
	if g.group == g.k {
		g.plainGroup()
		return
	}
	for p := 0; p < g.k; p += g.group {
		part := *g
		part.a, part.b, part.k = g.a[p*g.aCol:], g.b[p*g.bRow:], g.group
		part.accumulate = g.accumulate || p > 0
		part.plainGroup()
	}
}

func (g *matmul) plainGroup() {
	rowBlocks := (g.m + plainRows - 1) / plainRows
	colBlocks := (g.n + plainCols - 1) / plainCols
	Parallel(rowBlocks*colBlocks, func(task int) {
		i0, j0 := task/colBlocks*plainRows, task%colBlocks*plainCols
		i1, j1 := min(i0+plainRows, g.m), min(j0+plainCols, g.n)
		b := g.plainB(j0, j1)
		for j := j0; j < j1; j += 4 {
			for i := i0; i < i1; i += 4 {
				if i+4 <= i1 && j+4 <= j1 {
					g.tile4x4(i, j, b[(j-j0)*g.bCol:])
				} else {
					g.tileEdge(i, min(i+4, i1), j, min(j+4, j1), b[(j-j0)*g.bCol:])
				}
			}
		}
		if g.bf16 != nil {
			giveBack(b)
		}
		g.finish(i0, i1, j0, j1)
	})
}

// plainB returns op(B) from column j0 on. Columns [j0, j1) of a B in bfloat16 are widened
// into a borrowed buffer.
func (g *matmul) plainB(j0, j1 int) []float32 {
	if g.bf16 == nil {
		return g.b[j0*g.bCol:]
	}
	b := borrow((j1 - j0) * g.k)
	widenBF16(b, g.bf16[j0*g.k:j1*g.k])
	return b
}

func (g *matmul) store(i, j int, sum float32) {
	if g.accumulate {
		sum += g.c[i*g.n+j]
	}
	g.c[i*g.n+j] = sum
}

// tileEdge computes C[i0:i1, j0:j1] one element at a time. b begins with column j0.
func (g *matmul) tileEdge(i0, i1, j0, j1 int, b []float32) {
	for i := i0; i < i1; i++ {
		for j := j0; j < j1; j++ {
			var sum float32
			for p := range g.k {
				sum += g.a[i*g.aRow+p*g.aCol] * b[p*g.bRow+(j-j0)*g.bCol]
			}
			g.store(i, j, sum)
		}
	}
}

// tile4x4 computes C[i:i+4, j:j+4]. b begins with column j.
func (g *matmul) tile4x4(i, j int, b []float32) {
	var s [4][4]float32
	ar, br, bc := g.aRow, g.bRow, g.bCol
	for p, ap, bp := 0, i*ar, 0; p < g.k; p, ap, bp = p+1, ap+g.aCol, bp+br {
		b0, b1, b2, b3 := b[bp], b[bp+bc], b[bp+2*bc], b[bp+3*bc]
		a := g.a[ap]
		s[0][0] += a * b0
		s[0][1] += a * b1
		s[0][2] += a * b2
		s[0][3] += a * b3
		a = g.a[ap+ar]
		s[1][0] += a * b0
		s[1][1] += a * b1
		s[1][2] += a * b2
		s[1][3] += a * b3
		a = g.a[ap+2*ar]
		s[2][0] += a * b0
		s[2][1] += a * b1
		s[2][2] += a * b2
		s[2][3] += a * b3
		a = g.a[ap+3*ar]
		s[3][0] += a * b0
		s[3][1] += a * b1
		s[3][2] += a * b2
		s[3][3] += a * b3
	}
	for r := range s {
		for q := range s[r] {
			g.store(i+r, j+q, s[r][q])
		}
	}
}
