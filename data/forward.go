package data

import "fsdfm/data/tokenizer"

// The tokenizers' names before they had a package of their own.
type Tokenizer = tokenizer.Tokenizer

const (
	DocumentBreak = tokenizer.DocumentBreak
	Outside       = tokenizer.Outside
)

var (
	SameTokenizer    = tokenizer.Same
	MarshalTokenizer = tokenizer.Marshal
	ParseTokenizer   = tokenizer.Parse
	NewChars         = tokenizer.NewChars
	NewBytes         = tokenizer.NewBytes
)
