package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// huggingFace is the content of a tokenizer.json of Hugging Face's tokenizers.
// What only matters when documents are cut or joined stays as it is written.
type huggingFace struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         bpeModel        `json:"model"`
}

// addedToken is a token that is not merged from bytes.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// bpeModel is the vocabulary with its merges.
type bpeModel struct {
	Type         string           `json:"type"`
	Dropout      *float64         `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       mergeList        `json:"merges"`
}

// mergeList is a list of pairs, written ["a b", ...] or [["a", "b"], ...].
type mergeList [][2]string

func (m *mergeList) UnmarshalJSON(text []byte) error {
	var joined []string
	if err := json.Unmarshal(text, &joined); err != nil {
		var pairs [][2]string
		if json.Unmarshal(text, &pairs) != nil {
			return errors.New(`merges are neither ["a b", ...] nor [["a", "b"], ...]`)
		}
		*m = pairs
		return nil
	}
	*m = make(mergeList, len(joined))
	for i, j := range joined {
		left, right, ok := strings.Cut(j, " ")
		if !ok || strings.Contains(right, " ") {
			return fmt.Errorf("merge %d is %q, not two tokens with a blank between", i, j)
		}
		(*m)[i] = [2]string{left, right}
	}
	return nil
}

// MarshalJSON writes what old readers understand too, where it can.
func (m mergeList) MarshalJSON() ([]byte, error) {
	joined := make([]string, len(m))
	for i, p := range m {
		if strings.Contains(p[0]+p[1], " ") {
			return json.Marshal([][2]string(m))
		}
		joined[i] = p[0] + " " + p[1]
	}
	return json.Marshal(joined)
}

const (
	byteLevelPart = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`
	fileVersion   = "1.0"
)

// byteLevel is the file of a tokenizer like GPT-2's: tokens by their bytes, the
// pairs that merge in order, and end of text as the last id.
func byteLevel(tokens []string, rules []pair) huggingFace {
	part := json.RawMessage(byteLevelPart)
	f := huggingFace{
		Version: fileVersion, PreTokenizer: part, PostProcessor: part, Decoder: part,
		AddedTokens: []addedToken{{ID: int32(len(tokens)), Content: endOfTextToken, Special: true}},
		Model:       bpeModel{Type: "BPE", Vocab: make(map[string]int32, len(tokens)+1)},
	}
	spelled := make([]string, len(tokens))
	for i, t := range tokens {
		spelled[i] = spell(t)
		f.Model.Vocab[spelled[i]] = int32(i)
	}
	f.Model.Vocab[endOfTextToken] = int32(len(tokens))
	for _, p := range rules {
		f.Model.Merges = append(f.Model.Merges, [2]string{spelled[p.left], spelled[p.right]})
	}
	return f
}

func (f huggingFace) marshal() ([]byte, error) { return json.Marshal(f) }

// parseHuggingFace reads a tokenizer.json of Hugging Face's form.
func parseHuggingFace(text []byte) (*BPE, error) {
	var f huggingFace
	if err := decodeStrict(text, &f); err != nil {
		return nil, err
	}
	return newBPE(f)
}

// highestID bounds the memory that a vocabulary with gaps asks for.
const highestID = 1 << 21

// newBPE makes a tokenizer of a file, or says what it does not support.
func newBPE(f huggingFace) (*BPE, error) {
	if err := f.Model.check(); err != nil {
		return nil, err
	}
	b := &BPE{file: f}
	if err := b.arrange(f); err != nil {
		return nil, err
	}
	if err := b.fill(f); err != nil {
		return nil, err
	}
	if err := b.link(f.Model); err != nil {
		return nil, err
	}
	return b, nil
}

