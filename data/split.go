package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"
)

// Split is a corpus in three disjoint parts; each keeps the documents' order.
type Split struct {
	Train []string // for the generator
	Valid []string // for its held-out loss
	Judge []string // for the judge of its samples, which the generator must never see
}

// part is one of the three.
type part uint8

const (
	train part = iota
	valid
	judge
)

// parts are the names of the splits of a dataset.
var parts = [...]string{train: "train", valid: "valid", judge: "judge"}

// onlyPieces is about how many pieces a text with a single document is cut in.
const onlyPieces = 64

// SplitDocuments draws the judge's and the validation documents at random;
// shares are parts of the characters. The judge gets at least its share, by
// less than one document more where the documents allow; validation comes as
// near as whole documents allow. A single document is first cut at paragraph
// ends (line ends where there are no paragraphs). A part with a positive share
// that would stay empty is an error.
func SplitDocuments(docs []string, validShare, judgeShare float64, seed uint64) (Split, error) {
	if len(docs) == 1 {
		docs = cut(docs[0], onlyPieces)
	}
	size := make([]int, len(docs))
	for i, doc := range docs {
		if size[i] = utf8.RuneCountInString(doc); size[i] == 0 {
			return Split{}, fmt.Errorf("split: document %d of %d is empty: leave it out", i+1, len(docs))
		}
	}
	to, err := assign(size, validShare, judgeShare, seed)
	if err != nil {
		return Split{}, err
	}
	var s Split
	for i, doc := range docs {
		into := [...]*[]string{train: &s.Train, valid: &s.Valid, judge: &s.Judge}[to[i]]
		*into = append(*into, doc)
	}
	return s, nil
}

// assign gives each document its part, by their sizes in characters.
func assign(size []int, validShare, judgeShare float64, seed uint64) ([]part, error) {
	if !(validShare >= 0 && judgeShare >= 0 && validShare+judgeShare < 1) {
		return nil, fmt.Errorf("split: valid share %v and judge share %v must not be negative and must leave some text for training", validShare, judgeShare)
	}
	if len(size) == 0 {
		return nil, errors.New("split: no documents: the corpus is empty")
	}
	total := 0
	for _, n := range size {
		total += n
	}
	rest := rand.New(rand.NewPCG(seed, 0)).Perm(len(size))
	forJudge, rest := take(rest, size, judgeShare*float64(total), true)
	forValid, rest := take(rest, size, validShare*float64(total), false)
	if len(rest) == 0 || judgeShare > 0 && len(forJudge) == 0 || validShare > 0 && len(forValid) == 0 {
		return nil, fmt.Errorf("split: %d documents are too few or too uneven for shares of %v and %v: add text, or cut long documents by a form feed on its own line", len(size), validShare, judgeShare)
	}
	to := make([]part, len(size))
	for _, i := range forJudge {
		to[i] = judge
	}
	for _, i := range forValid {
		to[i] = valid
	}
	return to, nil
}

// draw gives one document of very many its part, by chance.
func draw(at place, validShare, judgeShare float64, seed uint64) part {
	rng := rand.NewPCG(seed, uint64(at.source)<<40|uint64(at.document))
	rng.Uint64() // the first says too little of the second seed
	switch u := rand.New(rng).Float64(); {
	case u < judgeShare:
		return judge
	case u < judgeShare+validShare:
		return valid
	}
	return train
}

// take moves documents from order, as they come, while they fit into target
// characters. The smallest of the rest follows if target must be reached, if
// nothing fitted, or if it brings the sum nearer.
func take(order, size []int, target float64, reach bool) (taken, rest []int) {
	sum := 0.0
	for _, d := range order {
		if n := float64(size[d]); sum+n <= target {
			taken = append(taken, d)
			sum += n
		} else {
			rest = append(rest, d)
		}
	}
	if sum >= target || len(rest) == 0 {
		return taken, rest
	}
	small := 0
	for i, d := range rest {
		if size[d] < size[rest[small]] {
			small = i
		}
	}
	over := sum + float64(size[rest[small]]) - target
	if reach || len(taken) == 0 || over < target-sum {
		taken = append(taken, rest[small])
		rest = slices.Delete(rest, small, small+1)
	}
	return taken, rest
}

// cut takes one document apart at paragraph ends, or line ends if it has no
// blank line, in at most the given number of pieces of about equal length.
func cut(doc string, pieces int) []string {
	sep := "\n\n"
	if !strings.Contains(strings.Trim(doc, "\n"), sep) {
		sep = "\n"
	}
	var parts []string
	least := (len(doc) + pieces - 1) / pieces
	var b strings.Builder
	flush := func() {
		if part := strings.Trim(b.String(), "\n"); part != "" {
			parts = append(parts, part)
		}
		b.Reset()
	}
	for _, paragraph := range strings.SplitAfter(doc, sep) {
		b.WriteString(paragraph)
		if b.Len() >= least {
			flush()
		}
	}
	flush()
	return parts
}
