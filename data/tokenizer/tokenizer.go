// Package tokenizer turns text into token ids and back: by characters, by
// bytes, and by byte-pair encodings, be they trained on one's own text, GPT-2's
// or those of a tokenizer.json that Hugging Face's tokenizers wrote.
package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"unicode/utf8"
)

// Tokenizer turns text into token ids in [0, Vocab()) and back.
type Tokenizer interface {
	// Name is what tokenizer.json calls this kind: char, bytes or bpe.
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

// Texts are documents to make a vocabulary from. An error ends them.
type Texts = iter.Seq2[string, error]

// kinds are the tokenizers there are; a new one is one more line.
var kinds = []struct {
	name string
	make func(texts Texts, vocab int) (Tokenizer, error)
}{
	{"char", func(texts Texts, _ int) (Tokenizer, error) { return collect(texts) }},
	{"bytes", func(Texts, int) (Tokenizer, error) { return NewBytes(), nil }},
	{"bpe", func(texts Texts, vocab int) (Tokenizer, error) { return Train(texts, vocab) }},
	{"gpt2", func(Texts, int) (Tokenizer, error) { return GPT2() }},
}

// New makes the named tokenizer, or reads a file whose name ends with .json.
// char takes its characters from all texts; bpe is trained on them to a
// vocabulary of vocab tokens; the others read no texts.
func New(name string, vocab int, texts Texts) (Tokenizer, error) {
	if isFile(name) {
		return read(name)
	}
	for _, k := range kinds {
		if k.name == name {
			return k.make(texts, vocab)
		}
	}
	return nil, unknownKind(name)
}

// Check reports whether New knows the name and, where it trains, can make so
// large a vocabulary.
func Check(name string, vocab int) error {
	if name == "bpe" {
		return checkTrained(vocab)
	}
	for _, k := range kinds {
		if k.name == name {
			return nil
		}
	}
	if isFile(name) {
		return nil
	}
	return unknownKind(name)
}

func isFile(name string) bool { return strings.HasSuffix(name, ".json") }

// largestFile bounds what is read as a tokenizer.json, in bytes; those of the
// largest vocabularies have 30 MB.
const largestFile = 1 << 27

func read(path string) (Tokenizer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	if len(text) > largestFile {
		return nil, fmt.Errorf("read tokenizer: %s has more than %d bytes: not a tokenizer.json", path, largestFile)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// format is the first field of a tokenizer.json that only this program reads.
const format = "fsdfm-tokenizer-1"

// ownFile is the content of such a file. What Hugging Face's tokenizers can
// express is written in their form instead.
type ownFile struct {
	Format     string `json:"format"`
	Type       string `json:"type"`                 // char or bytes
	Characters string `json:"characters,omitempty"` // char: the vocabulary in id order
}

// Marshal returns the tokenizer.json of t.
func Marshal(t Tokenizer) ([]byte, error) {
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

// Same reports whether two tokenizers map all text alike.
func Same(a, b Tokenizer) bool {
	x, errX := Marshal(a)
	y, errY := Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Parse is the inverse of Marshal, and reads the tokenizer.json of Hugging
// Face's tokenizers as far as New's documentation says. Unknown fields, invalid
// UTF-8 and anything after the object are errors.
func Parse(text []byte) (Tokenizer, error) {
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

func parse(text []byte) (Tokenizer, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("invalid UTF-8")
	}
	var about struct {
		Format *string         `json:"format"`
		Model  json.RawMessage `json:"model"`
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return nil, err
	}
	switch {
	case about.Format != nil:
		return parseOwn(text)
	case about.Model != nil:
		return parseHuggingFace(text)
	}
	return nil, errors.New("neither format nor model is there: not a tokenizer")
}

func parseOwn(text []byte) (Tokenizer, error) {
	var own ownFile
	if err := decodeStrict(text, &own); err != nil {
		return nil, err
	}
	switch {
	case own.Format != format:
		return nil, fmt.Errorf("format is %q, this program reads %q", own.Format, format)
	case own.Type == "char":
		return loadChars(own)
	case own.Type == "bytes":
		return loadBytes(own)
	}
	return nil, fmt.Errorf("type is %q: must be one of [char bytes]", own.Type)
}

func unknownKind(name string) error {
	known := make([]string, len(kinds))
	for i, k := range kinds {
		known[i] = k.name
	}
	return fmt.Errorf("unknown tokenizer %q: must be one of [%s] or a file ending in .json", name, strings.Join(known, " "))
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
