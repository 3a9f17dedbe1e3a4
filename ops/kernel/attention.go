package kernel

import "math"

// Visible says which keys of its row a query sees. The zero value: all of them.
type Visible struct {
	Causal  bool  // query i sees keys 0 ... i
	Lengths []int // [B], each in [1, L]: of row b only keys j < Lengths[b] are seen; nil: all
}

// Attention computes softmax attention for every row b and head h of qkv
// [B*L, 3*H*headDim] (q | k | v, heads contiguous):
//
//	dst_i = sum over j of p_ij v_j,  p_ij = exp(s_ij - lse_i),  s_ij = q_i k_j / sqrt(headDim)
//
// with j over the visible keys, and q and k turned by rotary. dst is [B*L, H*headDim]; lse
// [B, H, L] receives log(sum over j of exp(s_ij)).
func Attention(dst, lse, qkv []float32, batch, length, heads, headDim int, rotary Rotary, visible Visible) {
	rows, width := batch*length, heads*headDim
	if len(dst) != rows*width || len(qkv) != 3*rows*width || len(lse) != rows*heads {
		panic("kernel: Attention: a slice's length does not match batch, length, heads, headDim")
	}
	visible.check(batch, length)
	rotary.check(length, headDim)
	Parallel(batch*heads, func(task int) {
		a := newAttentionHead(task/heads, task%heads, length, heads, headDim, rotary, visible)
		a.out, a.qkv = dst[a.outAt:], qkv[a.qkvAt:]
		a.lse = lse[task*length:][:length]
		use.attentionHead(a)
	})
}

// AttentionBackward computes the gradient dqkv from dout, given Attention's input and both
// outputs. The probabilities are computed again from lse: nothing of size L x L is kept.
//
//	dv_j = sum over i of p_ij dout_i
//	ds_ij = p_ij (dout_i v_j - dout_i out_i) / sqrt(headDim)
//	dq_i = sum over j of ds_ij k_j,  dk_j = sum over i of ds_ij q_i
//
// then turns dq and dk back.
func AttentionBackward(dqkv, dout, out, qkv, lse []float32, batch, length, heads, headDim int, rotary Rotary, visible Visible) {
	rows, width := batch*length, heads*headDim
	if len(dqkv) != 3*rows*width || len(qkv) != len(dqkv) || len(dout) != rows*width || len(out) != len(dout) ||
		len(lse) != rows*heads {
		panic("kernel: AttentionBackward: a slice's length does not match batch, length, heads, headDim")
	}
	visible.check(batch, length)
	rotary.check(length, headDim)
	Parallel(batch*heads, func(task int) {
		a := newAttentionHead(task/heads, task%heads, length, heads, headDim, rotary, visible)
		a.out, a.qkv = out[a.outAt:], qkv[a.qkvAt:]
		a.dout, a.dqkv = dout[a.outAt:], dqkv[a.qkvAt:]
		a.lse = lse[task*length:][:length]
		use.attentionHeadBackward(a)
	})
}

// An attentionHead is one head of one batch row. The slices start at its first element
// and run on: row i of out and dout is i*width further, row i of q, k, v 3*i*width.
type attentionHead struct {
	out, dout, qkv, dqkv, lse []float32
	outAt, qkvAt              int // where the head starts in the whole tensors
	length, width, headDim    int
	keys                      int // keys that any query sees
	rotary                    Rotary
	causal                    bool
	scale                     float32
}

func newAttentionHead(b, h, length, heads, headDim int, rotary Rotary, visible Visible) attentionHead {
	width, keys := heads*headDim, length
	if visible.Lengths != nil {
		keys = visible.Lengths[b]
	}
	return attentionHead{
		outAt: b*length*width + h*headDim, qkvAt: b*length*3*width + h*headDim,
		length: length, width: width, headDim: headDim, keys: keys, rotary: rotary, causal: visible.Causal,
		scale: float32(1 / math.Sqrt(float64(headDim))),
	}
}

func (v Visible) check(batch, length int) {
	if v.Lengths == nil {
		return
	}
	if len(v.Lengths) != batch {
		panic("kernel: Visible: there must be a key length for every row of the batch")
	}
	for _, n := range v.Lengths {
		if n < 1 || n > length {
			panic("kernel: Visible: a key length is outside [1, length]")
		}
	}
}

// seen is the number of keys that query i sees: they are the first ones.
func (a *attentionHead) seen(i int) int {
	if a.causal {
		return min(a.keys, i+1)
	}
	return a.keys
}

// from returns part 0 (q), 1 (k) or 2 (v) of qkv or dqkv from row i on.
func (a *attentionHead) from(qkv []float32, i, part int) []float32 {
	return qkv[(3*i+part)*a.width:]
}

func (a *attentionHead) row(qkv []float32, i, part int) []float32 {
	return a.from(qkv, i, part)[:a.headDim]
}

func (a *attentionHead) outRow(out []float32, i int) []float32 {
	return out[i*a.width:][:a.headDim]
}

// turnedRows returns rows of part 0 (q) or 1 (k), turned, in a borrowed buffer.
func (a *attentionHead) turnedRows(part, n int) []float32 {
	rows := borrow(n * a.headDim)
	for i := range n {
		a.rotary.turn(rows[i*a.headDim:][:a.headDim], a.row(a.qkv, i, part), i, false)
	}
	return rows
}

func attentionHeadPlain(a attentionHead) {
	p, qs, ks := borrow(a.length), a.turnedRows(0, a.length), a.turnedRows(1, a.keys)
	defer giveBack(p)
	defer giveBack(qs)
	defer giveBack(ks)
	for i := range a.length {
		q, out := qs[i*a.headDim:][:a.headDim], a.outRow(a.out, i)
		p := p[:a.seen(i)]
		for j := range p {
			p[j] = a.scale * dot(q, ks[j*a.headDim:][:a.headDim])
		}
		a.lse[i] = softmaxRowPlain(p, p)
		clear(out)
		for j, pj := range p {
			addScaled(out, pj, a.row(a.qkv, j, 2))
		}
	}
}

func attentionHeadBackwardPlain(a attentionHead) {
	qs, ks := a.turnedRows(0, a.length), a.turnedRows(1, a.keys)
	defer giveBack(qs)
	defer giveBack(ks)
	for j := range a.length {
		clear(a.row(a.dqkv, j, 1))
		clear(a.row(a.dqkv, j, 2))
	}
	for i := range a.length {
		q, dq, dout := qs[i*a.headDim:][:a.headDim], a.row(a.dqkv, i, 0), a.outRow(a.dout, i)
		delta := dot(dout, a.outRow(a.out, i))
		clear(dq)
		for j := range a.seen(i) {
			k := ks[j*a.headDim:][:a.headDim]
			p := exp32(a.scale*dot(q, k) - a.lse[i])
			ds := a.scale * p * (dot(dout, a.row(a.qkv, j, 2)) - delta)
			addScaled(dq, ds, k)
			addScaled(a.row(a.dqkv, j, 1), ds, q)
			addScaled(a.row(a.dqkv, j, 2), p, dout)
		}
	}
	for i := range a.length {
		for part := range 2 {
			d := a.row(a.dqkv, i, part)
			a.rotary.turn(d, d, i, true)
		}
	}
}

func dot(x, y []float32) float32 {
	var sum float32
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// addScaled computes dst += s x.
func addScaled(dst []float32, s float32, x []float32) {
	for i, v := range x {
		dst[i] += s * v
	}
}
