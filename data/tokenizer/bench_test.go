package tokenizer

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// austen is the corpus that the project embeds, 4.0 MB.
func austen(t testing.TB) string {
	t.Helper()
	packed, err := os.ReadFile("../corpus/austen.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// chunks are documents as long as an article.
func chunks(text string) []string {
	var all []string
	for len(text) > 0 {
		n := min(len(text), 8<<10)
		all = append(all, text[:n])
		text = text[n:]
	}
	return all
}

func benchmarkEncode(b *testing.B, tok Tokenizer, text string) {
	docs := chunks(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, doc := range docs {
			encode(b, tok, doc)
		}
	}
}

func BenchmarkEncodeGPT2(b *testing.B) { benchmarkEncode(b, gpt2(b), austen(b)) }

// Text of many scripts, most of it outside ASCII.
func BenchmarkEncodeGPT2Unicode(b *testing.B) {
	text := readFile(b, "testdata/unicode.txt")
	benchmarkEncode(b, gpt2(b), string(bytes.Repeat([]byte(text), 1000)))
}

// Pieces that are never met again.
func BenchmarkEncodeGPT2Noise(b *testing.B) {
	benchmarkEncode(b, gpt2(b), noise(1<<20))
}

func BenchmarkDecodeGPT2(b *testing.B) {
	tok := gpt2(b)
	ids := encode(b, tok, austen(b))
	b.SetBytes(int64(len(austen(b))))
	for b.Loop() {
		tok.Decode(ids)
	}
}

func BenchmarkTrain4096(b *testing.B) {
	docs := chunks(austen(b))
	b.SetBytes(int64(len(austen(b))))
	for b.Loop() {
		if _, err := Train(texts(docs...), 4096); err != nil {
			b.Fatal(err)
		}
	}
}
