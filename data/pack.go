package data

import "strings"

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

// JudgeDocuments are the documents that WriteCorpus gives to the judge.
func JudgeDocuments(docs []string, validShare, judgeShare float64) ([]string, error) {
	parts, err := SplitDocuments(docs, validShare, judgeShare, splitSeed)
	return parts.Judge, err
}
