package tokenizer

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func gpt2(t testing.TB) *BPE {
	t.Helper()
	b, err := GPT2()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, tok Tokenizer, text string) []int32 {
	t.Helper()
	ids, err := tok.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The ids of GPT-2's own tokenizer for text of many scripts.
func TestGPT2Golden(t *testing.T) {
	text := readFile(t, "testdata/unicode.txt")
	var want []int32
	for _, f := range strings.Fields(readFile(t, "testdata/unicode.gpt2-ids.txt")) {
		id, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, int32(id))
	}
	b := gpt2(t)
	if b.Vocab() != 50257 || b.EndOfText() != 50256 {
		t.Errorf("vocabulary of %d, end of text %d", b.Vocab(), b.EndOfText())
	}
	for range 2 { // the second time from memory
		if got := encode(t, b, text); !slices.Equal(got, want) || len(got) != 443 {
			t.Fatalf("%d ids\n%v, want\n%v", len(got), got, want)
		}
	}
	if got := b.Decode(want); got != text {
		t.Errorf("decoded %q", got)
	}
}

// noise is letters at random, in words of 1 to 20.
func noise(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		if text[i] = byte('a' + rng.IntN(26)); rng.IntN(10) == 0 {
			text[i] = ' '
		}
	}
	return string(text)
}

// byteLevels are tokenizers that must bring back any bytes.
func byteLevels(t testing.TB) map[string]Tokenizer {
	t.Helper()
	own, err := Train(texts(austen(t)[:200<<10]), 1024)
	if err != nil {
		t.Fatal(err)
	}
	words, err := Parse(variant(t, "bytes", map[string]json.RawMessage{"pre_tokenizer": marshal(t, map[string]any{
		"type": "Sequence", "pretokenizers": []any{
			map[string]any{"type": "Split", "pattern": map[string]string{"Regex": llama3Pattern}, "behavior": "Isolated"},
			map[string]any{"type": "ByteLevel", "use_regex": false},
		},
	})}))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Tokenizer{"gpt2": gpt2(t), "own": own, "llama 3": words}
}

// Any bytes come back, text or not, also over the limits of memory.
func TestBPERoundTrip(t *testing.T) {
	long := strings.Repeat("ab", longestPiece/2+9)
	for name, tok := range byteLevels(t) {
		for _, text := range []string{"", readFile(t, "testdata/unicode.txt"), "\xff\xfe\x00 \xc3", "\xed\xa0\x80", long, strings.Repeat(" ", longestPiece+7) + "x", noise(1 << 20)} {
			if got := tok.Decode(encode(t, tok, text)); got != text {
				t.Errorf("%s: %.40q came back as %.40q", name, text, got)
			}
		}
	}
}

// What a piece becomes does not depend on what was encoded before, by whom.
func TestBPEConcurrent(t *testing.T) {
	tok := gpt2(t)
	docs := chunks(austen(t)[:100<<10] + noise(700<<10)) // more pieces than are kept
	want := make([][]int32, len(docs))
	for i, doc := range docs {
		want[i] = encode(t, tok, doc)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range docs {
				at := (i*7 + worker) % len(docs)
				if got, err := tok.Encode(docs[at]); err != nil || !slices.Equal(got, want[at]) {
					t.Errorf("document %d: %v", at, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// FuzzBPE: any input survives.
func FuzzBPE(f *testing.F) {
	for _, s := range []string{"", sampleText, "\xff\xfe\x00", "'S 'll \n\r\n  x 123456", "<|endoftext|>"} {
		f.Add(s)
	}
	all := byteLevels(f)
	f.Fuzz(func(t *testing.T, text string) {
		for name, tok := range all {
			ids := encode(t, tok, text)
			if tok.Decode(ids) != text || slices.Contains(ids, tok.EndOfText()) {
				t.Fatalf("%s: %q became %v, %q", name, text, ids, tok.Decode(ids))
			}
		}
	})
}
