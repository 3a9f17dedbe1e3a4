package kernel

import (
	"math"
	"testing"
)

// B, L, H, headDim: head widths that are no multiple of 8, lengths across row blocks.
var attentionShapes = [][4]int{{1, 1, 1, 1}, {2, 3, 2, 5}, {1, 17, 1, 8}, {1, 50, 2, 20}, {1, 130, 2, 32}, {2, 70, 1, 64}, {1, 33, 2, 100}, {1, 150, 1, 128}}

func TestAttention(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range attentionShapes {
			for _, causal := range []bool{false, true} {
				checkAttention(t, s[0], s[1], s[2], s[3], Visible{Causal: causal})
				checkAttention(t, s[0], s[1], s[2], s[3], Visible{causal, someLengths(s[0], s[1])})
			}
		}
	})
}

// someLengths are key lengths from 1 on for every row.
func someLengths(batch, length int) []int {
	lengths := make([]int, batch)
	for i := range lengths {
		lengths[i] = 1 + (i+1)*37%length
	}
	return lengths
}

func checkAttention(t *testing.T, batch, length, heads, headDim int, visible Visible) {
	b, width := newBench(t, uint64(length)), heads*headDim
	rows := batch * length
	qkv, dout := b.normal(rows*3*width), b.normal(rows*width)
	out, lse, dqkv := b.empty(rows*width), b.empty(rows*heads), b.empty(rows*3*width)
	var rotary Rotary
	turned := widen(qkv)
	if headDim%2 == 0 {
		rotary = b.rotary(length, headDim)
		turnAll64(turned, rotary, length, heads, headDim, 1)
	}
	wantOut, wantLSE, wantD := attention64(turned, dout, batch, length, heads, headDim, visible)
	if headDim%2 == 0 {
		turnAll64(wantD, rotary, length, heads, headDim, -1)
	}
	Attention(out, lse, qkv, batch, length, heads, headDim, rotary, visible)
	AttentionBackward(dqkv, dout, out, qkv, lse, batch, length, heads, headDim, rotary, visible)
	b.checkGuards()
	b.near("out", out, wantOut, 1e-6) // averages of numbers of size 1
	b.near("lse", lse, wantLSE, 1e-6) // sums of headDim products
	b.near("dqkv", dqkv, wantD, 1e-5) // sums of L products of size up to headDim
	sameForAnyThreads(t, func() []float32 {
		Attention(out, lse, qkv, batch, length, heads, headDim, rotary, visible)
		AttentionBackward(dqkv, dout, out, qkv, lse, batch, length, heads, headDim, rotary, visible)
		return append(append([]float32(nil), out...), dqkv...)
	})
}

// turnAll64 turns the queries and keys of qkv.
func turnAll64(qkv []float64, r Rotary, length, heads, headDim int, direction float64) {
	width := heads * headDim
	for i := 0; i < len(qkv); i += headDim {
		if i/width%3 < 2 {
			turn64(qkv[i:][:headDim], r, i/(3*width)%length, direction)
		}
	}
}

