//go:build !noasm

package kernel

import "unsafe"

// The packed product. op(B) is packed into strips of columns; op(A), unless it lies in rows,
// into panels of a few rows. A tiling's strip function multiplies panels by one strip. K is
// cut evenly into slices so that strips of one slice stay in a near cache.
const (
	packedB        = 3 << 16 // most floats of B that a part packs at a time: 768 KiB
	farA           = 1 << 23 // an A of so many floats in rows comes from memory each time that it meets strips
	blockRows      = 96      // of A that meet all strips of a part one after another
	tasksPerThread = 4       // at least so many parts if A lies in rows,
	leastRows      = 192     // of so many rows or more
	splitRows      = 128     // with a packed A: of so many
	linePad        = 16      // floats between panels or strips, so that they do not share cache sets
	tinyWork       = 1 << 16 // products of fewer multiplications do not pay for a second thread
)

// A tiling is a micro-kernel with its packers and the blocking that suits it.
type tiling struct {
	rows, cols int // of C held in registers: a panel's rows, a strip's columns
	depth      int // most rows of a slice of K, which the packers fill up to a multiple of round;
	deep       int // the same if A lies in rows and is not far: C is then read less often
	round      int
	lanes      int // columns of a strip that transposeB packs at a time
	abreast    int // strips of a part if A lies in rows

	strip      func(c *float32, ldc int, a *float32, aPanel, aRow, aCol int, b, bias *float32, k, rows, cols int, accumulate bool)
	copyA      func(dst *float32, panel int, src *float32, ld, k, n int)
	copyB      func(dst *float32, strip int, src *float32, ld, k, n int)
	transposeA func(dst, src *float32, ld, k, n int)
	transposeB func(dst, src *float32, ld, k, n int)
	widenB     func(dst *float32, src *uint16, ld, k, n int) // transposeB from bfloat16
}

var tilingAVX2 = tiling{
	rows: panelRows, cols: stripCols, depth: sliceDepth, deep: sliceDepth, round: 8, lanes: 8, abreast: 4,
	strip: gemmStrip, copyA: copyPanels6, copyB: packCopy16,
	transposeA: packTranspose6, transposeB: packTranspose8, widenB: packTranspose8BF16,
}

