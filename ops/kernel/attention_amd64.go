//go:build !noasm

package kernel

import "math"

// The blocked head. Queries go through in strips of 16 lanes; scores, weights and their
// gradients are kept transposed, a row of 16 for every key, so that softmax needs no sum
// across lanes and the result of one product is already the packed operand of the next.

// An arena hands out parts of one borrowed buffer, each from a cache line on.
type arena []float32

func lines(n int) int { return (n + 15) &^ 15 }

func (a *arena) take(n int) []float32 {
	part := (*a)[:n]
	*a = (*a)[lines(n):]
	return part
}

// panelsOf returns the floats of rows packed into panels of 6 with depth columns each, and
// of one such panel.
func panelsOf(rows, depth int) (all, one int) {
	one = lines(depth * panelRows)
	return ceilDiv(rows, panelRows) * one, one
}

// packRows packs n rows of x, ld apart, into panels over its width columns.
func packRows(dst, x []float32, ld, n, width int) {
	_, panel := panelsOf(n, width)
	for i := 0; i < n; i += panelRows {
		packTranspose6(&dst[i/panelRows*panel], &x[i*ld], ld, width, min(panelRows, n-i))
	}
}

// packColumns packs the columns of n rows of x, ld apart, into panels over the rows.
func packColumns(dst, x []float32, ld, n, width int) {
	_, panel := panelsOf(width, n)
	for d := 0; d < width; d += panelRows {
		packCopy6(&dst[d/panelRows*panel], &x[d], ld, n, min(panelRows, width-d))
	}
}

// packQueries packs n <= 16 rows of x, ld apart, into a strip [width, 16].
func packQueries(dst, x []float32, ld, n, width int) {
	packTranspose8(&dst[0], &x[0], ld, width, min(8, n))
	if n > 8 {
		packTranspose8(&dst[8], &x[8*ld], ld, width, n-8)
	}
}

// unpackQueries writes the strip back as n rows of x, times scale [16].
func unpackQueries(x []float32, ld int, strip []float32, n, width int, scale *[stripCols]float32) {
	unpackTranspose8(&x[0], ld, &strip[0], width, min(8, n), &scale[0])
	if n > 8 {
		unpackTranspose8(&x[8*ld], ld, &strip[8], width, n-8, &scale[8])
	}
}

// scoreStrip computes dst [keys, 16] = panels [keys, width] times strip [width, 16].
func scoreStrip(dst, panels, strip []float32, keys, width int) {
	_, panel := panelsOf(keys, width)
	gemmStrip(&dst[0], stripCols, &panels[0], panel, &strip[0], width, keys, stripCols, false)
}

// hide takes keys a query may not see out of its scores, a column of the strip [keys, 16]
// of n queries from i on.
func (a *attentionHead) hide(scores []float32, i, n, keys int) {
	minusInf := float32(math.Inf(-1))
	for q := range n {
		for j := a.seen(i + q); j < keys; j++ {
			scores[j*stripCols+q] = minusInf
		}
	}
}

// mixStrip computes dst [width, 16] = the first keys columns of panels [width, length]
// times strip [keys, 16], in slices of keys that stay in the first-level cache.
func mixStrip(dst, panels, strip []float32, keys, length, width int) {
	_, panel := panelsOf(width, length)
	for j := 0; j < keys; j += sliceDepth {
		gemmStrip(&dst[0], stripCols, &panels[j*panelRows], panel, &strip[j*stripCols],
			min(sliceDepth, keys-j), width, stripCols, j > 0)
	}
}

func attentionHeadAVX2(a attentionHead) {
	length, width, ld := a.length, a.headDim, 3*a.width
	keyFloats, _ := panelsOf(length, width)
	valueFloats, _ := panelsOf(width, length)
	buffer := borrow(keyFloats + valueFloats + stripCols*(length+2*width))
	defer giveBack(buffer)
	space := arena(buffer)
	keys, values := space.take(keyFloats), space.take(valueFloats)
	scores := space.take(stripCols * length)
	query, mixed := space.take(stripCols*width), space.take(stripCols*width)
	packRows(keys, a.from(a.qkv, 0, 1), ld, a.keys, width)
	packColumns(values, a.from(a.qkv, 0, 2), ld, a.keys, width)
	for i := 0; i < length; i += stripCols {
		n := min(stripCols, length-i)
		seen := a.seen(i + n - 1)
		packQueries(query, a.from(a.qkv, i, 0), ld, n, width)
		scoreStrip(scores, keys, query, seen, width)
		a.hide(scores, i, n, seen)
		var top, sum, scale [stripCols]float32
		expColumns(&scores[0], seen, a.scale, &top[0], &sum[0])
		mixStrip(mixed, values, scores, seen, a.keys, width)
		for q := range n {
			a.lse[i+q] = top[q] + float32(math.Log(float64(sum[q])))
			scale[q] = 1 / sum[q]
		}
		unpackQueries(a.out[i*a.width:], a.width, mixed, n, width, &scale)
	}
}

