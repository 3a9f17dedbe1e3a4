package eval_test

import (
	"math/rand/v2"
	"testing"

	"fsdfm/eval"
)

func TestRepetitionByHand(t *testing.T) {
	loop := []int32{1, 2, 1, 2, 1, 2} // 12 21 12 21 12
	rows := [][]int32{loop, {1, 2, 3}, {7}}
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"distinct-2: 12 21 23 of 7", eval.DistinctN(rows, 2), 3. / 7},
		{"distinct-4: 1212 2121 of 3", eval.DistinctN(rows, 4), 2. / 3},
		{"repeated-2: 3 of the loop's", eval.RepeatedNGrams(rows, 2), 3. / 7},
		{"repeated-4: 1 of 3", eval.RepeatedNGrams(rows, 4), 1. / 3},
		{"no n-gram", eval.DistinctN(rows, 7) + eval.RepeatedNGrams(rows, 7) + eval.Novelty(rows, rows, 7), 0},
		{"no rows", eval.DistinctN(nil, 2) + eval.RepeatedNGrams(nil, 2), 0},
		{"n = 0", eval.DistinctN(rows, 0), 0},
		{"novel-2: only 23", eval.Novelty(rows, [][]int32{{9, 2, 1, 2, 1}}, 2), 1. / 7},
		{"a document's end joins no other", eval.Novelty(rows, [][]int32{{1}, {2, 3}}, 2), 6. / 7},
		{"novel-2: all", eval.Novelty(rows, nil, 2), 1},
		{"novel-2: none", eval.Novelty(rows, rows, 2), 0},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
}

// Rolling hashes against the n-grams themselves.
func TestRepetitionAgreesWithPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	docs, rows := randomDocs(r, 30, 5), randomDocs(r, 30, 5)
	rows[0] = []int32{1 << 30, -1, 1 << 30, -1, 0, 0, 0, 0}
	for n := 1; n < 12; n++ {
		all, trained := map[string]int{}, map[string]bool{}
		for _, doc := range docs {
			for i := range len(doc) - n + 1 {
				trained[key(doc[i:i+n])] = true
			}
		}
		total, repeated, novel := 0, 0, 0
		for _, row := range rows {
			met := map[string]bool{}
			for i := range len(row) - n + 1 {
				k := key(row[i : i+n])
				if met[k] {
					repeated++
				}
				if !trained[k] {
					novel++
				}
				met[k] = true
				all[k]++
				total++
			}
		}
		for name, x := range map[string]struct{ got, want float64 }{
			"distinct": {eval.DistinctN(rows, n), float64(len(all)) / float64(total)},
			"repeated": {eval.RepeatedNGrams(rows, n), float64(repeated) / float64(total)},
			"novel":    {eval.Novelty(rows, docs, n), float64(novel) / float64(total)},
		} {
			if x.got != x.want {
				t.Errorf("%s-%d: got %v, want %v", name, n, x.got, x.want)
			}
		}
	}
}

func BenchmarkNovelty(b *testing.B) {
	docs, held := austen(b)
	b.SetBytes(int64(len(held)))
	for b.Loop() {
		eval.Novelty([][]int32{held}, docs, 32)
	}
}
