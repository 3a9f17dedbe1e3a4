package tokenizer

import (
	"container/heap"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of a trained vocabulary: the bytes, a merge and end of text at least.
const (
	minTrained = 256 + 1 + 1
	maxTrained = 1 << 16
)

func checkTrained(vocab int) error {
	if vocab < minTrained || vocab > maxTrained {
		return fmt.Errorf("vocabulary of %d: must be in %d..%d", vocab, minTrained, maxTrained)
	}
	return nil
}

// endOfTextToken is how tokenizer.json files of ours and of GPT-2 name it.
const endOfTextToken = "<|endoftext|>"

// Train makes a byte-level BPE tokenizer of vocab tokens from texts: 256 bytes,
// then merges, then end of text. Texts are cut in pieces as GPT-2 does. Each
// merge joins the most frequent pair of neighbouring tokens, the one of the
// lower ids among equals, so equal texts make equal tokenizers. A pair seen
// once is not merged; too little text for vocab is an error.
func Train(texts Texts, vocab int) (*BPE, error) {
	if err := checkTrained(vocab); err != nil {
		return nil, fmt.Errorf("train bpe: %w", err)
	}
	counts := map[string]int{}
	for text, err := range texts {
		if err != nil {
			return nil, err
		}
		for len(text) > 0 {
			n := min(splitGPT2(text), longestPiece)
			if _, seen := counts[text[:n]]; seen {
				counts[text[:n]]++
			} else {
				counts[strings.Clone(text[:n])] = 1
			}
			text = text[n:]
		}
	}
	if len(counts) == 0 {
		return nil, errors.New("train bpe: the text is empty")
	}
	t := newTrainer(counts)
	for len(t.tokens) < vocab-1 {
		if !t.step() {
			return nil, fmt.Errorf("train bpe: the text is too short for a vocabulary of %d: ask for %d at most, or add text", vocab, len(t.tokens)+1)
		}
	}
	return newBPE(byteLevel(t.tokens, t.rules))
}

// trainer holds the distinct pieces of the text, as far as they are merged, and
// how often each pair of neighbours stands in them.
type trainer struct {
	tokens []string // the bytes of each token
	rules  []pair   // in order
	words  []word
	counts map[pair]int
	places map[pair][]int32 // words that have or had the pair, ascending
	queue  pairQueue        // every pair, with a count that was true once
}

type word struct {
	ids   []int32
	count int
}

func newTrainer(counts map[string]int) *trainer {
	t := &trainer{counts: map[pair]int{}, places: map[pair][]int32{}}
	var idOf [256]int32
	for i, c := range byteOrder {
		t.tokens = append(t.tokens, string([]byte{c}))
		idOf[c] = int32(i)
	}
	for i, text := range slices.Sorted(maps.Keys(counts)) {
		w := word{ids: make([]int32, len(text)), count: counts[text]}
		for j := range w.ids {
			w.ids[j] = idOf[text[j]]
		}
		t.words = append(t.words, w)
		for j := range len(w.ids) - 1 {
			t.add(pair{w.ids[j], w.ids[j+1]}, int32(i), w.count)
		}
	}
	for p, n := range t.counts {
		t.queue = append(t.queue, counted{p, n})
	}
	heap.Init(&t.queue)
	return t
}

// add counts a pair in a word.
func (t *trainer) add(p pair, w int32, n int) {
	t.counts[p] += n
	if places := t.places[p]; len(places) == 0 || places[len(places)-1] != w {
		t.places[p] = append(places, w)
	}
}

// step makes the next merge; false if no pair is left that occurs twice.
func (t *trainer) step() bool {
	for len(t.queue) > 0 {
		top := heap.Pop(&t.queue).(counted)
		if now := t.counts[top.pair]; now < top.n {
			if now > 1 {
				heap.Push(&t.queue, counted{top.pair, now})
			}
			continue
		}
		if top.n < 2 {
			return false
		}
		t.join(top.pair)
		return true
	}
	return false
}

// join makes a token of a pair, everywhere.
func (t *trainer) join(p pair) {
	id := int32(len(t.tokens))
	t.tokens = append(t.tokens, t.tokens[p.left]+t.tokens[p.right])
	t.rules = append(t.rules, p)
	grown := map[pair]bool{}
	for _, w := range t.places[p] {
		t.joinWord(w, p, id, grown)
	}
	delete(t.counts, p)
	delete(t.places, p)
	for g := range grown { // the queue's order does not depend on this one
		if n := t.counts[g]; n > 1 {
			heap.Push(&t.queue, counted{g, n})
		}
	}
}

// joinWord replaces a pair in one word by id and counts its neighbours anew.
func (t *trainer) joinWord(at int32, p pair, id int32, grown map[pair]bool) {
	w := &t.words[at]
	to := 0
	for from := 0; from < len(w.ids); from++ {
		if w.ids[from] != p.left || from+1 == len(w.ids) || w.ids[from+1] != p.right {
			w.ids[to] = w.ids[from]
			to++
			continue
		}
		if to > 0 {
			before := w.ids[to-1]
			t.counts[pair{before, p.left}] -= w.count
			t.add(pair{before, id}, at, w.count)
			grown[pair{before, id}] = true
		}
		if from+2 < len(w.ids) {
			after := w.ids[from+2]
			t.counts[pair{p.right, after}] -= w.count
			t.add(pair{id, after}, at, w.count)
			grown[pair{id, after}] = true
		}
		w.ids[to] = id
		to++
		from++
	}
	w.ids = w.ids[:to]
}

// counted is a pair with how often it occurs.
type counted struct {
	pair pair
	n    int
}

// pairQueue is a heap: frequent pairs first, then those of lower ids.
type pairQueue []counted

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(counted)) }
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	switch {
	case a.n != b.n:
		return a.n > b.n
	case a.pair.left != b.pair.left:
		return a.pair.left < b.pair.left
	}
	return a.pair.right < b.pair.right
}
