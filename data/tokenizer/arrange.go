package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// arrange reads the parts of the file that say how text is cut in pieces and
// put together again. What it does not know is an error that names it.
func (b *BPE) arrange(f huggingFace) error {
	normalizers, err := sequence(f.Normalizer, "normalizers")
	if err != nil {
		return fmt.Errorf("normalizer: %w", err)
	}
	pre, err := sequence(f.PreTokenizer, "pretokenizers")
	if err != nil {
		return fmt.Errorf("pre_tokenizer: %w", err)
	}
	decoders, err := sequence(f.Decoder, "decoders")
	if err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	if len(decoders) == 1 && decoders[0].Type == "ByteLevel" {
		return b.arrangeBytes(normalizers, pre)
	}
	return b.arrangeBlanks(normalizers, pre, decoders)
}

// component is a normalizer, a pre-tokenizer or a decoder; each type has some
// of the fields.
type component struct {
	Type           string          `json:"type"`
	Pattern        pattern         `json:"pattern"`
	Behavior       string          `json:"behavior"`
	Invert         bool            `json:"invert"`
	AddPrefixSpace *bool           `json:"add_prefix_space"`
	TrimOffsets    bool            `json:"trim_offsets"`
	UseRegex       *bool           `json:"use_regex"`
	Individual     bool            `json:"individual_digits"`
	Prepend        string          `json:"prepend"`
	Content        string          `json:"content"`
	Start          int             `json:"start"`
	Stop           int             `json:"stop"`
	Replacement    string          `json:"replacement"`
	PrependScheme  string          `json:"prepend_scheme"`
	Split          *bool           `json:"split"`
	StrRep         string          `json:"str_rep"` // of old files: the replacement again
	Normalizers    json.RawMessage `json:"normalizers"`
	Pretokenizers  json.RawMessage `json:"pretokenizers"`
	Decoders       json.RawMessage `json:"decoders"`
}

// pattern is what a component looks for.
type pattern struct {
	String string `json:"String"`
	Regex  string `json:"Regex"`
}

// String names a component in errors.
func (c component) String() string {
	switch {
	case c.Pattern.Regex != "":
		return fmt.Sprintf("%s of the regular expression %q", c.Type, c.Pattern.Regex)
	case c.Pattern.String != "":
		return fmt.Sprintf("%s of %q, behavior %s", c.Type, c.Pattern.String, c.Behavior)
	}
	return c.Type
}

