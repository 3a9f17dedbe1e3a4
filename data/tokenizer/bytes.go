package tokenizer

import (
	"encoding/json"
	"errors"
)

// Bytes has one token for each byte value; end of text is 256. It expresses any
// input, invalid UTF-8 too.
type Bytes struct{}

var _ Tokenizer = (*Bytes)(nil)

// NewBytes returns the byte tokenizer.
func NewBytes() *Bytes { return &Bytes{} }

// Name returns "bytes".
func (*Bytes) Name() string { return "bytes" }

// Vocab is 257.
func (*Bytes) Vocab() int { return 257 }

// EndOfText is 256.
func (*Bytes) EndOfText() int32 { return 256 }

// Encode never fails.
func (*Bytes) Encode(text string) ([]int32, error) {
	ids := make([]int32, len(text))
	for i := range ids {
		ids[i] = int32(text[i])
	}
	return ids, nil
}

// Decode returns the bytes as they are, so the text can be invalid UTF-8; see
// Tokenizer for the ids that are no bytes.
func (b *Bytes) Decode(ids []int32) string {
	text := make([]byte, 0, len(ids))
	for _, id := range ids {
		switch {
		case id >= 0 && id < 256:
			text = append(text, byte(id))
		case id == b.EndOfText():
			text = append(text, DocumentBreak...)
		default:
			text = append(text, Outside...)
		}
	}
	return string(text)
}

// MarshalJSON returns the tokenizer.json form.
func (b *Bytes) MarshalJSON() ([]byte, error) {
	return json.Marshal(ownFile{Format: format, Type: b.Name()})
}

func loadBytes(own ownFile) (Tokenizer, error) {
	if own.Characters != "" {
		return nil, errors.New("characters given for the bytes tokenizer, which has none")
	}
	return NewBytes(), nil
}
