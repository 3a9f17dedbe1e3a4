package tokenizer

import (
	"os"
	"slices"
	"strconv"
	"strings"
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
