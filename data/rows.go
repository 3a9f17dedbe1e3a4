package data

import (
	"errors"
	"fmt"
	"sort"

	"fsdfm/data/tokenizer"
)

// Rows is a list of token rows of one length: in memory, or mapped from the
// files of a dataset, of which the system keeps in memory what is read.
type Rows struct {
	length   int
	rows     int
	segments []segment // in order
}

// segment is a part of the rows that lie one after the other.
type segment struct {
	first int     // row
	ids   []int32 // [rows, L] row-major
}

// add appends a whole number of rows.
func (r *Rows) add(ids []int32) {
	r.segments = append(r.segments, segment{r.rows, ids})
	r.rows += len(ids) / r.length
}

// each visits all tokens, some rows at a time.
func (r *Rows) each(visit func(ids []int32) error) error {
	for _, s := range r.segments {
		if err := visit(s.ids); err != nil {
			return err
		}
	}
	return nil
}

// NewRows wraps ids, a whole number of rows of the given length, without a copy.
func NewRows(ids []int32, length int) (*Rows, error) {
	switch {
	case length < 1:
		return nil, fmt.Errorf("rows: length is %d: must be at least 1", length)
	case len(ids) == 0:
		return nil, errors.New("rows: there are none")
	case len(ids)%length != 0:
		return nil, fmt.Errorf("rows: %d tokens are not a whole number of rows of %d", len(ids), length)
	}
	r := &Rows{length: length}
	r.add(ids)
	return r, nil
}

// Pack concatenates the documents, each followed by end of text, and cuts the
// result in rows of length tokens; the remainder is dropped. Less text than one
// row is an error.
func Pack(docs []string, tok tokenizer.Tokenizer, length int) (*Rows, error) {
	if length < 1 {
		return nil, fmt.Errorf("pack: length is %d: must be at least 1", length)
	}
	var ids []int32
	for i, doc := range docs {
		tokens, err := tok.Encode(doc)
		if err != nil {
			return nil, fmt.Errorf("pack: document %d of %d: %w", i+1, len(docs), err)
		}
		ids = append(append(ids, tokens...), tok.EndOfText())
	}
	if len(ids) < length {
		return nil, fmt.Errorf("pack: %d documents give %d tokens, less than one row of %d: add text or choose a smaller length", len(docs), len(ids), length)
	}
	return NewRows(ids[:len(ids)/length*length], length)
}

// Len is the number of rows, at least 1.
func (r *Rows) Len() int { return r.rows }

// Length is L, the tokens of a row.
func (r *Rows) Length() int { return r.length }

// Row is the i-th row, [L]. It is part of r: do not write to it.
func (r *Rows) Row(i int) []int32 {
	s := &r.segments[0]
	if len(r.segments) > 1 {
		s = &r.segments[sort.Search(len(r.segments), func(k int) bool { return r.segments[k].first > i })-1]
	}
	from := (i - s.first) * r.length
	return s.ids[from : from+r.length : from+r.length]
}

// Tokens are all rows one after the other, copied if they lie apart. They are
// part of r: do not write to them.
func (r *Rows) Tokens() []int32 {
	if len(r.segments) == 1 {
		return r.segments[0].ids
	}
	all := make([]int32, 0, r.rows*r.length)
	for _, s := range r.segments {
		all = append(all, s.ids...)
	}
	return all
}

// Unigrams is the distribution of the tokens, [vocab]. Every token counts half a
// time more than it occurs (Krichevsky and Trofimov 1981), so none is 0. It
// touches all rows.
func (r *Rows) Unigrams(vocab int) []float64 {
	share := make([]float64, vocab)
	for i := range share {
		share[i] = 0.5
	}
	sum := 0.5 * float64(vocab)
	for _, s := range r.segments {
		for _, id := range s.ids {
			share[id]++
		}
		sum += float64(len(s.ids))
	}
	for i := range share {
		share[i] /= sum
	}
	return share
}

// Spread picks n rows evenly over all of them; too few rows are an error.
func (r *Rows) Spread(n int) ([][]int32, error) {
	if n > r.Len() {
		return nil, fmt.Errorf("%d rows asked for but there are only %d: ask for fewer or hold out more text", n, r.Len())
	}
	picked := make([][]int32, n)
	for i := range picked {
		picked[i] = r.Row(i * r.Len() / n)
	}
	return picked, nil
}
