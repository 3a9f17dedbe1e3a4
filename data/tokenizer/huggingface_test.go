package tokenizer

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// golden is testdata/huggingface.json: variants of two small files, and what
// Hugging Face's own program made of some texts with them.
type golden struct {
	About string
	Texts []string
	Cases []struct {
		Name    string
		Base    string
		Set     map[string]json.RawMessage
		IDs     [][]int32
		Decoded []string
	}
}

// variant is a tokenizer.json of testdata with some of its parts, or of its
// model's, replaced.
func variant(t testing.TB, base string, set map[string]json.RawMessage) []byte {
	t.Helper()
	var file, model map[string]json.RawMessage
	unmarshal(t, readFile(t, "testdata/"+base+".json"), &file)
	unmarshal(t, string(file["model"]), &model)
	for key, value := range set {
		if _, ok := model[key]; ok {
			model[key] = value
		} else {
			file[key] = value
		}
	}
	file["model"] = marshal(t, model)
	return marshal(t, file)
}

func unmarshal(t testing.TB, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every supported arrangement gives the ids of Hugging Face's program, and its
// texts but for two habits of ours: end of text is a document break, and bytes
// that are no UTF-8 stay as they are.
func TestHuggingFaceGolden(t *testing.T) {
	var g golden
	unmarshal(t, readFile(t, "testdata/huggingface.json"), &g)
	for _, c := range g.Cases {
		t.Run(c.Name, func(t *testing.T) {
			tok, err := Parse(variant(t, c.Base, c.Set))
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range g.Texts {
				ids := encode(t, tok, text)
				if !slices.Equal(ids, c.IDs[i]) {
					t.Errorf("%q is\n%v, want\n%v\n%q", text, ids, c.IDs[i], pieces(tok, c.IDs[i]))
				}
				if got := tok.Decode(c.IDs[i]); strings.ToValidUTF8(got, Outside) != c.Decoded[i] {
					t.Errorf("%v decode to %q, want %q", c.IDs[i], got, c.Decoded[i])
				}
			}
			again, err := Parse(remarshal(t, tok))
			if err != nil || !Same(tok, again) {
				t.Errorf("stored and read back: %v", err)
			}
		})
	}
}

func remarshal(t testing.TB, tok Tokenizer) []byte {
	t.Helper()
	text, err := Marshal(tok)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// pieces are the texts of ids one by one.
func pieces(tok Tokenizer, ids []int32) []string {
	var all []string
	for _, id := range ids {
		all = append(all, tok.Decode([]int32{id}))
	}
	return all
}

// What is not supported is refused by its name.
func TestHuggingFaceErrors(t *testing.T) {
	for _, c := range []struct{ base, key, value, says string }{
		{"bytes", "type", `"Unigram"`, `model type "Unigram" is not supported`},
		{"bytes", "dropout", `0.1`, "model.dropout 0.1 is not supported"},
		{"bytes", "end_of_word_suffix", `"</w>"`, `model.end_of_word_suffix "</w>" is not supported`},
		{"bytes", "continuing_subword_prefix", `"##"`, "continuing_subword_prefix"},
		{"bytes", "normalizer", `{"type":"Lowercase"}`, "normalizer Lowercase is not supported"},
		{"bytes", "normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"StripAccents"}]}`, "normalizer StripAccents is not supported"},
		{"bytes", "pre_tokenizer", `{"type":"Whitespace"}`, "does not end with ByteLevel"},
		{"bytes", "pre_tokenizer", `null`, "does not end with ByteLevel"},
		{"bytes", "pre_tokenizer", `{"type":"ByteLevel","add_prefix_space":true}`, "add_prefix_space is not supported"},
		{"bytes", "pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Punctuation"},{"type":"ByteLevel"}]}`, "pre_tokenizer Punctuation is not supported"},
		{"bytes", "pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"[a-z]+"},"behavior":"Isolated"},{"type":"ByteLevel"}]}`, `the regular expression "[a-z]+" is not supported`},
		{"bytes", "pre_tokenizer", `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}"},"behavior":"Removed"},{"type":"ByteLevel"}]}`, "behavior Removed and invert false is not supported"},
		{"bytes", "pre_tokenizer", `{"type":"ByteLevel","magic":1}`, `unknown field "magic"`},
		{"bytes", "decoder", `{"type":"WordPiece","prefix":"##"}`, `decoder: json: unknown field "prefix"`},
		{"bytes", "added_tokens", `[]`, "no added token is one of"},
		{"bytes", "added_tokens", `[{"id":599,"content":"<|endoftext|>","special":true},{"id":600,"content":"xx","lstrip":true}]`, `added token "xx": single_word, lstrip and rstrip are not supported`},
		{"bytes", "added_tokens", `[{"id":599,"content":"<|endoftext|>","special":true},{"id":599,"content":"xx"}]`, "id 599 has two tokens"},
		{"bytes", "added_tokens", `[{"id":598,"content":"<|endoftext|>","special":true}]`, `token "<|endoftext|>" has the ids 598 and 599`},
		{"bytes", "added_tokens", `[{"id":-1,"content":"</s>"}]`, "id -1: must be in"},
		{"bytes", "added_tokens", `[{"id":2000000000,"content":"</s>"}]`, "id 2000000000: must be in"},
		{"bytes", "vocab", `{}`, "model.vocab is empty"},
		{"bytes", "vocab", `{"a":0}`, "the byte 0x00 has no token"},
		{"bytes", "vocab", `{"日":0}`, "characters that stand for no byte"},
		{"bytes", "merges", `["a b c"]`, "not two tokens with a blank between"},
		{"bytes", "merges", `["q"]`, "not two tokens"},
		{"bytes", "merges", `["q x"]`, "they or what they make are no tokens"},
		{"bytes", "merges", `[1]`, "merges are neither"},
		{"blanks", "normalizer", `null`, "neither normalizer nor pre_tokenizer replaces blanks"},
		{"blanks", "normalizer", `{"type":"NFKC"}`, "normalizer NFKC is not supported"},
		{"blanks", "pre_tokenizer", `{"type":"Metaspace","replacement":"_","prepend_scheme":"always"}`, "pre_tokenizer Metaspace is not supported"},
		{"blanks", "decoder", `{"type":"CTC"}`, "decoder CTC is not supported"},
		{"blanks", "unk_token", `"<none>"`, ""},
		{"blanks", "truncation", `{"max_length":5}`, ""},
	} {
		_, err := Parse(variant(t, c.base, map[string]json.RawMessage{c.key: json.RawMessage(c.value)}))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %s: %v", c.key, c.value, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s: error %v, want one with %q", c.key, c.value, err, c.says)
		}
	}
	for value, says := range map[string]string{`null`: "neither tokens for all bytes (byte_fallback) nor an unk_token", `"<none>"`: `model.unk_token "<none>" is no token`} {
		set := map[string]json.RawMessage{"byte_fallback": json.RawMessage("false"), "unk_token": json.RawMessage(value)}
		if _, err := Parse(variant(t, "blanks", set)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: error %v, want one with %q", set, err, says)
		}
	}
}

