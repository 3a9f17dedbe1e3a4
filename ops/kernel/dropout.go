package kernel

// DropoutKeep fills keep [B, perRow] with 0 at the given rate and 1/(1-rate) elsewhere.
// Element i of row b is a hash of (seeds[b], layer, i) alone, so a row's mask does not
// depend on its place in the batch or on the rest of it.
func DropoutKeep(keep []float32, seeds []uint64, layer uint64, perRow int, rate float32) {
	if len(keep) != len(seeds)*perRow {
		panic("kernel: DropoutKeep: keep must have len(seeds)*perRow elements")
	}
	if !(rate >= 0 && rate < 1) {
		panic("kernel: DropoutKeep: rate must be in [0, 1)")
	}
	threshold := uint32(float64(rate) * (1 << 32))
	scale := 1 / (1 - rate)
	for b, seed := range seeds {
		row := keep[b*perRow : (b+1)*perRow]
		key := mix64(mix64(seed) + layer)
		parallelRanges(perRow, elementGrain, func(lo, hi int) {
			use.keepRow(row[lo:hi], uint32(key), uint32(key>>32), uint32(lo), threshold, scale)
		})
	}
}

// keepRowPlain sets keep[i] to 0 if the hash of first + i is below the threshold, else to scale.
func keepRowPlain(keep []float32, key0, key1, first, threshold uint32, scale float32) {
	for i := range keep {
		keep[i] = 0
		if hash32(key0, key1, first+uint32(i)) >= threshold {
			keep[i] = scale
		}
	}
}

// mix64 is the output function of SplitMix64 (Steele, Lea, Flood 2014).
func mix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hash32 mixes a counter with both halves of a key: multiplications and shifts as in
// 32-bit integer finalizers, in lanes that a vector unit takes eight at a time.
func hash32(key0, key1, i uint32) uint32 {
	h := i ^ key0
	h = (h ^ h>>16) * 0x7feb352d
	h += key1
	h = (h ^ h>>15) * 0x846ca68b
	return h ^ h>>16
}
