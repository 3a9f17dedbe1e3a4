package kernel

// Embed copies row ids[r] of weight [V, width] to row r of dst [len(ids), width].
func Embed(dst, weight []float32, ids []int32, width int) {
	if width < 1 || len(dst) != len(ids)*width || len(weight)%width != 0 {
		panic("kernel: Embed: a slice's length does not match len(ids), width")
	}
	checkIDs(ids, len(weight)/width)
	parallelRanges(len(ids), sumChunk, func(r0, r1 int) {
		for r := r0; r < r1; r++ {
			copy(dst[r*width:][:width], weight[int(ids[r])*width:])
		}
	})
}

// EmbedBackward adds row r of dy [len(ids), width] to row ids[r] of dweight [rows, width],
// in the order of r; with accumulate false dweight starts from zero.
func EmbedBackward(dweight, dy []float32, ids []int32, rows, width int, accumulate bool) {
	if len(dweight) != rows*width || len(dy) != len(ids)*width {
		panic("kernel: EmbedBackward: a slice's length does not match rows, len(ids), width")
	}
	checkIDs(ids, rows)
	if !accumulate {
		parallelRanges(len(dweight), elementGrain, func(lo, hi int) { clear(dweight[lo:hi]) })
	}
	parallelRanges(width, columnBlock, func(j0, j1 int) {
		for r, id := range ids {
			at := int(id) * width
			use.addRow(dweight[at+j0:at+j1], dy[r*width+j0:r*width+j1])
		}
	})
}

func checkIDs(ids []int32, rows int) {
	for _, id := range ids {
		if id < 0 || int(id) >= rows {
			panic("kernel: Embed: an id is outside the vocabulary")
		}
	}
}