// Merges written as pairs mean the same.
func TestHuggingFaceMergePairs(t *testing.T) {
	plain, err := Parse(variant(t, "bytes", nil))
	if err != nil {
		t.Fatal(err)
	}
	list := plain.(*BPE).file.Model.Merges
	paired, err := Parse(variant(t, "bytes", map[string]json.RawMessage{"merges": marshal(t, [][2]string(list))}))
	if err != nil || !Same(plain, paired) {
		t.Errorf("pairs: %v", err)
	}
	spaced := mergeList{{"a b", "c"}}
	var again mergeList
	unmarshal(t, string(marshal(t, spaced)), &again)
	if !slices.Equal(again, spaced) {
		t.Errorf("%q came back as %q", spaced, again)
	}
}

// Ids that no token has decode as such, and stay free.
func TestHuggingFaceGaps(t *testing.T) {
	added := json.RawMessage(`[{"id":599,"content":"<|endoftext|>","special":true},{"id":610,"content":"<|im_end|>","special":true}]`)
	tok, err := Parse(variant(t, "bytes", map[string]json.RawMessage{"added_tokens": added}))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Decode([]int32{605, 610}); tok.Vocab() != 611 || got != Outside+"<|im_end|>" {
		t.Errorf("vocabulary of %d, decoded %q", tok.Vocab(), got)
	}
	all := maps.Clone(tok.(*BPE).file.Model.Vocab)
	if len(all) != 600 {
		t.Errorf("%d tokens in the model", len(all))
	}
}
