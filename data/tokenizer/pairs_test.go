package tokenizer

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// mergePlainly is merger.merge's documentation as a program.
func mergePlainly(ids []int32, rules map[pair]merge) []int32 {
	ids = slices.Clone(ids)
	for {
		best, found := 0, false
		for i := range max(0, len(ids)-1) {
			r, ok := rules[pair{ids[i], ids[i+1]}]
			if ok && (!found || r.rank < rules[pair{ids[best], ids[best+1]}].rank) {
				best, found = i, true
			}
		}
		if !found {
			return ids
		}
		ids[best] = rules[pair{ids[best], ids[best+1]}].id
		ids = slices.Delete(ids, best+1, best+2)
	}
}

// Random pieces under random rules over few tokens, where every order matters.
func TestMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var m merger
	for range 300 {
		plain, table := map[pair]merge{}, newMerges(40)
		for id := int32(4); id < 44; id++ {
			p := pair{rng.Int32N(id), rng.Int32N(id)}
			if _, twice := plain[p]; !twice {
				plain[p] = merge{rng.Int32N(20)*100 + id, id}
			}
			table.add(p, merge{plain[p].rank, plain[p].id})
		}
		ids := make([]int32, rng.IntN(60))
		for i := range ids {
			ids[i] = rng.Int32N(4)
		}
		if got, want := m.merge(nil, ids, table), mergePlainly(ids, plain); !slices.Equal(got, want) {
			t.Fatalf("%v becomes %v, want %v under %v", ids, got, want, plain)
		}
	}
}

func TestMergesKeepTheFirst(t *testing.T) {
	m := newMerges(2)
	m.add(pair{1, 2}, merge{0, 3})
	m.add(pair{1, 2}, merge{1, 4})
	if s := m.slot(pair{1, 2}); !s.used || s.merge.id != 3 {
		t.Errorf("%+v", s)
	}
	if s := m.slot(pair{2, 1}); s.used {
		t.Errorf("the reverse has %+v", s)
	}
}