// sequence reads a part of the file: null, a component or a sequence of them.
func sequence(part json.RawMessage, key string) ([]component, error) {
	if len(part) == 0 || bytes.Equal(part, []byte("null")) {
		return nil, nil
	}
	var c component
	if err := decodeStrict(part, &c); err != nil {
		return nil, err
	}
	if c.Type != "Sequence" {
		return []component{c}, nil
	}
	var list []component
	inner := map[string]json.RawMessage{"normalizers": c.Normalizers, "pretokenizers": c.Pretokenizers, "decoders": c.Decoders}[key]
	if err := decodeStrict(inner, &list); err != nil {
		return nil, fmt.Errorf("sequence: %w", err)
	}
	return list, nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// arrangeBytes arranges a byte-level tokenizer: bytes are characters, pieces
// are matches of regular expressions.
func (b *BPE) arrangeBytes(normalizers, pre []component) error {
	for _, n := range normalizers {
		if n.Type != "NFC" {
			return fmt.Errorf("normalizer %s is not supported with bytes", n)
		}
		b.normalize = norm.NFC.String
	}
	if len(pre) == 0 || pre[len(pre)-1].Type != "ByteLevel" {
		return errors.New("pre_tokenizer does not end with ByteLevel, as the decoder does: not supported")
	}
	for i, p := range pre {
		if p.Type == "ByteLevel" && i == len(pre)-1 {
			if isTrue(p.AddPrefixSpace) {
				return errors.New("pre_tokenizer ByteLevel with add_prefix_space is not supported")
			}
			if p.UseRegex == nil || *p.UseRegex {
				b.splitters = append(b.splitters, splitGPT2)
			}
			continue
		}
		s, err := splitterOf(p)
		if err != nil {
			return err
		}
		b.splitters = append(b.splitters, s)
	}
	return nil
}

// splitterOf is a pre-tokenizer of bytes before the last.
func splitterOf(c component) (splitter, error) {
	switch {
	case c.Type == "Digits" && c.Individual:
		return splitNumbers(1), nil
	case c.Type == "Digits":
		return splitNumbers(longestPiece), nil
	case c.Type == "Split" && !(c.Behavior == "Isolated" && !c.Invert || c.Behavior == "Removed" && c.Invert):
		return nil, fmt.Errorf("pre_tokenizer Split with behavior %s and invert %v is not supported", c.Behavior, c.Invert)
	case c.Type == "Split":
		for _, p := range patterns {
			if p.regex == c.Pattern.Regex {
				return p.split, nil
			}
		}
	}
	return nil, fmt.Errorf("pre_tokenizer %s is not supported", c)
}

// blank is the character that stands for a blank in the vocabularies of
// SentencePiece.
const blank = "▁"

// When a blank is put before a text.
type prepend int

const (
	never  prepend = iota
	always         // even before a blank
	unless         // unless there is one
	first          // unless there is one, at the beginning of a document only
)

// blanks is how text is written in such a vocabulary.
type blanks struct {
	prepend prepend
	strip   bool // a blank at the beginning of a decoded document goes
}

// arrangeBlanks arranges a tokenizer of characters that writes blanks as ▁, by
// a normalizer (Llama 2, Gemma) or by the pre-tokenizer Metaspace.
func (b *BPE) arrangeBlanks(normalizers, pre, decoders []component) error {
	b.blanks = new(blanks)
	replaced, split := false, false
	for _, n := range normalizers {
		switch {
		case n.Type == "Prepend" && n.Prepend == blank && !replaced:
			b.blanks.prepend = always
		case n.Type == "Replace" && n.Pattern.String == " " && n.Content == blank && !replaced:
			replaced = true
		default:
			return fmt.Errorf("normalizer %s is not supported", n)
		}
	}
	for _, p := range pre {
		switch {
		case p.Type == "Metaspace" && p.Replacement == blank && !replaced && b.blanks.prepend == never:
			var err error
			if b.blanks.prepend, err = p.scheme(); err != nil {
				return err
			}
			replaced, split = true, p.Split == nil || *p.Split
		case p.Type == "Split" && p.Pattern.String == " " && p.Behavior == "MergedWithPrevious" && !p.Invert && replaced:
			// No blank is left to split at.
		default:
			return fmt.Errorf("pre_tokenizer %s is not supported", p)
		}
	}
	if !replaced {
		return errors.New("neither normalizer nor pre_tokenizer replaces blanks, and the decoder is not ByteLevel: not supported")
	}
	if split {
		b.splitters = []splitter{splitBlanks}
	}
	return b.arrangeDecoders(decoders)
}

// scheme is when the pre-tokenizer Metaspace puts a blank before text.
func (c component) scheme() (prepend, error) {
	switch {
	case c.PrependScheme == "always" || c.PrependScheme == "" && (c.AddPrefixSpace == nil || *c.AddPrefixSpace):
		return unless, nil
	case c.PrependScheme == "first":
		return first, nil
	case c.PrependScheme == "never" || c.PrependScheme == "":
		return never, nil
	}
	return never, fmt.Errorf("pre_tokenizer Metaspace with prepend_scheme %q is not supported", c.PrependScheme)
}

// arrangeDecoders checks that the decoder undoes what was arranged.
func (b *BPE) arrangeDecoders(decoders []component) error {
	for _, d := range decoders {
		switch {
		case d.Type == "Metaspace" && d.Replacement == blank:
			when, err := d.scheme()
			if err != nil {
				return err
			}
			b.blanks.strip = when != never
		case d.Type == "Replace" && d.Pattern.String == blank && d.Content == " ":
		case d.Type == "ByteFallback", d.Type == "Fuse":
		case d.Type == "Strip" && d.Content == " " && d.Start == 1 && d.Stop == 0:
			b.blanks.strip = true
		default:
			return fmt.Errorf("decoder %s is not supported", d)
		}
	}
	return nil
}

// write replaces the blanks of a text, which begins a document or not.
func (w *blanks) write(text string, begins bool) string {
	if text == "" {
		return ""
	}
	text = strings.ReplaceAll(text, " ", blank)
	put := w.prepend == always
	if w.prepend == unless || w.prepend == first && begins {
		put = !strings.HasPrefix(text, blank)
	}
	if put {
		return blank + text
	}
	return text
}
