//go:build !noasm

package kernel

import "math"

// The blocked head. A block of queries meets all of its keys at once: scores, weights and
// their gradients are rows of one small matrix that stays in the second-level cache. Every
// operand of a product lies as it comes, in rows or in their transpose; only keys and, in
// the backward pass, values are also packed the other way round.
const (
	blockQueries = 48  // queries of a block: a multiple of 6
	fetchAhead   = 32  // rows fetched before they are packed
	sliceKeys    = 128 // keys multiplied at a time, so that their rows stay in the first-level cache
)

// attentionLoops are the inner loops of one level.
type attentionLoops struct {
	multiply func(c *float32, ldc int, a *float32, aRow, aCol int, b *float32, bRow, bStrip, k, rows, strips int, add bool)
	top      func(s *float32, n int) float32
	weigh    func(s *float32, n int, scale, top float32) float32
	grad     func(p, ds *float32, n int, scale, lse, delta float32)
}

var (
	attentionAVX2   = attentionLoops{multiplyRowsAVX2, topScoreAVX2, weighScoresAVX2, gradScoresAVX2}
	attentionAVX512 = attentionLoops{multiplyRowsAVX512, topScoreAVX512, weighScoresAVX512, gradScoresAVX512}
)

// An arena hands out parts of one borrowed buffer, each from a cache line on.
type arena []float32

// lines rounds up to whole cache lines.
func lines(n int) int { return (n + 15) &^ 15 }

func (a *arena) take(n int) []float32 {
	part := (*a)[:n]
	*a = (*a)[lines(n):]
	return part
}

// A headScratch is one head with its scratch. Rows past the last of a block, up to a
// multiple of 6, and columns past headDim, up to a multiple of 16, hold whatever they hold.
type headScratch struct {
	*attentionHead
	attentionLoops
	depth, strip, cols int // floats from row to row of copies, strip to strip, row to row of scores
	space              arena
}

func (l attentionLoops) scratch(a *attentionHead) headScratch {
	return headScratch{attentionHead: a, attentionLoops: l,
		depth: lines(a.headDim), strip: stripCols*a.headDim + linePad, cols: lines(a.keys+panelRows) + linePad}
}

// The sizes of scratch matrices.
func (h *headScratch) rowsOf(n int) int { return ceilDiv(n, panelRows) * panelRows * h.depth }
func (h *headScratch) strips() int      { return ceilDiv(h.keys, stripCols) * h.strip }
func (h *headScratch) scores() int      { return blockQueries * h.cols }

// fetch asks for n rows of x, ld apart, which will be read or written soon. Rows of a head
// are short and far apart: the processor does not see them coming.
func (h *headScratch) fetch(x []float32, ld, n int) {
	if n > 0 {
		fetchRows(&x[0], ld, n, h.headDim)
	}
}

// copyRows copies n rows of x, ld apart.
func (h *headScratch) copyRows(dst, x []float32, ld, n int) []float32 {
	for i := range n {
		copy(dst[i*h.depth:], x[i*ld:][:h.headDim])
	}
	return dst
}

// turnRows turns n rows of x, ld apart, the first of them at position l.
func (h *headScratch) turnRows(dst, x []float32, ld, l, n int) []float32 {
	for i := range n {
		h.rotary.turn(dst[i*h.depth:][:h.headDim], x[i*ld:][:h.headDim], l+i, false)
	}
	return dst
}

// turnKeys turns all keys. Rows are fetched before their turn.
func (h *headScratch) turnKeys(dst []float32) []float32 {
	x, ld := h.from(h.qkv, 0, 1), 3*h.width
	for j := 0; j < h.keys; j += 8 {
		h.fetchKeys(x, ld, j+fetchAhead)
		h.turnRows(dst[j*h.depth:], x[j*ld:], ld, j, min(8, h.keys-j))
	}
	return dst
}

