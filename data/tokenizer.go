package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Tokenizer turns text into token ids in [0, Vocab()) and back.
type Tokenizer interface {
	// Name is what NewTokenizer and tokenizer.json call this kind.
	Name() string
	// Vocab is V, the number of data tokens with end of text, without a mask.
	Vocab() int
	// EndOfText is the id that follows every document.
	EndOfText() int32
	// Encode fails on text the vocabulary cannot express.
	Encode(text string) ([]int32, error)
	// Decode never fails: end of text becomes DocumentBreak, an id outside the
	// vocabulary, such as a mask token, becomes Outside.
	Decode(ids []int32) string
}

const (
	// DocumentBreak separates documents in text files and decoded samples: a
	// form feed on its own line.
	DocumentBreak = "\n\f\n"
	// Outside stands for an id that is not a data token: U+FFFD.
	Outside = string(utf8.RuneError)
)

// kinds are the tokenizers there are; a new one is one more line.
var kinds = []struct {
	name string
	make func(text string) (Tokenizer, error)        // from the text it must express
	load func(file tokenizerFile) (Tokenizer, error) // from tokenizer.json
}{
	{"char", func(text string) (Tokenizer, error) { return NewChars(text) }, loadChars},
	{"bytes", func(string) (Tokenizer, error) { return NewBytes(), nil }, loadBytes},
}

// NewTokenizer makes the named tokenizer, with a vocabulary taken from text
// where the kind needs one.
func NewTokenizer(name, text string) (Tokenizer, error) {
	for _, k := range kinds {
		if k.name == name {
			return k.make(text)
		}
	}
	return nil, unknownKind(name)
}

// tokenizerFormat is the first field of every tokenizer.json.
const tokenizerFormat = "fsdfm-tokenizer-1"

// tokenizerFile is the content of tokenizer.json.
type tokenizerFile struct {
	Format     string `json:"format"`
	Type       string `json:"type"`                 // a name of kinds
	Characters string `json:"characters,omitempty"` // char: the vocabulary in id order
}

// MarshalTokenizer returns the tokenizer.json of t.
func MarshalTokenizer(t Tokenizer) ([]byte, error) {
	m, ok := t.(json.Marshaler)
	if !ok {
		return nil, fmt.Errorf("tokenizer %s cannot be stored: it has no MarshalJSON", t.Name())
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("store tokenizer %s: %w", t.Name(), err)
	}
	return append(b, '\n'), nil
}

// ParseTokenizer is the inverse of MarshalTokenizer. Unknown fields, invalid
// UTF-8 and anything after the object are errors.
func ParseTokenizer(b []byte) (Tokenizer, error) {
	var file tokenizerFile
	if !utf8.Valid(b) {
		return nil, errors.New("tokenizer.json: invalid UTF-8")
	}
	if err := decodeStrict(b, &file); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	if file.Format != tokenizerFormat {
		return nil, fmt.Errorf("tokenizer.json: format is %q, this program reads %q", file.Format, tokenizerFormat)
	}
	for _, k := range kinds {
		if k.name == file.Type {
			t, err := k.load(file)
			if err != nil {
				return nil, fmt.Errorf("tokenizer.json: %w", err)
			}
			return t, nil
		}
	}
	return nil, fmt.Errorf("tokenizer.json: %w", unknownKind(file.Type))
}

func unknownKind(name string) error {
	known := make([]string, len(kinds))
	for i, k := range kinds {
		known[i] = k.name
	}
	return fmt.Errorf("unknown tokenizer %q: must be one of [%s]", name, strings.Join(known, " "))
}

// decodeStrict parses one JSON value without unknown fields and with nothing
// behind it.
func decodeStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more text after the JSON object")
	}
	return nil
}
