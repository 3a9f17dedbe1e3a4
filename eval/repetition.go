package eval

import (
	"iter"
	"math/bits"
)

// DistinctN is the share of different n-grams among those of all rows
// together: mode collapse lowers it. Rows are not joined. It falls as rows
// grow in number, so compare equally many. Without an n-gram it is 0.
func DistinctN(rows [][]int32, n int) float64 {
	met, total := map[uint64]struct{}{}, 0
	for _, row := range rows {
		for g := range grams(row, n) {
			met[g] = struct{}{}
			total++
		}
	}
	return share(len(met), total)
}

// RepeatedNGrams is the share of n-grams that their own row had before: loops
// raise it.
func RepeatedNGrams(rows [][]int32, n int) float64 {
	repeated, total := 0, 0
	for _, row := range rows {
		met := map[uint64]struct{}{}
		for g := range grams(row, n) {
			if _, ok := met[g]; ok {
				repeated++
			}
			met[g] = struct{}{}
			total++
		}
	}
	return share(repeated, total)
}

// Novelty is the share of the rows' n-grams that are not in the training text:
// reciting lowers it, and no other figure sees that. It holds the n-grams of
// rows and reads train once.
func Novelty(rows, train [][]int32, n int) float64 {
	count, total := map[uint64]int{}, 0
	for _, row := range rows {
		for g := range grams(row, n) {
			count[g]++
			total++
		}
	}
	known := 0
	for _, doc := range train {
		for g := range grams(doc, n) {
			if c := count[g]; c > 0 {
				known += c
				count[g] = 0
			}
		}
	}
	return share(total-known, total)
}

func share(part, whole int) float64 { return float64(part) / float64(max(1, whole)) }

// grams yields every n-gram of row as a hash: the tokens, plus 1, are the
// digits of a number to a large base, modulo a prime. That any two of a million
// n-grams share a hash has a probability below n/1e6.
func grams(row []int32, n int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if n < 1 || n > len(row) {
			return
		}
		gone := uint64(1) // base^n
		for range n {
			gone = mulmod(gone, gramBase)
		}
		h := uint64(0)
		for i, w := range row {
			h = addmod(mulmod(h, gramBase), digit(w))
			if i >= n {
				h = addmod(h, gramPrime-mulmod(gone, digit(row[i-n])))
			}
			if i >= n-1 && !yield(h) {
				return
			}
		}
	}
}

const (
	gramPrime = 1<<61 - 1
	gramBase  = 0x1A2F7C35E9B46D83 // below the prime, otherwise arbitrary
)

func digit(w int32) uint64 { return uint64(uint32(w)) + 1 }

func addmod(a, b uint64) uint64 { return (a + b) % gramPrime }

func mulmod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return addmod(hi<<3|lo>>61, lo&gramPrime)
}