// pack packs a row x for every key, ld apart, into strips: a strip has a row for every
// dimension.
func (h *headScratch) pack(x []float32, ld int) []float32 {
	dst := h.space.take(h.strips())
	for j := 0; j < h.keys; j += 8 {
		h.fetchKeys(x, ld, j+fetchAhead)
		packTranspose8(&dst[j/stripCols*h.strip+j%stripCols], &x[j*ld], ld, h.headDim, min(8, h.keys-j))
	}
	return dst
}

// fetchKeys fetches 8 rows of x from key j on.
func (h *headScratch) fetchKeys(x []float32, ld, j int) {
	if j < h.keys {
		h.fetch(x[j*ld:], ld, min(8, h.keys-j))
	}
}

// score computes s [n, keys] = rows [n, headDim] times strips.
func (h *headScratch) score(s, rows, strips []float32, n, keys int) {
	h.multiply(&s[0], h.cols, &rows[0], h.depth, 1, &strips[0], stripCols, h.strip, h.headDim, n, ceilDiv(keys, stripCols), false)
}

// mix computes dst [n, headDim] = s [n, keys] times rows [keys, headDim].
func (h *headScratch) mix(dst, s, rows []float32, n, keys int) {
	for j := 0; j < keys; j += sliceKeys {
		h.multiply(&dst[0], h.depth, &s[j], h.cols, 1, &rows[j*h.depth], h.depth, stripCols,
			min(sliceKeys, keys-j), n, h.depth/stripCols, j > 0)
	}
}

// collect computes dst [keys, headDim] = or += s [n, keys] transposed times rows [n, headDim].
// Up to 5 further rows get what they get: they are no keys, because a block that does not
// see all keys sees whole panels of them.
func (h *headScratch) collect(dst, s, rows []float32, n, keys int, add bool) {
	h.multiply(&dst[0], h.depth, &s[0], 1, h.cols, &rows[0], h.depth, stripCols, n, keys, h.depth/stripCols, add)
}

// hide takes the scores s of query i that it may not see out of them.
func (h *headScratch) hide(s []float32, i int) {
	s = s[h.seen(i):]
	for j := range s {
		s[j] = float32(math.Inf(-1))
	}
}

func (l attentionLoops) forward(a attentionHead) {
	h := l.scratch(&a)
	buffer := borrow(h.strips() + h.rowsOf(a.keys) + h.scores() + 2*h.rowsOf(blockQueries))
	defer giveBack(buffer)
	h.space = buffer
	ld := 3 * a.width
	rows := h.space.take(h.rowsOf(a.keys)) // first of keys, then of values
	keys := h.pack(h.turnKeys(rows), h.depth)
	values := h.copyRows(rows, a.from(a.qkv, 0, 2), ld, a.keys)
	scores := h.space.take(h.scores())
	query, mixed := h.space.take(h.rowsOf(blockQueries)), h.space.take(h.rowsOf(blockQueries))
	for i := 0; i < a.length; i += blockQueries {
		n := min(blockQueries, a.length-i)
		seen := a.seen(i + n - 1)
		h.fetch(a.out[i*a.width:], a.width, n)
		h.score(scores, h.turnRows(query, a.from(a.qkv, i, 0), ld, i, n), keys, n, seen)
		h.fetch(a.qkv[min(i+n, a.length-1)*ld:], ld, min(blockQueries, a.length-i-n))
		var top, sum [blockQueries]float32
		for q := range n {
			s := scores[q*h.cols:][:lines(seen)]
			h.hide(s, i+q)
			top[q] = a.scale * h.top(&s[0], len(s))
		}
		for q := range n {
			sum[q] = h.weigh(&scores[q*h.cols], lines(seen), a.scale, top[q])
		}
		h.mix(mixed, scores, values, n, seen)
		for q := range n {
			a.lse[i+q] = top[q] + float32(math.Log(float64(sum[q])))
			scaleRow8(a.outRow(a.out, i+q), mixed[q*h.depth:][:a.headDim], 1/sum[q])
		}
	}
}

