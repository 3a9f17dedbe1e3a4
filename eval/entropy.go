package eval

import (
	"math"
	"slices"
)

// Entropy of a row's own token histogram, in bits: 0 for a row of one token
// repeated, log2(L) where no token comes twice.
func Entropy(row []int32) float64 {
	count := map[int32]int{}
	for _, w := range row {
		count[w]++
	}
	// In a fixed order, so that equal rows have bit-equal entropies.
	counts := make([]int, 0, len(count))
	for _, c := range count {
		counts = append(counts, c)
	}
	slices.Sort(counts)
	h := 0.0
	for _, c := range counts {
		p := float64(c) / float64(len(row))
		h -= p * math.Log2(p)
	}
	return h
}

// MeanEntropy of rows, in bits; 0 without any.
func MeanEntropy(rows [][]int32) float64 {
	sum := 0.0
	for _, row := range rows {
		sum += Entropy(row)
	}
	return sum / float64(max(1, len(rows)))
}

// EntropyBand is where 90 % of the rows' entropies lie, in bits: from their
// 5th to their 95th percentile. A model's mean outside the band of real text
// is not the entropy of text.
func EntropyBand(rows [][]int32) [2]float64 {
	if len(rows) == 0 {
		return [2]float64{}
	}
	h := make([]float64, len(rows))
	for i, row := range rows {
		h[i] = Entropy(row)
	}
	slices.Sort(h)
	at := func(share float64) float64 { return h[int(math.Round(share*float64(len(h)-1)))] }
	return [2]float64{at(0.05), at(0.95)}
}