// check refuses models that are no plain BPE.
func (m bpeModel) check() error {
	empty := func(s *string) bool { return s == nil || *s == "" }
	switch {
	case m.Type != "BPE" && m.Type != "":
		return fmt.Errorf("model type %q is not supported: only BPE is", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("model.dropout %v is not supported", *m.Dropout)
	case !empty(m.Prefix):
		return fmt.Errorf("model.continuing_subword_prefix %q is not supported", *m.Prefix)
	case !empty(m.Suffix):
		return fmt.Errorf("model.end_of_word_suffix %q is not supported", *m.Suffix)
	case len(m.Vocab) == 0:
		return errors.New("model.vocab is empty")
	}
	return nil
}

// fill makes the tables of tokens.
func (b *BPE) fill(f huggingFace) error {
	ids, err := b.reserve(f)
	if err != nil {
		return err
	}
	added := make(map[int32]bool, len(f.AddedTokens))
	for _, t := range f.AddedTokens {
		added[t.ID] = true
	}
	for token, id := range ids {
		if !b.missing[id] {
			return fmt.Errorf("id %d has two tokens", id)
		}
		b.missing[id] = false
		if b.tokens[id], err = b.textOf(token, added[id]); err != nil {
			return fmt.Errorf("token %q of id %d: %w", token, id, err)
		}
	}
	if !slices.Contains(b.missing, true) {
		b.missing = nil
	}
	if err := b.spellOut(f.Model); err != nil {
		return err
	}
	if b.endOfText, err = endOfText(f.AddedTokens); err != nil {
		return err
	}
	b.added, err = newAddedTokens(f.AddedTokens, b.blanks != nil)
	return err
}

// reserve lists the ids of all tokens and makes room for them.
func (b *BPE) reserve(f huggingFace) (map[string]int32, error) {
	ids := make(map[string]int32, len(f.Model.Vocab)+len(f.AddedTokens))
	for _, t := range f.AddedTokens {
		ids[t.Content] = t.ID
	}
	for token, id := range f.Model.Vocab {
		if of, ok := ids[token]; ok && of != id {
			return nil, fmt.Errorf("token %q has the ids %d and %d", token, min(id, of), max(id, of))
		}
		ids[token] = id
	}
	size := 0
	for token, id := range ids {
		if id < 0 || id > highestID {
			return nil, fmt.Errorf("token %q has the id %d: must be in 0..%d", token, id, highestID)
		}
		size = max(size, int(id)+1)
	}
	b.tokens, b.missing = make([]string, size), slices.Repeat([]bool{true}, size)
	return ids, nil
}

// textOf is the text that a token stands for.
func (b *BPE) textOf(token string, added bool) (string, error) {
	if b.blanks != nil {
		var c byte
		if n, _ := fmt.Sscanf(token, "<0x%02X>", &c); n == 1 && token == byteToken(c) {
			return string([]byte{c}), nil
		}
		return strings.ReplaceAll(token, blank, " "), nil
	}
	if added {
		return token, nil
	}
	text, ok := unspell(token)
	if !ok {
		return "", errors.New("it has characters that stand for no byte: not a byte-level vocabulary")
	}
	return text, nil
}

// byteToken is how a vocabulary of characters writes a byte.
func byteToken(c byte) string { return fmt.Sprintf("<0x%02X>", c) }

// spellOut finds the tokens that pieces begin with.
func (b *BPE) spellOut(m bpeModel) error {
	a := &b.alphabet
	a.unknown = -1
	for c, r := range byteRunes {
		name := string(r)
		if b.blanks != nil {
			name = byteToken(byte(c))
		}
		id, ok := m.Vocab[name]
		if !ok && b.blanks == nil {
			return fmt.Errorf("the byte 0x%02x has no token", c)
		}
		if !ok {
			m.ByteFallback = false
		}
		a.bytes[c] = id
	}
	if b.blanks == nil {
		return nil
	}
	a.runes = map[rune]int32{}
	for token, id := range m.Vocab {
		if r, size := utf8.DecodeRuneInString(token); size == len(token) {
			a.runes[r] = id
		}
	}
	if m.ByteFallback {
		return nil
	}
	if m.UnkToken == nil {
		return errors.New("model has neither tokens for all bytes (byte_fallback) nor an unk_token: some text could not be expressed")
	}
	id, ok := m.Vocab[*m.UnkToken]
	if !ok {
		return fmt.Errorf("model.unk_token %q is no token", *m.UnkToken)
	}
	a.unknown, a.fuse = id, m.FuseUnk
	return nil
}

// endsOfText are the names of end of text in the vocabularies there are.
var endsOfText = []string{endOfTextToken, "<|end_of_text|>", "<|end▁of▁sentence|>", "</s>", "<eos>", "[EOS]"}

// endOfText is the id of end of text among the added tokens.
func endOfText(tokens []addedToken) (int32, error) {
	for _, name := range endsOfText {
		for _, t := range tokens {
			if t.Content == name {
				return t.ID, nil
			}
		}
	}
	return 0, fmt.Errorf("no added token is one of %q: documents could not be ended", endsOfText)
}

// link makes the table of merges.
func (b *BPE) link(m bpeModel) error {
	b.rules = newMerges(len(m.Merges))
	for rank, p := range m.Merges {
		left, okLeft := m.Vocab[p[0]]
		right, okRight := m.Vocab[p[1]]
		id, ok := m.Vocab[p[0]+p[1]]
		if !ok || !okLeft || !okRight {
			return fmt.Errorf("merge %d of %q and %q: they or what they make are no tokens", rank, p[0], p[1])
		}
		b.rules.add(pair{left, right}, merge{int32(rank), id})
	}
	if m.IgnoreMerges {
		b.whole = make(map[string]int32, len(m.Vocab))
		for token, id := range m.Vocab {
			if b.blanks == nil {
				token = b.tokens[id]
			}
			b.whole[token] = id
		}
	}
	if b.blanks != nil && len(b.splitters) == 0 && !crossed(m.Vocab) {
		b.splitters = []splitter{splitWide}
	}
	return nil
}

// crossed reports whether a token has ▁ behind something else.
func crossed(vocab map[string]int32) bool {
	for token := range vocab {
		for strings.HasPrefix(token, blank) {
			token = token[len(blank):]
		}
		if strings.Contains(token, blank) {
			return true
		}
	}
	return false
}
