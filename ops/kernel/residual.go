package kernel

// GatedResidual computes dst = x + gate[b] y keep for x, y, dst [B*L, D]; keep is
// [B*L, D] from DropoutKeep, or nil for none. dst may be x.
func GatedResidual(dst, x, y []float32, mod Modulation, keep []float32, batch, length, width int) {
	n := batch * length * width
	if len(dst) != n || len(x) != n || len(y) != n || (keep != nil && len(keep) != n) {
		panic("kernel: GatedResidual: a slice's length does not match batch, length, width")
	}
	mod.check(batch, width, mod.Gate)
	parallelRanges(batch*length, sumChunk, func(r0, r1 int) {
		for r := r0; r < r1; r++ {
			lo, hi := r*width, (r+1)*width
			gate := mod.at(mod.Mod, r/length, mod.Gate, width)
			use.gateRow(dst[lo:hi], x[lo:hi], y[lo:hi], gate, partOf(keep, lo, hi))
		}
	})
}

// GatedResidualBackward is the gradient of GatedResidual for y and gate (that for x is
// dout itself): dy = dout gate keep, and the Gate columns of dmod, laid out like mod.Mod,
// become the sum over l of dout y keep.
func GatedResidualBackward(dy, dmod, dout, y []float32, mod Modulation, keep []float32, batch, length, width int) {
	n := batch * length * width
	if len(dy) != n || len(dout) != n || len(y) != n || len(dmod) != len(mod.Mod) || (keep != nil && len(keep) != n) {
		panic("kernel: GatedResidualBackward: a slice's length does not match batch, length, width")
	}
	mod.check(batch, width, mod.Gate)
	blocks := (width + columnBlock - 1) / columnBlock
	Parallel(batch*blocks, func(task int) {
		b, j0 := task/blocks, task%blocks*columnBlock
		j1 := min(j0+columnBlock, width)
		gate := mod.at(mod.Mod, b, mod.Gate, width)[j0:j1]
		dgate := mod.at(dmod, b, mod.Gate, width)[j0:j1]
		clear(dgate)
		sum := borrow(j1 - j0)
		defer giveBack(sum)
		for l0 := 0; l0 < length; l0 += sumChunk {
			clear(sum)
			for r := b*length + l0; r < b*length+min(l0+sumChunk, length); r++ {
				lo, hi := r*width+j0, r*width+j1
				use.gateBackRow(dy[lo:hi], sum, dout[lo:hi], y[lo:hi], gate, partOf(keep, lo, hi))
			}
			use.addRow(dgate, sum)
		}
	})
}

// partOf returns x[lo:hi], or nil for an operand that is left out.
func partOf(x []float32, lo, hi int) []float32 {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

func gateRowPlain(dst, x, y, gate, keep []float32) {
	for d := range dst {
		v := gate[d] * y[d]
		if keep != nil {
			v *= keep[d]
		}
		dst[d] = x[d] + v
	}
}

// gateBackRowPlain writes dy and adds to dgate.
func gateBackRowPlain(dy, dgate, dout, y, gate, keep []float32) {
	for d, v := range dout {
		if keep != nil {
			v *= keep[d]
		}
		dgate[d] += v * y[d]
		dy[d] = v * gate[d]
	}
}
