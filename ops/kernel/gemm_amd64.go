//go:build !noasm

package kernel

import "unsafe"

// The packed product. op(A) is packed into panels of a few rows, op(B) into strips of
// columns; a tiling's strip function multiplies one strip by a block of panels. K is cut
// evenly into slices so that a strip of one slice stays in a near cache while the block of
// panels streams from the second.
const (
	packedB    = 1 << 20 // most floats of B packed at a time: 4 MiB
	mostCols   = 4096    // most columns packed at a time if K is one slice,
	deepCols   = 1024    // and if C is passed over once for every slice
	blockRows  = 96      // about the rows of a block of panels
	splitSize  = 1 << 18 // up to so many elements of C, threads share no operands
	splitDepth = 1024    // if K is at least so long
	splitRows  = 128     // and there are so many rows for each
	finishCols = 256     // columns after which the epilogue runs, while they are in cache
	linePad    = 16      // floats between panels or strips, so that they do not share cache sets
	tinyWork   = 1 << 16 // products of fewer multiplications do not pay for a second thread
)

// A tiling is a micro-kernel with its packers and the blocking that suits it.
type tiling struct {
	rows, cols int // of C held in registers: a panel's rows, a strip's columns
	depth      int // most rows of a slice of K, which the packers fill up to a multiple of round
	round      int
	skinny     int // up to so many rows A is one block: its panels are shared, B's strips are not
	lanes      int // columns of a strip that transposeB packs at a time

	strip      func(c *float32, ldc int, a *float32, aPanel int, b *float32, k, rows, cols int, accumulate bool)
	copyA      func(dst *float32, panel int, src *float32, ld, k, n int)
	copyB      func(dst *float32, strip int, src *float32, ld, k, n int)
	transposeA func(dst, src *float32, ld, k, n int)
	transposeB func(dst, src *float32, ld, k, n int)
	widenB     func(dst *float32, src *uint16, ld, k, n int) // transposeB from bfloat16
}

var tilingAVX2 = tiling{
	rows: panelRows, cols: stripCols, depth: sliceDepth, round: 8, skinny: 96, lanes: 8,
	strip: gemmStrip, copyA: copyPanels6, copyB: packCopy16,
	transposeA: packTranspose6, transposeB: packTranspose8, widenB: packTranspose8BF16,
}

// The panels, strips and slices of AVX2.
const (
	panelRows  = 6
	stripCols  = 16
	sliceDepth = 384 // a strip has 24 KiB
)

// copyPanels6 packs n columns of src [k, ld] into panels.
func copyPanels6(dst *float32, panel int, src *float32, ld, k, n int) {
	for i := 0; i < n; i += panelRows {
		to, from := unsafe.Add(unsafe.Pointer(dst), 4*(i/panelRows*panel)), unsafe.Add(unsafe.Pointer(src), 4*i)
		packCopy6((*float32)(to), (*float32)(from), ld, k, min(panelRows, n-i))
	}
}

var tilingAVX512 = tiling{
	rows: 6, cols: 64, depth: 512, round: 16, skinny: 192, lanes: 16,
	strip: gemmStrip64, copyA: packCopy6x16, copyB: packCopy64,
	transposeA: packTranspose6x16, transposeB: packTranspose16, widenB: packTranspose16BF16,
}

// A packing is a matmul with its blocking.
type packing struct {
	*matmul
	*tiling
	slices, perGroup     int // of K in all, and of one group
	depth                int // rows of a slice; the last of a group may be shorter
	stripSize, panelSize int // floats from one packed strip or panel to the next
}

func gemmAVX2(g *matmul) { g.tiled(&tilingAVX2) }

func gemmAVX512(g *matmul) { g.tiled(&tilingAVX512) }

func (g *matmul) tiled(t *tiling) {
	n := Threads()
	if n > 1 && g.m >= n*splitRows && g.m*g.n <= splitSize && g.k >= splitDepth {
		g.split(t, n)
	} else {
		g.packed(t)
	}
}

// split gives each of n threads rows of C of its own, with operands packed for itself
// alone. It suits the gradient of a weight, a long sum for few elements: to hand packed
// operands from one core to another takes longer than to pack them twice.
func (g *matmul) split(t *tiling, n int) {
	panels := ceilDiv(g.m, t.rows)
	Parallel(n, func(i int) {
		i0, i1 := i*panels/n*t.rows, min((i+1)*panels/n*t.rows, g.m)
		part := *g
		part.m, part.c, part.a = i1-i0, g.c[i0*g.n:i1*g.n], g.a[i0*g.aRow:]
		if g.ep.Pre != nil {
			part.ep.Pre = g.ep.Pre[i0*g.n : i1*g.n]
		}
		part.packed(t)
	})
}

