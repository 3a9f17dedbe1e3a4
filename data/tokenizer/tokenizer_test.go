package tokenizer

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// tokenizers of every kind, made from a text with characters of 1 to 4 bytes.
func tokenizers(t testing.TB) map[string]Tokenizer {
	t.Helper()
	all := map[string]Tokenizer{}
	for _, k := range kinds {
		tok, err := New(k.name, 258, texts(sampleText))
		if err != nil {
			t.Fatal(err)
		}
		all[k.name] = tok
	}
	return all
}

func texts(all ...string) Texts {
	return func(yield func(string, error) bool) {
		for _, text := range all {
			if !yield(text, nil) {
				return
			}
		}
	}
}

const sampleText = "Emma, handsome & clever;\n\tçà – 日本 😀 \ufffd <&>\u2028"

// Every kind keeps these promises of Tokenizer.
func TestTokenizerContract(t *testing.T) {
	for name, tok := range tokenizers(t) {
		t.Run(name, func(t *testing.T) {
			if kind := map[string]string{"gpt2": "bpe"}[name]; tok.Name() != cmp.Or(kind, name) {
				t.Errorf("Name() = %q", tok.Name())
			}
			ids, err := tok.Encode(sampleText)
			if err != nil {
				t.Fatal(err)
			}
			if low, high := slices.Min(ids), slices.Max(ids); low < 0 || int(high) >= tok.Vocab() {
				t.Errorf("ids in %d..%d of %d", low, high, tok.Vocab())
			}
			if slices.Contains(ids, tok.EndOfText()) {
				t.Error("text holds end of text")
			}
			if got := tok.Decode(ids); got != sampleText {
				t.Errorf("Decode(Encode) = %q", got)
			}
			mask := int32(tok.Vocab())
			odd := []int32{ids[0], tok.EndOfText(), -1, mask, ids[1]}
			if got, want := tok.Decode(odd), tok.Decode(ids[:1])+DocumentBreak+Outside+Outside+tok.Decode(ids[1:2]); got != want {
				t.Errorf("Decode(%v) = %q, want %q", odd, got, want)
			}
			if int(tok.EndOfText()) != tok.Vocab()-1 {
				t.Errorf("end of text is %d of %d", tok.EndOfText(), tok.Vocab())
			}
		})
	}
}

func TestTokenizerJSON(t *testing.T) {
	for name, tok := range tokenizers(t) {
		b, err := Marshal(tok)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, b)
		}
		if again.Vocab() != tok.Vocab() || again.Name() != tok.Name() {
			t.Errorf("%s: read back as %s with %d tokens", name, again.Name(), again.Vocab())
		}
		want, _ := tok.Encode(sampleText)
		got, err := again.Encode(sampleText)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: ids changed: %v, %v", name, got, err)
		}
	}
}

// badTokenizers are tokenizer.json files with what their error must say.
var badTokenizers = []struct{ json, says string }{
	{``, "unexpected end"},
	{`{"format":"fsdfm-tokenizer-1","type":"char","characters":"ab"`, "unexpected end"},
	{`{"format":"fsdfm-tokenizer-2","type":"char","characters":"ab"}`, "reads \"fsdfm-tokenizer-1\""},
	{`{"format":"fsdfm-tokenizer-1","type":"bpo"}`, "must be one of [char bytes]"},
	{`{"format":"fsdfm-tokenizer-1","type":"char","characters":"ba"}`, "code point order"},
	{`{"format":"fsdfm-tokenizer-1","type":"char","characters":"aa"}`, "distinct"},
	{`{"format":"fsdfm-tokenizer-1","type":"char"}`, "empty"},
	{`{"format":"fsdfm-tokenizer-1","type":"bytes","characters":"a"}`, "has none"},
	{`{"format":"fsdfm-tokenizer-1","type":"bytes","merges":[]}`, "unknown field"},
	{`{"format":"fsdfm-tokenizer-1","type":"bytes"} {}`, "after top-level value"},
	{"{\"format\":\"fsdfm-tokenizer-1\",\"type\":\"char\",\"characters\":\"a\xff\"}", "invalid UTF-8"},
	{`[]`, "cannot unmarshal"},
}

