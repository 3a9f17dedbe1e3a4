package data

import "fsdfm/data/tokenizer"

// SplitSeed orders documents for the split into train, valid and judge. It is
// the same for every run, so that the judge's part is never trained on by a run
// with another seed.
const SplitSeed = 0

// PackCorpus makes the rows that Prepare makes of a small corpus, with a
// tokenizer that exists already.
func PackCorpus(docs []string, tok tokenizer.Tokenizer, length int, validShare, judgeShare float64) (train, valid, judge *Rows, err error) {
	parts, err := SplitDocuments(docs, validShare, judgeShare, SplitSeed)
	if err != nil {
		return nil, nil, nil, err
	}
	if train, err = Pack(parts.Train, tok, length); err != nil {
		return nil, nil, nil, err
	}
	if valid, err = Pack(parts.Valid, tok, length); err != nil {
		return nil, nil, nil, err
	}
	judge, err = Pack(parts.Judge, tok, length)
	return train, valid, judge, err
}