func (g *matmul) packed(t *tiling) {
	p := packing{matmul: g, tiling: t, perGroup: ceilDiv(g.group, t.depth)}
	p.depth = t.round * ceilDiv(g.group, t.round*p.perGroup)
	p.perGroup = ceilDiv(g.group, p.depth)
	p.slices = g.k / g.group * p.perGroup
	p.stripSize, p.panelSize = p.depth*t.cols+linePad, p.depth*t.rows+linePad
	if g.m <= t.skinny {
		p.narrow()
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

// packPanels packs rows [i0, i1) of slice s of op(A).
func (p *packing) packPanels(dst []float32, i0, i1, s int) {
	at, k := p.start(s)*p.aCol, p.rowsOf(s)
	if p.aRow == 1 {
		p.copyA(&dst[0], p.panelSize, &p.a[at+i0], p.aCol, k, i1-i0)
		return
	}
	for i := i0; i < i1; i += p.rows {
		p.transposeA(&dst[(i-i0)/p.rows*p.panelSize], &p.a[at+i*p.aRow], p.aRow, k, min(p.rows, i1-i))
	}
}

// packStrips packs columns [j0, j1) of slice s of op(B).
func (p *packing) packStrips(dst []float32, j0, j1, s int) {
	at, k := p.start(s)*p.bRow, p.rowsOf(s)
	if p.bCol == 1 && p.bf16 == nil {
		p.copyB(&dst[0], p.stripSize, &p.b[at+j0], p.bRow, k, j1-j0)
		return
	}
	for j := j0; j < j1; j += p.lanes {
		part := (j-j0)/p.cols*p.stripSize + (j-j0)%p.cols
		if n := min(p.lanes, j1-j); p.bf16 != nil {
			p.widenB(&dst[part], (*uint16)(&p.bf16[at+j*p.bCol]), p.bCol, k, n)
		} else {
			p.transposeB(&dst[part], &p.b[at+j*p.bCol], p.bCol, k, n)
		}
	}
}

// multiply adds slice s of rows [i, i+rows) times the strip of columns from j on to C.
func (p *packing) multiply(i, rows, j, s int, panels, strip []float32) {
	p.strip(&p.c[i*p.n+j], p.n, &panels[0], p.panelSize, &strip[0],
		p.rowsOf(s), rows, min(p.cols, p.n-j), p.accumulate || s > 0)
}

// narrow packs all of A first; then every task packs strips of B for itself alone.
func (p *packing) narrow() {
	block := ceilDiv(p.m, p.rows) * p.panelSize
	packedA := borrow(p.slices * block)
	defer giveBack(packedA)
	p.parallel(p.slices, func(s int) {
		p.packPanels(packedA[s*block:], 0, p.m, s)
	})
	strips := ceilDiv(p.n, p.cols)
	group := min(max(strips/16, 1), finishCols/p.cols)
	p.parallel(ceilDiv(strips, group), func(task int) {
		strip := borrow(p.stripSize)
		defer giveBack(strip)
		j0, j1 := task*group*p.cols, min((task+1)*group*p.cols, p.n)
		for j := j0; j < j1; j += p.cols {
			for s := range p.slices {
				p.packStrips(strip, j, min(j+p.cols, j1), s)
				p.multiply(0, p.m, j, s, packedA[s*block:], strip)
			}
		}
		p.finish(0, p.m, j0, j1)
	})
}

// wide packs as much of B as fits and multiplies all blocks of rows by it.
func (p *packing) wide() {
	cols := min(mostCols, packedB/p.depth)
	if p.slices > 1 {
		cols = deepCols
	}
	cols = min(cols, p.n) + p.cols - 1
	cols -= cols % p.cols
	atOnce := max(min(p.slices, packedB/(p.depth*cols)), 1)
	packed := borrow(atOnce * cols / p.cols * p.stripSize)
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
	strips := ceilDiv(j1-j0, p.cols)
	groups := ceilDiv(strips, grain)
	Parallel((s1-s0)*groups, func(task int) {
		s, q0 := task/groups, task%groups*grain
		p.packStrips(packed[(s*strips+q0)*p.stripSize:], j0+q0*p.cols, min(j0+(q0+grain)*p.cols, j1), s0+s)
	})
	// Blocks in multiples of 4 share evenly among 2 and 4 threads.
	panels := ceilDiv(p.m, p.rows)
	blocks := min(4*ceilDiv(p.m, 4*blockRows), panels)
	Parallel(blocks, func(task int) {
		i0, i1 := task*panels/blocks*p.rows, min((task+1)*panels/blocks*p.rows, p.m)
		block := borrow(ceilDiv(i1-i0, p.rows) * p.panelSize)
		defer giveBack(block)
		for s := s0; s < s1; s++ {
			p.packPanels(block, i0, i1, s)
			p.row(block, packed[(s-s0)*strips*p.stripSize:], s, i0, i1, j0, j1)
		}
	})
}

// row multiplies a block of panels by all strips of slice s.
func (p *packing) row(block, packed []float32, s, i0, i1, j0, j1 int) {
	for j := j0; j < j1; j += finishCols {
		end := min(j+finishCols, j1)
		for q := j; q < end; q += p.cols {
			p.multiply(i0, i1-i0, q, s, block, packed[(q-j0)/p.cols*p.stripSize:])
		}
		if s == p.slices-1 {
			p.finish(i0, i1, j, end)
		}
	}
}
