package data

import (
	"bytes"
	"strings"
)

// splitSeed orders documents for the split into train, valid and judge. It is
// the same for every run, so that the judge's part is never trained on by a run
// with another seed.
const splitSeed = 0

// WriteCorpus splits documents, tokenizes them (char or bytes) and writes the
// splits train, valid and judge to dir in rows of length tokens.
func WriteCorpus(dir string, docs []string, tokenizer string, length int, validShare, judgeShare float64) error {
	tok, err := NewTokenizer(tokenizer, strings.Join(docs, ""))
	if err != nil {
		return err
	}
	parts, err := SplitDocuments(docs, validShare, judgeShare, splitSeed)
	if err != nil {
		return err
	}
	splits := make(map[string]*Rows)
	for name, part := range map[string][]string{"train": parts.Train, "valid": parts.Valid, "judge": parts.Judge} {
		if splits[name], err = Pack(part, tok, length); err != nil {
			return err
		}
	}
	return WriteDataset(dir, tok, splits)
}

// HeldOut are the judge's and the validation rows that WriteCorpus makes, with
// a tokenizer that exists already.
func HeldOut(docs []string, tok Tokenizer, length int, validShare, judgeShare float64) (judge, valid *Rows, err error) {
	parts, err := SplitDocuments(docs, validShare, judgeShare, splitSeed)
	if err != nil {
		return nil, nil, err
	}
	if judge, err = Pack(parts.Judge, tok, length); err != nil {
		return nil, nil, err
	}
	valid, err = Pack(parts.Valid, tok, length)
	return judge, valid, err
}

// SameTokenizer reports whether two tokenizers map all text alike.
func SameTokenizer(a, b Tokenizer) bool {
	x, errX := MarshalTokenizer(a)
	y, errY := MarshalTokenizer(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
