package data

import (
	"errors"
	"fmt"
)

// Rows is a list of token rows of one length, in memory.
type Rows struct {
	length int
	ids    []int32 // [rows, L] row-major
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
	return &Rows{length: length, ids: ids}, nil
}

// Pack concatenates the documents, each followed by end of text, and cuts the
// result in rows of length tokens; the remainder is dropped. Less text than one
// row is an error.
func Pack(docs []string, tok Tokenizer, length int) (*Rows, error) {
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
func (r *Rows) Len() int { return len(r.ids) / r.length }

// Length is L, the tokens of a row.
func (r *Rows) Length() int { return r.length }

// Row is the i-th row, [L]. It is part of r: do not write to it.
func (r *Rows) Row(i int) []int32 {
	return r.ids[i*r.length : (i+1)*r.length : (i+1)*r.length]
}