// attention64 keeps the whole matrix of probabilities.
func attention64(qkv []float64, dout []float32, batch, length, heads, headDim int, visible Visible) (out, lse, dqkv []float64) {
	width := heads * headDim
	out, lse, dqkv = make([]float64, batch*length*width), make([]float64, batch*heads*length), make([]float64, len(qkv))
	for bh := range batch * heads {
		at := func(i, part, d int) int {
			return ((bh/heads*length+i)*3+part)*width + bh%heads*headDim + d
		}
		outAt := func(i, d int) int { return (bh/heads*length+i)*width + bh%heads*headDim + d }
		scale := 1 / math.Sqrt(float64(headDim))
		for i := range length {
			p, dp := make([]float64, length), make([]float64, length)
			var sum, delta float64
			keys := length
			if visible.Lengths != nil {
				keys = visible.Lengths[bh/heads]
			}
			if visible.Causal {
				keys = min(keys, i+1)
			}
			for j := range keys {
				for d := range headDim {
					p[j] += scale * qkv[at(i, 0, d)] * qkv[at(j, 1, d)]
				}
				sum += math.Exp(p[j])
			}
			lse[bh*length+i] = math.Log(sum)
			for j := range keys {
				p[j] = math.Exp(p[j]) / sum
				for d := range headDim {
					out[outAt(i, d)] += p[j] * qkv[at(j, 2, d)]
					dp[j] += float64(dout[outAt(i, d)]) * qkv[at(j, 2, d)]
					dqkv[at(j, 2, d)] += p[j] * float64(dout[outAt(i, d)])
				}
				delta += p[j] * dp[j]
			}
			for j := range keys {
				ds := scale * p[j] * (dp[j] - delta)
				for d := range headDim {
					dqkv[at(i, 0, d)] += ds * qkv[at(j, 1, d)]
					dqkv[at(j, 1, d)] += ds * qkv[at(i, 0, d)]
				}
			}
		}
	}
	return out, lse, dqkv
}

func TestAttentionOfLargeScores(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		const length, headDim = 20, 8
		b := newBench(t, 6)
		qkv := b.normal(length * 3 * headDim)
		for i := range qkv {
			qkv[i] *= 30 // scores in the hundreds: exp of them overflows
		}
		out, lse := b.empty(length*headDim), b.empty(length)
		want, wantLSE, _ := attention64Shifted(qkv, length, headDim)
		Attention(out, lse, qkv, 1, length, 1, headDim, Rotary{}, Visible{})
		b.near("lse", lse, wantLSE, 1e-6)
		b.near("out", out, want, 1e-3) // scores of size 1,000 carry errors of 1e-4
	})
}

// attention64Shifted is the forward pass for one head with scores too large for exp.
func attention64Shifted(qkv []float32, length, headDim int) (out, lse, top []float64) {
	out, lse, top = make([]float64, length*headDim), make([]float64, length), make([]float64, length)
	for i := range length {
		s := make([]float64, length)
		top[i] = math.Inf(-1)
		for j := range length {
			for d := range headDim {
				s[j] += float64(qkv[i*3*headDim+d]) * float64(qkv[(j*3+1)*headDim+d]) / math.Sqrt(float64(headDim))
			}
			top[i] = max(top[i], s[j])
		}
		var sum float64
		for j := range s {
			s[j] = math.Exp(s[j] - top[i])
			sum += s[j]
		}
		lse[i] = top[i] + math.Log(sum)
		for j := range s {
			for d := range headDim {
				out[i*headDim+d] += s[j] / sum * float64(qkv[(j*3+2)*headDim+d])
			}
		}
	}
	return out, lse, top
}

func TestVisibleLengths(t *testing.T) {
	x := make([]float32, 2*3*4)
	run := func(lengths []int) func() {
		return func() { Attention(x[:8], x[:2], x, 1, 2, 1, 4, Rotary{}, Visible{Lengths: lengths}) }
	}
	mustPanic(t, "kernel: Visible: there must be a key length for every row of the batch", run([]int{2, 2}))
	mustPanic(t, "kernel: Visible: a key length is outside [1, length]", run([]int{0}))
	mustPanic(t, "kernel: Visible: a key length is outside [1, length]", run([]int{3}))
}

// FuzzAttention looks for shapes that go wrong.
func FuzzAttention(f *testing.F) {
	f.Add(uint8(17), uint8(17), uint8(0), uint8(8), true)
	f.Add(uint8(65), uint8(30), uint8(1), uint8(13), false)
	f.Fuzz(func(t *testing.T, length, keys, heads, headDim uint8, causal bool) {
		l := 1 + int(length%140)
		everyLoops(t, func(t *testing.T) {
			checkAttention(t, 1, l, 1+int(heads%3), 1+int(headDim%70), Visible{causal, []int{1 + int(keys)%l}})
		})
	})
}