// wideStrip is the columns of AVX-512's strips.
const wideStrip = 64

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
	rows: 6, cols: wideStrip, depth: 512, deep: 768, round: 16, lanes: 16, abreast: 1,
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
	lying, far := g.aCol == 1, g.m*g.k >= farA
	depth := t.depth
	if lying && !far {
		depth = t.deep
	}
	p := packing{matmul: g, tiling: t, perGroup: ceilDiv(g.group, depth)}
	p.depth = t.round * ceilDiv(g.group, t.round*p.perGroup)
	p.perGroup = ceilDiv(g.group, p.depth)
	p.slices = g.k / g.group * p.perGroup
	p.stripSize, p.panelSize = p.depth*t.cols+linePad, p.depth*t.rows+linePad
	all, most := ceilDiv(p.n, t.cols), max(packedB/(p.depth*t.cols), 1)
	even := ceilDiv(all, Threads()*ceilDiv(all, Threads()*most)) // strips of a part: as many parts for every thread
	switch {
	case lying && far:
		p.parts(even, 1, p.m/leastRows)
	case lying:
		p.parts(t.abreast, tasksPerThread, p.m/leastRows)
	case all <= most:
		p.parts(all, 1, p.m/splitRows)
	default:
		p.parts(even, 1, p.m/splitRows)
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

// packPanels packs rows [i0, i1) of slice s of op(A), for layout TN.
func (p *packing) packPanels(dst []float32, i0, i1, s int) {
	at, k := p.start(s)*p.aCol, p.rowsOf(s)
	p.copyA(&dst[0], p.panelSize, &p.a[at+i0], p.aCol, k, i1-i0)
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

var noBias [wideStrip]float32

// multiply adds slice s of rows [i, i+rows) times the strip of columns from j on to C. The
// first slice brings the bias.
func (p *packing) multiply(i, rows, j, s int, a *float32, aPanel, aRow, aCol int, strip []float32) {
	cols, bias := min(p.cols, p.n-j), noBias[:]
	if s == 0 && p.ep.Bias != nil {
		bias = p.ep.Bias[j:]
		if cols < p.cols { // the micro-kernel reads all of them
			bias = borrow(p.cols)
			defer giveBack(bias)
			copy(bias, p.ep.Bias[j:])
		}
	}
	p.strip(&p.c[i*p.n+j], p.n, a, aPanel, aRow, aCol, &strip[0], &bias[0], p.rowsOf(s), rows, cols, p.accumulate || s > 0)
}

// parts cuts C into parts of at most so many strips, and of fewer rows than C has, in at
// most so many blocks, if a thread would get fewer than perThread parts.
//
// Every part packs what it needs for itself alone: to hand packed operands from one core to
// another takes longer than to pack them twice.
func (p *packing) parts(strips, perThread, blocks int) {
	inAll, panels := ceilDiv(p.n, p.cols), ceilDiv(p.m, p.rows)
	groups := ceilDiv(inAll, strips)
	most := max(blocks, 1)
	blocks = min(ceilDiv(perThread*Threads(), groups), most)
	for blocks < most && groups*blocks < tasksPerThread*Threads() && groups*blocks%Threads() != 0 {
		blocks++ // few parts: as many for every thread
	}
	p.parallel(groups*blocks, func(task int) {
		g, b := task/blocks, task%blocks
		p.part(b*panels/blocks*p.rows, min((b+1)*panels/blocks*p.rows, p.m),
			g*inAll/groups*p.cols, min((g+1)*inAll/groups*p.cols, p.n))
	})
}

// part computes columns [j0, j1) of rows [i0, i1). The strips of a slice stay in the
// second-level cache while the rows pass by.
func (p *packing) part(i0, i1, j0, j1 int) {
	strips, panels := borrow(ceilDiv(j1-j0, p.cols)*p.stripSize), borrow(blockRows/p.rows*p.panelSize)
	defer giveBack(strips)
	defer giveBack(panels)
	for s := range p.slices {
		p.packStrips(strips, j0, j1, s)
		for i := i0; i < i1; i += blockRows {
			end := min(i+blockRows, i1)
			if p.aCol == 1 {
				p.rowsTimes(strips, panels, i, end, j0, j1, s)
			} else {
				p.packPanels(panels, i, end, s)
				p.panelsTimes(strips, panels, i, end, j0, j1, s)
			}
		}
	}
	p.activate(i0, i1, j0, j1)
}

// rowsTimes multiplies rows [i0, i1) of A, as they lie, by strips of columns [j0, j1). Those
// of a last panel that is not full are packed: the micro-kernel reads whole panels.
func (p *packing) rowsTimes(strips, panel []float32, i0, i1, j0, j1, s int) {
	at, full := p.start(s), i1-(i1-i0)%p.rows
	for j := j0; j < j1 && full > i0; j += p.cols {
		p.multiply(i0, full-i0, j, s, &p.a[i0*p.aRow+at], p.rows*p.aRow, p.aRow, 1, strips[(j-j0)/p.cols*p.stripSize:])
	}
	if full < i1 {
		p.transposeA(&panel[0], &p.a[full*p.aRow+at], p.aRow, p.rowsOf(s), i1-full)
		p.panelsTimes(strips, panel, full, i1, j0, j1, s)
	}
}

// panelsTimes multiplies rows [i0, i1), packed into panels, by strips of columns [j0, j1).
func (p *packing) panelsTimes(strips, panels []float32, i0, i1, j0, j1, s int) {
	for j := j0; j < j1; j += p.cols {
		p.multiply(i0, i1-i0, j, s, &panels[0], p.panelSize, 1, p.rows, strips[(j-j0)/p.cols*p.stripSize:])
	}
}
