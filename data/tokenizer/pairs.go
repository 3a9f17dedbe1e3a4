package tokenizer

import "math/bits"

// pair is two neighbouring tokens.
type pair struct{ left, right int32 }

// merge is what becomes of a pair: the lower rank goes first.
type merge struct{ rank, id int32 }

// merges maps pairs to what they become: a hash table with linear probing, at
// most half full.
type merges struct {
	slots []slot
	shift uint // of the hash
}

type slot struct {
	pair  pair
	merge merge
	used  bool
}

// newMerges has room for n pairs.
func newMerges(n int) merges {
	log := uint(bits.Len(uint(2*n + 1)))
	return merges{slots: make([]slot, 1<<log), shift: 64 - log}
}

// slot is where a pair is or belongs.
func (m merges) slot(p pair) *slot {
	const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	hash := (uint64(uint32(p.left))<<32 | uint64(uint32(p.right))) * golden
	for i := hash >> m.shift; ; i = (i + 1) & uint64(len(m.slots)-1) {
		if s := &m.slots[i]; !s.used || s.pair == p {
			return s
		}
	}
}

// add gives a pair its merge, unless it has one.
func (m merges) add(p pair, become merge) {
	if s := m.slot(p); !s.used {
		*s = slot{p, become, true}
	}
}

// part is a token of a piece that is being merged; parts are a linked list in
// an array.
type part struct {
	id         int32 // -1: merged into the part before
	prev, next int32 // -1: none
}

// candidate is a pair of neighbours that may be merged.
type candidate struct {
	rank, at int32 // at: of the left part
	pair     pair  // as it was when the candidate was found
	id       int32 // what it becomes
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// merger merges pieces: again and again the pair of the lowest rank, the
// leftmost of equals, until none is left. n tokens take O(n log n). It keeps
// its room for the next piece.
type merger struct {
	parts []part
	heap  []candidate
}

// merge appends to dst what ids become.
func (m *merger) merge(dst, ids []int32, rules merges) []int32 {
	m.parts, m.heap = m.parts[:0], m.heap[:0]
	last := int32(len(ids) - 1)
	for i, id := range ids {
		next := int32(i) + 1
		if int32(i) == last {
			next = -1
		}
		m.parts = append(m.parts, part{id, int32(i) - 1, next})
	}
	for i := range last {
		m.offer(i, rules)
	}
	for len(m.heap) > 0 {
		m.apply(m.pop(), rules)
	}
	for i := int32(0); i >= 0 && len(ids) > 0; i = m.parts[i].next {
		dst = append(dst, m.parts[i].id)
	}
	return dst
}

// apply merges a candidate unless one of its parts has changed meanwhile.
func (m *merger) apply(c candidate, rules merges) {
	left := &m.parts[c.at]
	if left.id != c.pair.left || left.next < 0 || m.parts[left.next].id != c.pair.right {
		return
	}
	right := &m.parts[left.next]
	left.id, left.next, right.id = c.id, right.next, -1
	if left.next >= 0 {
		m.parts[left.next].prev = c.at
		m.offer(c.at, rules)
	}
	if left.prev >= 0 {
		m.offer(left.prev, rules)
	}
}

// offer makes a candidate of part i and its right neighbour, if they merge.
func (m *merger) offer(i int32, rules merges) {
	p := pair{m.parts[i].id, m.parts[m.parts[i].next].id}
	if s := rules.slot(p); s.used {
		m.push(candidate{s.merge.rank, i, p, s.merge.id})
	}
}

func (m *merger) push(c candidate) {
	m.heap = append(m.heap, c)
	i := len(m.heap) - 1
	for i > 0 && c.before(m.heap[(i-1)/2]) {
		m.heap[i] = m.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	m.heap[i] = c
}

func (m *merger) pop() candidate {
	top, n := m.heap[0], len(m.heap)-1
	c := m.heap[n]
	m.heap = m.heap[:n]
	i := 0
	for 2*i+1 < n {
		child := 2*i + 1
		if child+1 < n && m.heap[child+1].before(m.heap[child]) {
			child++
		}
		if !m.heap[child].before(c) {
			break
		}
		m.heap[i] = m.heap[child]
		i = child
	}
	if n > 0 {
		m.heap[i] = c
	}
	return top
}
