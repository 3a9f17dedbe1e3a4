//go:build !noasm

package kernel

// The packed product. op(A) is packed into panels of 6 rows, op(B) into strips of 16
// columns; gemmStrip multiplies one strip by a block of panels. K is cut evenly into
// slices so that a strip of one slice (24 KiB) stays in the first-level cache while the
// block of panels streams from the second.
const (
	panelRows  = 6
	stripCols  = 16
	sliceDepth = 384
	packedB    = 1 << 20 // most floats of B packed at a time: 4 MiB
	wideCols   = 4096    // most columns packed at a time if K is one slice,
	deepCols   = 512     // and if C is passed over once for every slice
	blockRows  = 96      // about the rows of a block of panels
	skinnyRows = 96      // up to here A is one block: its panels are shared, B's strips are not
	finishCols = 256     // columns after which the epilogue runs, while they are in cache
	splitSize  = 1 << 18 // up to so many elements of C, threads share no operands
	splitDepth = 1024    // if K is at least so long
	linePad    = 16      // floats between panels or strips, so that they do not share cache sets
	tinyWork   = 1 << 16 // products of fewer multiplications do not pay for a second thread
)

// A packing is a matmul with its blocking.
type packing struct {
	*matmul
	slices, perGroup int // of K in all, and of one group
	depth            int // rows of a slice; the last of a group may be shorter
	strip, panel     int // floats from one packed strip or panel to the next
}

func gemmAVX2(g *matmul) {
	switch {
	case g.k == 0:
		gemmPlain(g)
	case g.m > skinnyRows && g.m*g.n <= splitSize && g.k >= splitDepth:
		g.split()
	default:
		g.packed()
	}
}

// split gives every thread rows of C of its own, with operands packed for itself alone. It
// suits the gradient of a weight: a long sum for few elements, where threads that share
// packed operands would wait for each other.
func (g *matmul) split() {
	panels := ceilDiv(g.m, panelRows)
	parts := min(Threads(), panels)
	Parallel(parts, func(i int) {
		i0, i1 := i*panels/parts*panelRows, min((i+1)*panels/parts*panelRows, g.m)
		part := *g
		part.m, part.c, part.a = i1-i0, g.c[i0*g.n:i1*g.n], g.a[i0*g.aRow:]
		if g.ep.Pre != nil {
			part.ep.Pre = g.ep.Pre[i0*g.n : i1*g.n]
		}
		part.packed()
	})
}

