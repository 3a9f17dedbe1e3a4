package kernel

import "math"

const layerNormEps = 1e-5

// Modulation addresses the shift, scale and gate vectors in a [B, Width] matrix of
// conditioning outputs: row b holds D of each, starting at these columns.
type Modulation struct {
	Mod                []float32
	Width              int
	Shift, Scale, Gate int
}

// at returns the width-wide vector at column offset of row b of mod.
func (m *Modulation) at(mod []float32, b, offset, width int) []float32 {
	return mod[b*m.Width+offset:][:width]
}

func (m *Modulation) check(batch, width int, offsets ...int) {
	if len(m.Mod) != batch*m.Width {
		panic("kernel: Modulation: Mod must have batch*Width elements")
	}
	for _, o := range offsets {
		if o < 0 || o+width > m.Width {
			panic("kernel: Modulation: a column offset does not fit in Width")
		}
	}
}

// LayerNormModulate computes, for every row r = b*L+l of x [B*L, D],
//
//	dst = (x - mean) rstd weight (1 + scale[b]) + shift[b]
//
// and writes the row's mean and rstd = 1/sqrt(variance + 1e-5) [B*L]. weight is [D].
func LayerNormModulate(dst, mean, rstd, x, weight []float32, mod Modulation, batch, length, width int) {
	rows := batch * length
	if len(x) != rows*width || len(dst) != len(x) || len(mean) != rows || len(rstd) != rows || len(weight) != width {
		panic("kernel: LayerNormModulate: a slice's length does not match batch, length, width")
	}
	mod.check(batch, width, mod.Shift, mod.Scale)
	chunks := (length + sumChunk - 1) / sumChunk
	Parallel(batch*chunks, func(task int) {
		b, l0 := task/chunks, task%chunks*sumChunk
		gain := borrow(width)
		defer giveBack(gain)
		gainInto(gain, weight, mod.at(mod.Mod, b, mod.Scale, width))
		shift := mod.at(mod.Mod, b, mod.Shift, width)
		for r := b*length + l0; r < b*length+min(l0+sumChunk, length); r++ {
			mean[r], rstd[r] = use.layerNormRow(dst[r*width:][:width], x[r*width:][:width], gain, shift)
		}
	})
}

// gainInto computes gain = weight (1 + scale).
func gainInto(gain, weight, scale []float32) {
	for d, w := range weight {
		gain[d] = w * (1 + scale[d])
	}
}

func layerNormRowPlain(dst, x, gain, shift []float32) (mean, rstd float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean = float32(sum / float64(len(x)))
	for _, v := range x {
		squares += float64(v-mean) * float64(v-mean)
	}
	rstd = float32(1 / math.Sqrt(squares/float64(len(x))+layerNormEps))
	for d, v := range x {
		dst[d] = (v-mean)*rstd*gain[d] + shift[d]
	}
	return mean, rstd
}

// LayerNormModulateBackward is the gradient of LayerNormModulate, given its mean and rstd.
// It writes dx, adds to dweight or with accumulateWeight false writes it, and writes only
// the Shift and Scale columns of dmod, which is laid out like mod.Mod. With
// xhat = (x - mean) rstd and g = dy weight (1 + scale):
//
//	dx      = rstd (g - average(g) - xhat average(g xhat))
//	dshift  = sum over l of dy
//	dscale  = weight * sum over l of dy xhat
//	dweight = sum over b of (1 + scale) * sum over l of dy xhat
func LayerNormModulateBackward(dx, dweight, dmod, dy, x, mean, rstd, weight []float32, mod Modulation, batch, length, width int, accumulateWeight bool) {
	rows := batch * length
	if len(x) != rows*width || len(dy) != len(x) || len(dx) != len(x) || len(mean) != rows || len(rstd) != rows ||
		len(weight) != width || len(dweight) != width || len(dmod) != len(mod.Mod) {
		panic("kernel: LayerNormModulateBackward: a slice's length does not match batch, length, width")
	}
	mod.check(batch, width, mod.Shift, mod.Scale)
	chunks := (length + sumChunk - 1) / sumChunk
	partial := borrow(batch * chunks * 2 * width) // per chunk: sum of dy | sum of dy xhat
	defer giveBack(partial)
	Parallel(batch*chunks, func(task int) {
		b, l0 := task/chunks, task%chunks*sumChunk
		gain := borrow(width)
		defer giveBack(gain)
		gainInto(gain, weight, mod.at(mod.Mod, b, mod.Scale, width))
		sums := partial[task*2*width:][:2*width]
		clear(sums)
		for r := b*length + l0; r < b*length+min(l0+sumChunk, length); r++ {
			use.layerNormBackwardRow(dx[r*width:][:width], sums[:width], sums[width:],
				dy[r*width:][:width], x[r*width:][:width], gain, mean[r], rstd[r])
		}
	})
	if !accumulateWeight {
		clear(dweight)
	}
	for b := range batch {
		reduceModulation(dweight, dmod, partial[b*chunks*2*width:][:chunks*2*width], weight, &mod, b, width)
	}
}

// reduceModulation adds up the chunk sums of row b and writes or adds what depends on them.
func reduceModulation(dweight, dmod, partial, weight []float32, mod *Modulation, b, width int) {
	dshift, dscale := mod.at(dmod, b, mod.Shift, width), mod.at(dmod, b, mod.Scale, width)
	clear(dshift)
	clear(dscale)
	for ; len(partial) > 0; partial = partial[2*width:] {
		use.addRow(dshift, partial[:width])
		use.addRow(dscale, partial[width:2*width])
	}
	scale := mod.at(mod.Mod, b, mod.Scale, width)
	for d, sum := range dscale {
		dweight[d] += (1 + scale[d]) * sum
		dscale[d] = weight[d] * sum
	}
}

func layerNormBackwardRowPlain(dx, sumDY, sumDYX, dy, x, gain []float32, mean, rstd float32) {
	var sumG, sumGX float64
	for d, v := range x {
		xhat := (v - mean) * rstd
		g := dy[d] * gain[d]
		sumG += float64(g)
		sumGX += float64(g * xhat)
		sumDY[d] += dy[d]
		sumDYX[d] += dy[d] * xhat
	}
	averageG, averageGX := float32(sumG/float64(len(x))), float32(sumGX/float64(len(x)))
	for d, v := range x {
		xhat := (v - mean) * rstd
		dx[d] = rstd * (dy[d]*gain[d] - averageG - xhat*averageGX)
	}
}