// gradBlock is the number of queries whose weights are collected before they are
// multiplied into dk and dv: a multiple of 16 that keeps both panels in the second-level
// cache.
const gradBlock = 64

// A gradHead is the scratch of one head's backward pass.
type gradHead struct {
	*attentionHead
	keys, values, keyColumns []float32 // packed once
	p, ds                    []float32 // strips [length, 16]: weights, gradients of scores
	pPanels, dsPanels        []float32 // the same as panels over a block of queries
	query, dout              []float32 // strips [headDim, 16]
	block                    []float32 // strip [gradBlock, 16]
}

func attentionHeadBackwardAVX2(a attentionHead) {
	length, width, ld := a.length, a.headDim, 3*a.width
	rowFloats, _ := panelsOf(length, width)
	columnFloats, _ := panelsOf(width, length)
	weightFloats, _ := panelsOf(length, gradBlock)
	strip := stripCols * (length + panelRows) // stripToPanels reads on after the last row
	buffer := borrow(2*rowFloats + columnFloats + 2*weightFloats + 2*strip + stripCols*(2*width+gradBlock))
	defer giveBack(buffer)
	space := arena(buffer)
	g := gradHead{attentionHead: &a,
		keys: space.take(rowFloats), values: space.take(rowFloats), keyColumns: space.take(columnFloats),
		p: space.take(strip), ds: space.take(strip),
		pPanels: space.take(weightFloats), dsPanels: space.take(weightFloats),
		query: space.take(stripCols * width), dout: space.take(stripCols * width),
		block: space.take(stripCols * gradBlock)}
	packRows(g.keys, a.from(a.qkv, 0, 1), ld, a.keys, width)
	packRows(g.values, a.from(a.qkv, 0, 2), ld, a.keys, width)
	packColumns(g.keyColumns, a.from(a.qkv, 0, 1), ld, a.keys, width)
	for j := a.keys; j < length; j++ {
		clear(a.row(a.dqkv, j, 1))
		clear(a.row(a.dqkv, j, 2))
	}
	// From the last block on: it sees the most keys, so it can write what the others add to.
	for i := (length - 1) / gradBlock * gradBlock; i >= 0; i -= gradBlock {
		n := min(gradBlock, length-i)
		seen := a.seen(i + n - 1)
		for q := 0; q < n; q += stripCols {
			g.strip(i+q, q, min(stripCols, n-q), seen)
		}
		g.keysAndValues(i, n, seen)
	}
}

// strip does n <= 16 queries from i on, the q-th and following of their block, which sees
// blockKeys keys: it writes their dq and their columns of the panels.
func (g *gradHead) strip(i, q, n, blockKeys int) {
	a, ld := g.attentionHead, 3*g.width
	var lse, delta, one [stripCols]float32
	copy(lse[:n], a.lse[i:])
	for l := range n {
		one[l] = 1
		delta[l] = dotAVX2(a.outRow(a.dout, i+l), a.outRow(a.out, i+l))
	}
	packQueries(g.query, a.from(a.qkv, i, 0), ld, n, a.headDim)
	packQueries(g.dout, a.dout[i*a.width:], a.width, n, a.headDim)
	seen := a.seen(i + n - 1)
	scoreStrip(g.p, g.keys, g.query, seen, a.headDim)
	scoreStrip(g.ds, g.values, g.dout, seen, a.headDim)
	a.hide(g.p, i, n, seen)
	gradColumns(&g.p[0], &g.ds[0], seen, a.scale, &lse[0], &delta[0])
	clear(g.p[seen*stripCols : blockKeys*stripCols])
	clear(g.ds[seen*stripCols : blockKeys*stripCols])
	_, panel := panelsOf(blockKeys, gradBlock)
	stripToPanels(&g.pPanels[q*panelRows], panel, &g.p[0], blockKeys)
	stripToPanels(&g.dsPanels[q*panelRows], panel, &g.ds[0], blockKeys)
	mixStrip(g.query, g.keyColumns, g.ds, seen, a.keys, a.headDim)
	unpackQueries(a.from(a.dqkv, i, 0), ld, g.query, n, a.headDim, &one)
}

// keysAndValues adds what n queries from i on contribute to the first keys rows of dk and
// dv; the last block writes instead.
func (g *gradHead) keysAndValues(i, n, keys int) {
	a, ld := g.attentionHead, 3*g.width
	_, panel := panelsOf(keys, gradBlock)
	add := i+n < a.length
	for d := 0; d < a.headDim; d += stripCols {
		cols := min(stripCols, a.headDim-d)
		packCopy16(&g.block[0], 0, &a.from(a.qkv, i, 0)[d], ld, n, cols)
		gemmStrip(&a.from(a.dqkv, 0, 1)[d], ld, &g.dsPanels[0], panel, &g.block[0], n, keys, cols, add)
		packCopy16(&g.block[0], 0, &a.dout[i*a.width+d], a.width, n, cols)
		gemmStrip(&a.from(a.dqkv, 0, 2)[d], ld, &g.pPanels[0], panel, &g.block[0], n, keys, cols, add)
	}
}