func (g *matmul) packed() {
	p := packing{matmul: g, perGroup: ceilDiv(g.group, sliceDepth)}
	p.depth = 8 * ceilDiv(g.group, 8*p.perGroup)
	p.perGroup = ceilDiv(g.group, p.depth)
	p.slices = g.k / g.group * p.perGroup
	p.strip, p.panel = p.depth*stripCols+linePad, p.depth*panelRows+linePad
	if g.m <= skinnyRows {
		p.skinny()
	} else {
		p.wide()
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// start returns the first row of slice s.
func (p *packing) start(s int) int { return s/p.perGroup*p.group + s%p.perGroup*p.depth }

// rowsOf returns the number of rows of slice s.
func (p *packing) rowsOf(s int) int { return min(p.depth, p.group-s%p.perGroup*p.depth) }

// parallel is Parallel, but keeps tiny products on one thread.
func (p *packing) parallel(n int, body func(i int)) {
	if p.m*p.n*p.k > tinyWork {
		Parallel(n, body)
		return
	}
	for i := range n {
		body(i)
	}
}

// packPanel packs rows i ... i+5 of slice s of op(A).
func (p *packing) packPanel(dst []float32, i, s int) {
	src := &p.a[i*p.aRow+p.start(s)*p.aCol]
	rows := min(panelRows, p.m-i)
	if p.aCol == 1 {
		packTranspose6(&dst[0], src, p.aRow, p.rowsOf(s), rows)
	} else {
		packCopy6(&dst[0], src, p.aCol, p.rowsOf(s), rows)
	}
}

// packStrips packs columns [j0, j1) of slice s of op(B).
func (p *packing) packStrips(dst []float32, j0, j1, s int) {
	at, k := p.start(s)*p.bRow, p.rowsOf(s)
	if p.bCol == 1 && p.bf16 == nil {
		packCopy16(&dst[0], p.strip, &p.b[at+j0], p.bRow, k, j1-j0)
		return
	}
	for j := j0; j < j1; j += 8 {
		half := (j-j0)/stripCols*p.strip + (j-j0)%stripCols
		if rows := min(8, j1-j); p.bf16 != nil {
			packTranspose8BF16(&dst[half], (*uint16)(&p.bf16[at+j*p.bCol]), p.bCol, k, rows)
		} else {
			packTranspose8(&dst[half], &p.b[at+j*p.bCol], p.bCol, k, rows)
		}
	}
}

// multiply adds slice s of rows [i, i+rows) times columns j ... j+15 to C.
func (p *packing) multiply(i, rows, j, s int, panels, strip []float32) {
	gemmStrip(&p.c[i*p.n+j], p.n, &panels[0], p.panel, &strip[0],
		p.rowsOf(s), rows, min(stripCols, p.n-j), p.accumulate || s > 0)
}

// skinny packs all of A first; then every task packs strips of B for itself alone.
func (p *packing) skinny() {
	panels := ceilDiv(p.m, panelRows)
	block := panels * p.panel
	packedA := borrow(p.slices * block)
	defer giveBack(packedA)
	p.parallel(p.slices, func(s int) {
		for i := range panels {
			p.packPanel(packedA[s*block+i*p.panel:], i*panelRows, s)
		}
	})
	strips := ceilDiv(p.n, stripCols)
	group := min(max(strips/16, 1), finishCols/stripCols)
	p.parallel(ceilDiv(strips, group), func(task int) {
		strip := borrow(p.strip)
		defer giveBack(strip)
		j0, j1 := task*group*stripCols, min((task+1)*group*stripCols, p.n)
		for j := j0; j < j1; j += stripCols {
			for s := range p.slices {
				p.packStrips(strip, j, min(j+stripCols, j1), s)
				p.multiply(0, p.m, j, s, packedA[s*block:], strip)
			}
		}
		p.finish(0, p.m, j0, j1)
	})
}

// wide packs as much of B as fits and multiplies all blocks of rows by it.
func (p *packing) wide() {
	cols := min(wideCols, packedB/p.depth)
	if p.slices > 1 {
		cols = deepCols
	}
	cols = min(cols, p.n) + stripCols - 1
	cols -= cols % stripCols
	atOnce := max(min(p.slices, packedB/(p.depth*cols)), 1)
	packed := borrow(atOnce * cols / stripCols * p.strip)
	defer giveBack(packed)
	for s0 := 0; s0 < p.slices; s0 += atOnce {
		for j0 := 0; j0 < p.n; j0 += cols {
			p.columns(packed, s0, min(s0+atOnce, p.slices), j0, min(j0+cols, p.n))
		}
	}
}

// columns adds slices [s0, s1) of the product to columns [j0, j1) of C.
func (p *packing) columns(packed []float32, s0, s1, j0, j1 int) {
	const grain = 4 // strips packed in one task
	strips := ceilDiv(j1-j0, stripCols)
	groups := ceilDiv(strips, grain)
	Parallel((s1-s0)*groups, func(task int) {
		s, q0 := task/groups, task%groups*grain
		p.packStrips(packed[(s*strips+q0)*p.strip:], j0+q0*stripCols, min(j0+(q0+grain)*stripCols, j1), s0+s)
	})
	// Blocks in multiples of 4 share evenly among 2 and 4 threads.
	panels := ceilDiv(p.m, panelRows)
	blocks := min(4*ceilDiv(p.m, 4*blockRows), panels)
	Parallel(blocks, func(task int) {
		i0, i1 := task*panels/blocks*panelRows, min((task+1)*panels/blocks*panelRows, p.m)
		block := borrow(ceilDiv(i1-i0, panelRows) * p.panel)
		defer giveBack(block)
		for s := s0; s < s1; s++ {
			for i := i0; i < i1; i += panelRows {
				p.packPanel(block[(i-i0)/panelRows*p.panel:], i, s)
			}
			p.row(block, packed[(s-s0)*strips*p.strip:], s, i0, i1, j0, j1)
		}
	})
}

// row multiplies a block of panels by all strips of slice s.
func (p *packing) row(block, packed []float32, s, i0, i1, j0, j1 int) {
	for j := j0; j < j1; j += finishCols {
		end := min(j+finishCols, j1)
		for q := j; q < end; q += stripCols {
			p.multiply(i0, i1-i0, q, s, block, packed[(q-j0)/stripCols*p.strip:])
		}
		if s == p.slices-1 {
			p.finish(i0, i1, j, end)
		}
	}
}
