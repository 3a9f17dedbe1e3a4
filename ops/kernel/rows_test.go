package kernel

import (
	"math"
	"slices"
	"testing"
)

// rowShapes are B, L, D with widths of every remainder of 8 and more than one row chunk.
var rowShapes = [][3]int{{1, 1, 1}, {2, 3, 5}, {1, 7, 8}, {3, 4, 30}, {2, 65, 33}, {1, 130, 256}, {2, 3, 300}}

func testModulation(b *bench, batch, width int) Modulation {
	w := 6*width + 1
	return Modulation{Mod: b.normal(batch * w), Width: w, Shift: 3 * width, Scale: 0, Gate: width + 1}
}

// normalized64 returns the rows' xhat, mean and rstd.
func normalized64(x []float32, rows, width int) (xhat, mean, rstd []float64) {
	xhat, mean, rstd = widen(x), make([]float64, rows), make([]float64, rows)
	for r := range rows {
		row := xhat[r*width : (r+1)*width]
		for _, v := range row {
			mean[r] += v / float64(width)
		}
		for _, v := range row {
			rstd[r] += (v - mean[r]) * (v - mean[r]) / float64(width)
		}
		rstd[r] = 1 / math.Sqrt(rstd[r]+1e-5)
		for d := range row {
			row[d] = (row[d] - mean[r]) * rstd[r]
		}
	}
	return xhat, mean, rstd
}

func TestLayerNormModulate(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range rowShapes {
			checkLayerNorm(t, s[0], s[1], s[2])
		}
	})
}

func checkLayerNorm(t *testing.T, batch, length, width int) {
	b, rows := newBench(t, uint64(width)), batch*length
	mod, weight, x, dy := testModulation(b, batch, width), b.normal(width), b.normal(rows*width), b.normal(rows*width)
	xhat, mean64, rstd64 := normalized64(x, rows, width)
	want, wantDX, wantDW := make([]float64, len(x)), make([]float64, len(x)), widen(weight)
	dmod := b.empty(len(mod.Mod))
	copy(dmod, mod.Mod)
	wantDMod := widen(mod.Mod) // all other columns stay
	for r := range rows {
		at := r / length * mod.Width
		if r%length == 0 {
			for d := range width {
				wantDMod[at+mod.Shift+d], wantDMod[at+mod.Scale+d] = 0, 0
			}
		}
		var sumG, sumGX float64
		g := make([]float64, width)
		for d := range width {
			i, w, scale := r*width+d, float64(weight[d]), 1+float64(mod.Mod[at+mod.Scale+d])
			want[i] = xhat[i]*w*scale + float64(mod.Mod[at+mod.Shift+d])
			g[d] = float64(dy[i]) * w * scale
			sumG += g[d] / float64(width)
			sumGX += g[d] * xhat[i] / float64(width)
			wantDMod[at+mod.Shift+d] += float64(dy[i])
			wantDMod[at+mod.Scale+d] += float64(dy[i]) * xhat[i] * w
			wantDW[d] += float64(dy[i]) * xhat[i] * scale
		}
		for d := range width {
			wantDX[r*width+d] = rstd64[r] * (g[d] - sumG - xhat[r*width+d]*sumGX)
		}
	}
	dst, mean, rstd, dx, dw := b.empty(len(x)), b.empty(rows), b.empty(rows), b.empty(len(x)), b.empty(width)
	copy(dw, weight)
	LayerNormModulate(dst, mean, rstd, x, weight, mod, batch, length, width)
	LayerNormModulateBackward(dx, dw, dmod, dy, x, mean, rstd, weight, mod, batch, length, width, true)
	b.checkGuards()
	// Roundings of numbers of size 1 to 10; for width 1, rstd is 316 and enlarges them.
	tol := 5e-6
	if width < 8 {
		tol = 1e-3
	}
	b.near("mean", mean, mean64, 1e-6)
	b.near("rstd", rstd, rstd64, tol)
	b.near("dst", dst, want, tol)
	b.near("dx", dx, wantDX, tol)
	b.near("dmod", dmod, wantDMod, tol)
	b.near("dweight", dw, wantDW, tol)
	again := slices.Clone(dw)
	LayerNormModulateBackward(dx, again, dmod, dy, x, mean, rstd, weight, mod, batch, length, width, false)
	for d := range wantDW {
		wantDW[d] -= float64(weight[d])
	}
	b.near("dweight written", again, wantDW, tol)
}

func TestGatedResidual(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range rowShapes {
			checkGatedResidual(t, s[0], s[1], s[2], false)
			checkGatedResidual(t, s[0], s[1], s[2], true)
		}
	})
}

func checkGatedResidual(t *testing.T, batch, length, width int, dropout bool) {
	b, n := newBench(t, uint64(width)), batch*length*width
	mod, x, y, dout := testModulation(b, batch, width), b.normal(n), b.normal(n), b.normal(n)
	var keep []float32
	if dropout {
		keep = b.normal(n)
	}
	want, wantDY, wantDMod := widen(x), widen(dout), widen(mod.Mod)
	for bi := range batch {
		clear(wantDMod[bi*mod.Width+mod.Gate:][:width])
	}
	for i := range n {
		at := i/(length*width)*mod.Width + mod.Gate + i%width
		k := 1.0
		if dropout {
			k = float64(keep[i])
		}
		gate := float64(mod.Mod[at])
		want[i] += gate * float64(y[i]) * k
		wantDY[i] *= gate * k
		wantDMod[at] += float64(dout[i]) * float64(y[i]) * k
	}
	dst, dy, dmod := b.empty(n), b.empty(n), b.empty(len(mod.Mod))
	copy(dmod, mod.Mod)
	GatedResidual(dst, x, y, mod, keep, batch, length, width)
	GatedResidualBackward(dy, dmod, dout, y, mod, keep, batch, length, width)
	b.checkGuards()
	b.near("dst", dst, want, 1e-6)
	b.near("dy", dy, wantDY, 1e-6)
	b.near("dmod", dmod, wantDMod, 3e-6) // sums of up to 130 products
}

