package data

import "fsdfm/data/tokenizer"

// splitSeed orders documents for the split into train, valid and judge. It is
// the same for every run, so that the judge's part is never trained on by a run
// with another seed.
const splitSeed = 0

// WriteCorpus splits documents, tokenizes them and writes the splits train,
// valid and judge to dir in rows of length tokens. Tokenizer and vocab are
// those of tokenizer.New; one that is trained sees the training documents only.
func WriteCorpus(dir string, docs []string, name string, vocab, length int, validShare, judgeShare float64) error {
	parts, err := SplitDocuments(docs, validShare, judgeShare, splitSeed)
	if err != nil {
		return err
	}
	sees := docs
	if name == "bpe" {
		sees = parts.Train
	}
	tok, err := tokenizer.New(name, vocab, Texts(sees))
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

// Texts are documents to make a vocabulary from.
func Texts(docs []string) tokenizer.Texts {
	return func(yield func(string, error) bool) {
		for _, doc := range docs {
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// PackCorpus makes the rows that WriteCorpus makes, with a tokenizer that exists
// already.
func PackCorpus(docs []string, tok Tokenizer, length int, validShare, judgeShare float64) (train, valid, judge *Rows, err error) {
	parts, err := SplitDocuments(docs, validShare, judgeShare, splitSeed)
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
