package eval

import (
	"maps"
	"math"
	"slices"
)

// Grams counts n-grams.
type Grams struct {
	n     int
	count map[uint64]int // by hash
	total int
}

// CountGrams counts the n-grams of rows, which are not joined.
func CountGrams(rows [][]int32, n int) Grams {
	c := Grams{n: n, count: map[uint64]int{}}
	for _, row := range rows {
		for g := range grams(row, n) {
			c.count[g]++
			c.total++
		}
	}
	return c
}

// JensenShannon is the divergence of two distributions p and q of n-grams, in
// bits: 0 where they are equal, 1 where they share none.
//
//	1/2 sum p log2(2p/(p+q)) + 1/2 sum q log2(2q/(p+q))
//
// Few samples of one distribution are far from it too: compare only with the
// divergence of as much real text. Without an n-gram it is NaN.
func JensenShannon(a, b Grams) float64 {
	if a.total == 0 || b.total == 0 {
		return math.NaN()
	}
	if len(b.count) < len(a.count) {
		a, b = b, a
	}
	half := func(x, both float64) float64 {
		if x == 0 {
			return 0
		}
		return x / 2 * math.Log2(2*x/both)
	}
	sum, met := 0.0, 0
	for _, g := range slices.Sorted(maps.Keys(a.count)) { // in order, so that equal rows have bit-equal divergences
		p, q := float64(a.count[g])/float64(a.total), float64(b.count[g])/float64(b.total)
		sum += half(p, p+q) + half(q, p+q)
		met += b.count[g]
	}
	return sum + float64(b.total-met)/float64(b.total)/2 // those of b alone: log2(2q/q) is 1
}

// characters are the code points of a text as a row.
func characters(text string) []int32 { return []int32(text) }