// A gradHead is the scratch of one head's backward pass.
type gradHead struct {
	headScratch
	keyStrips, valueStrips []float32
	keyRows                []float32
	query, dout, dquery    []float32 // rows of a block
	p, ds                  []float32 // [blockQueries, keys] weights, gradients of scores
	dkeyRows, dvalueRows   []float32
}

func (l attentionLoops) backward(a attentionHead) {
	h := l.scratch(&a)
	buffer := borrow(2*h.strips() + 3*h.rowsOf(a.keys) + 2*h.scores() + 3*h.rowsOf(blockQueries))
	defer giveBack(buffer)
	h.space = buffer
	g := gradHead{keyRows: h.turnKeys(h.space.take(h.rowsOf(a.keys)))}
	g.keyStrips, g.valueStrips = h.pack(g.keyRows, h.depth), h.pack(a.from(a.qkv, 0, 2), 3*a.width)
	g.p, g.ds = h.space.take(h.scores()), h.space.take(h.scores())
	for _, rows := range []*[]float32{&g.query, &g.dout, &g.dquery} {
		*rows = h.space.take(h.rowsOf(blockQueries))
	}
	g.dkeyRows, g.dvalueRows = h.space.take(h.rowsOf(a.keys)), h.space.take(h.rowsOf(a.keys))
	g.headScratch = h
	// From the last block on: it sees the most keys, so it can write what the others add to.
	for i := (a.length - 1) / blockQueries * blockQueries; i >= 0; i -= blockQueries {
		g.block(i, min(blockQueries, a.length-i))
	}
	for j := range a.length {
		dk, dv := a.row(a.dqkv, j, 1), a.row(a.dqkv, j, 2)
		if j < a.keys {
			a.rotary.turn(dk, g.dkeyRows[j*h.depth:][:a.headDim], j, true)
			copy(dv, g.dvalueRows[j*h.depth:])
		} else {
			clear(dk)
			clear(dv)
		}
	}
}

// block does n queries from i on: it writes their dq and adds to dk and dv.
func (g *gradHead) block(i, n int) {
	a, ld := g.attentionHead, 3*g.width
	seen := a.seen(i + n - 1)
	g.turnRows(g.query, a.from(a.qkv, i, 0), ld, i, n)
	g.copyRows(g.dout, a.dout[i*a.width:], a.width, n)
	g.fetch(a.from(a.dqkv, i, 0), ld, n)
	if next := i - blockQueries; next >= 0 {
		g.fetch(a.from(a.qkv, next, 0), ld, blockQueries)
		g.fetch(a.dout[next*a.width:], a.width, blockQueries)
		g.fetch(a.out[next*a.width:], a.width, blockQueries)
	}
	g.score(g.p, g.query, g.keyStrips, n, seen)
	g.score(g.ds, g.dout, g.valueStrips, n, seen)
	var delta [blockQueries]float32
	for q := range n {
		delta[q] = dot8(g.dout[q*g.depth:][:g.headDim], a.outRow(a.out, i+q))
	}
	for q := range n {
		p, ds := g.p[q*g.cols:][:lines(seen)], g.ds[q*g.cols:][:lines(seen)]
		g.hide(p, i+q)
		clear(ds[a.seen(i+q):])
		g.grad(&p[0], &ds[0], len(p), a.scale, a.lse[i+q], delta[q])
	}
	g.mix(g.dquery, g.ds, g.keyRows, n, seen)
	for q := range n {
		a.rotary.turn(a.row(a.dqkv, i+q, 0), g.dquery[q*g.depth:][:a.headDim], i+q, true)
	}
	g.collect(g.dkeyRows, g.ds, g.query, n, seen, i+n < a.length)
	g.collect(g.dvalueRows, g.p, g.dout, n, seen, i+n < a.length)
}