func TestColumnSum(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, s := range [][2]int{{0, 3}, {1, 1}, {5, 7}, {64, 8}, {65, 130}, {300, 257}} {
			b, rows, cols := newBench(t, 9), s[0], s[1]
			x, dst := b.normal(rows*cols), b.empty(cols)
			want := make([]float64, cols)
			for i, v := range x {
				want[i%cols] += float64(v)
			}
			ColumnSum(dst, x, rows, cols, max(rows, 1), false)
			b.near("sum", dst, want, 5e-6) // up to 300 additions
			ColumnSum(dst, x, rows, cols, max(rows, 1), true)
			b.near("twice the sum", dst, mapped(want, func(v float64) float64 { return 2 * v }), 1e-5)
			b.checkGuards()
			sameForAnyThreads(t, func() []float32 { ColumnSum(dst, x, rows, cols, max(rows, 1), false); return dst })
		}
	})
}

func TestRotary(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, headDim := range []int{2, 6, 16, 34, 64} {
			const length = 3
			b := newBench(t, 4)
			rotary := b.rotary(length, headDim)
			for l := range length {
				x, dst, back := b.normal(headDim), b.empty(headDim), b.empty(headDim)
				want := widen(x)
				turn64(want, rotary, l, 1)
				rotary.turn(dst, x, l, false)
				rotary.turn(back, dst, l, true)
				b.checkGuards()
				b.near("turned", dst, want, 3e-7) // two products and a sum
				b.near("turned back", back, widen(x), 1e-6)
				rotary.turn(x, x, l, false)
				if !slices.Equal(x, dst) {
					t.Error("in place differs")
				}
			}
		}
	})
	mustPanic(t, "kernel: Rotary: a slice's length does not match length, headDim", func() {
		Rotary{Cos: make([]float32, 4), Sin: make([]float32, 4)}.check(2, 6)
	})
}

// rotary holds random angles.
func (b *bench) rotary(length, headDim int) Rotary {
	r := Rotary{b.empty(length * headDim / 2), b.empty(length * headDim / 2)}
	for i := range r.Cos {
		angle := b.rng.Float64() * 6
		r.Cos[i], r.Sin[i] = float32(math.Cos(angle)), float32(math.Sin(angle))
	}
	return r
}

// turn64 turns a head at position l by its angles times direction, 1 or -1.
func turn64(x []float64, r Rotary, l int, direction float64) {
	for j := range len(x) / 2 {
		a, b := x[j], x[j+len(x)/2]
		c, s := float64(r.Cos[l*len(x)/2+j]), direction*float64(r.Sin[l*len(x)/2+j])
		x[j], x[j+len(x)/2] = a*c-b*s, b*c+a*s
	}
}

func TestEmbed(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		for _, width := range []int{1, 5, 8, 130, 257} {
			b := newBench(t, 2)
			const rows, n = 11, 150
			weight, dy, dst, dw := b.normal(rows*width), b.normal(n*width), b.empty(n*width), b.empty(rows*width)
			ids := make([]int32, n)
			want := make([]float64, rows*width)
			for r := range ids {
				ids[r] = b.rng.Int32N(rows)
				for d := range width {
					want[int(ids[r])*width+d] += float64(dy[r*width+d])
				}
			}
			Embed(dst, weight, ids, width)
			for r, id := range ids {
				if !slices.Equal(dst[r*width:][:width], weight[int(id)*width:][:width]) {
					t.Fatalf("row %d is not the embedding of id %d", r, id)
				}
			}
			EmbedBackward(dw, dy, ids, rows, width, false)
			b.near("dweight", dw, want, 3e-6) // about 14 additions
			EmbedBackward(dw, dy, ids, rows, width, true)
			b.near("twice dweight", dw, mapped(want, func(v float64) float64 { return 2 * v }), 3e-6)
			b.checkGuards()
			sameForAnyThreads(t, func() []float32 { EmbedBackward(dw, dy, ids, rows, width, false); return dw })
			ids[3] = rows
			mustPanic(t, "kernel: Embed: an id is outside the vocabulary", func() { Embed(dst, weight, ids, width) })
		}
	})
}

// TestRowsSameForAnyThreads covers the kernels that cut rows into chunks.
func TestRowsSameForAnyThreads(t *testing.T) {
	everyLoops(t, func(t *testing.T) {
		const batch, length, width = 2, 200, 150
		b, n := newBench(t, 8), batch*length*width
		mod, weight, x, dy := testModulation(b, batch, width), b.normal(width), b.normal(n), b.normal(n)
		sameForAnyThreads(t, func() []float32 {
			out := make([]float32, 3*n+width+2*len(mod.Mod))
			dst, dx, dy2, rest := out[:n], out[n:2*n], out[2*n:3*n], out[3*n:]
			mean, rstd := make([]float32, batch*length), make([]float32, batch*length)
			LayerNormModulate(dst, mean, rstd, x, weight, mod, batch, length, width)
			LayerNormModulateBackward(dx, rest[:width], rest[width:][:len(mod.Mod)], dy, x, mean, rstd, weight, mod, batch, length, width, false)
			GatedResidualBackward(dy2, rest[width+len(mod.Mod):], dy, x, mod, nil, batch, length, width)
			return out
		})
	})
}