func TestParseTokenizerErrors(t *testing.T) {
	for _, bad := range badTokenizers {
		_, err := Parse([]byte(bad.json))
		if err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: error %v, want one with %q", bad.json, err, bad.says)
		}
	}
}

func TestTokenizerErrors(t *testing.T) {
	abc, err := NewChars("abc")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		do         func() error
	}{
		{"unknown name", "must be one of [char bytes bpe gpt2]", func() error { _, err := New("bpo", 0, nil); return err }},
		{"empty text", "empty", func() error { _, err := New("char", 0, texts("")); return err }},
		{"invalid text", "byte 2", func() error { _, err := NewChars("ab\xff"); return err }},
		{"unknown character", `'é' (U+00E9) at byte 2 is not among the 3 known`, func() error { _, err := abc.Encode("abéc"); return err }},
		{"invalid input", "invalid UTF-8 at byte 1", func() error { _, err := abc.Encode("a\xc3"); return err }},
		{"no JSON form", "cannot be stored", func() error { _, err := Marshal(struct{ Tokenizer }{abc}); return err }},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.says)
		}
	}
}

// A file is named by its path.
func TestNewFromFile(t *testing.T) {
	own, err := Train(texts(austen(t)[:10<<10]), 300)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mine.json")
	if err := os.WriteFile(path, remarshal(t, own), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := New(path, 0, nil)
	if err != nil || !Same(own, again) || again.Vocab() != 300 {
		t.Errorf("read back: %v", err)
	}
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{path: "mine.json: tokenizer.json: unexpected end", "absent.json": "no such file"} {
		if _, err := New(name, 0, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one with %q", name, err, says)
		}
		if err := Check(name, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, vocab := range map[string]int{"char": 0, "bytes": 0, "gpt2": 0, "bpe": 1024} {
		if err := Check(name, vocab); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, says := range map[string]string{"bpe": "vocabulary of 0: must be in 258..65536", "word": `unknown tokenizer "word"`} {
		if err := Check(name, 0); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one with %q", name, err, says)
		}
	}
}

// FuzzBytes: any input survives, valid UTF-8 or not.
func FuzzBytes(f *testing.F) {
	for _, s := range []string{"", sampleText, "\xff\xfe\x00", "\xed\xa0\x80", "\f\n\f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tok := NewBytes()
		ids, err := tok.Encode(text)
		if err != nil || tok.Decode(ids) != text {
			t.Fatalf("%q came back as %q (%v)", text, tok.Decode(ids), err)
		}
	})
}

// FuzzChars: valid text survives its own vocabulary, invalid text is refused.
func FuzzChars(f *testing.F) {
	for _, s := range []string{"a", sampleText, "\xff", "a\xc3", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := NewChars(text)
		if (err == nil) != (text != "" && utf8.ValidString(text)) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		ids, err := tok.Encode(text)
		if err != nil || tok.Decode(ids) != text {
			t.Fatalf("%q came back as %q (%v)", text, tok.Decode(ids), err)
		}
	})
}

// FuzzParseTokenizer: what is accepted can be stored and read back the same.
func FuzzParseTokenizer(f *testing.F) {
	for _, bad := range badTokenizers {
		f.Add([]byte(bad.json))
	}
	for name, tok := range tokenizers(f) {
		if name == "gpt2" { // 2 MB: too slow to mutate
			continue
		}
		b, err := Marshal(tok)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(readFile(f, "testdata/bytes.json")))
	f.Add([]byte(readFile(f, "testdata/blanks.json")))
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := Parse(b)
		if err != nil {
			return
		}
		if ids, err := tok.Encode(sampleText); err == nil {
			tok.Decode(ids)
		}
		stored, err := Marshal(tok)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(stored)
		if err != nil {
			t.Fatalf("%v\n%s", err, stored)
		}
		twice, err := Marshal(again)
		if err != nil || !bytes.Equal(stored, twice) {
			t.Fatalf("%s\n%s (%v)", stored, twice, err)
		}
	})
}
