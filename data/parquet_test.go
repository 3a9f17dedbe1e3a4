package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// duckText is the column `text` of the files in testdata without nulls and
// empty texts, as they come back.
func duckText() (docs []string) {
	for i := range 60 {
		if i%7 != 3 && i%11 != 5 {
			doc := fmt.Sprintf("Document %d: naïve café, 日本語.\n", i) + strings.Repeat("It rained. ", i%5)
			docs = append(docs, strings.Trim(doc, "\n"))
		}
	}
	return docs
}

func TestParquetOfDuckDB(t *testing.T) {
	for _, name := range []string{"zstd", "snappy", "gzip", "brotli", "uncompressed", "v2"} {
		got, err := readAll(Input{Paths: []string{"testdata/" + name + ".parquet"}})
		if err != nil || !slices.Equal(got, duckText()) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	url, err := readAll(Input{Paths: []string{"testdata/zstd.parquet"}, Field: "url"})
	if err != nil || len(url) != 60 || url[59] != "http://example.org/2" {
		t.Errorf("another column: %q, %v", url, err)
	}
	lang, err := readAll(Input{Paths: []string{"testdata/zstd.parquet"}, Field: "meta.lang"})
	if err != nil || len(lang) != 60 || lang[0] != "en" {
		t.Errorf("a column inside another: %q, %v", lang, err)
	}
}

// writeParquet writes a column of text as Hugging Face's library does: small
// pages, many row groups, a dictionary where it pays.
func writeParquet(t testing.TB, docs []string, perGroup int, codec compress.Compression) []byte {
	t.Helper()
	column, err := schema.NewPrimitiveNodeLogical("text", parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{column}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithDataPageSize(4096))))
	for group := range slices.Chunk(docs, perGroup) {
		chunk, err := w.AppendRowGroup().NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		values, levels := make([]parquet.ByteArray, len(group)), make([]int16, len(group))
		for i, doc := range group {
			values[i], levels[i] = parquet.ByteArray(doc), 1
		}
		if _, err := chunk.(*file.ByteArrayColumnChunkWriter).WriteBatch(values, levels, nil); err != nil {
			t.Fatal(err)
		}
		if err := chunk.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Values that span batches, pages and row groups come in order.
func TestParquetManyPages(t *testing.T) {
	text, err := Austen()
	if err != nil {
		t.Fatal(err)
	}
	docs := Documents(text)[:120]
	for i := range 2000 {
		docs = append(docs, fmt.Sprintf("short %d", i%100))
	}
	for _, codec := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Zstd} {
		path := filepath.Join(t.TempDir(), "many.parquet")
		if err := os.WriteFile(path, writeParquet(t, docs, 700, codec), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(Input{Paths: []string{path}})
		if err != nil || !slices.Equal(got, docs) {
			t.Errorf("%v: %d documents, want %d (%v)", codec, len(got), len(docs), err)
		}
	}
}

func TestParquetErrors(t *testing.T) {
	good := read(t, "testdata/zstd.parquet")
	list := filepath.Join(t.TempDir(), "cut.parquet")
	if err := os.WriteFile(list, good[:len(good)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, field, says string }{
		{"testdata/zstd.parquet", "body", `zstd.parquet: no column "body": name the one that holds text, of [id text url meta.lang meta.score]`},
		{"testdata/zstd.parquet", "id", `column "id" is no text: it has the type INT64`},
		{"testdata/lz4_raw.parquet", "text", "compression for LZ4_RAW unimplemented"},
		{list, "text", "not a readable Parquet file"},
	} {
		_, err := readAll(Input{Paths: []string{c.path}, Field: c.field})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one with %q", c.path, err, c.says)
		}
	}
	broken := errors.New("disk full")
	err := readParquet(bytes.NewReader(good), "text", &gatherer{most: 100, visit: func(string) error { return broken }})
	if !errors.Is(err, broken) {
		t.Errorf("a visitor's error became %v", err)
	}
}

// Damaged files that once made Arrow's reader turn in circles or ask for
// gigabytes end in an error.
func TestParquetPages(t *testing.T) {
	for _, c := range []struct {
		levels []byte
		width  int
		values int
		enough bool
	}{
		{nil, 1, 0, true},
		{nil, 1, 1, false},
		{[]byte{2 << 1, 1}, 1, 2, true}, // two repeated
		{[]byte{2 << 1, 1}, 1, 3, false},
		{[]byte{1<<1 | 1, 0xff}, 1, 8, true}, // eight packed
		{[]byte{1<<1 | 1, 0xff}, 2, 8, false},
		{[]byte{2 << 1, 1, 1<<1 | 1, 0xff}, 1, 10, true},
		{[]byte{0, 1, 0, 1}, 1, 1, false},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1}, 1, 1, false},
	} {
		if got := enoughLevels(c.levels, c.width, c.values); got != c.enough {
			t.Errorf("%v of %d bits for %d values: %v", c.levels, c.width, c.values, got)
		}
	}
	for lengths, good := range map[string]bool{
		"\x80\x01\x04\x05\x00":                 true, // 128, 4, 5, 0
		"\x80\x01\x04\x06\x00":                 false,
		"\x80\x01\x04\x05":                     false,
		"\x80\x01\x00\x05\x00":                 false,
		"\xff\xff\xff\x7f\x01\x05\x00":         false,
		"\x80\x01\x04\xff\xff\xff\xff\x0f\x00": false,
	} {
		if err := checkEncoding(parquet.Encodings.DeltaLengthByteArray, []byte(lengths), 5); (err == nil) != good {
			t.Errorf("lengths %q: %v", lengths, err)
		}
	}
	if err := checkEncoding(parquet.Encodings.DeltaByteArray, nil, 1); err == nil || !strings.Contains(err.Error(), "DELTA_BYTE_ARRAY are not supported") {
		t.Errorf("shared prefixes: %v", err)
	}
}

// FuzzParquet: any content ends in an error or in documents, without a panic
// and in bounded memory.
func FuzzParquet(f *testing.F) {
	for _, name := range []string{"zstd", "snappy", "v2"} {
		good, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(good)
		for i := range good {
			if i%13 == 0 {
				bad := slices.Clone(good)
				bad[i] ^= 1 << (i % 8)
				f.Add(bad)
			}
		}
		for _, n := range []int{4, 100, len(good) / 2, len(good) - 5} {
			f.Add(good[:n])
		}
	}
	debug.SetMemoryLimit(1 << 30)
	f.Fuzz(func(t *testing.T, content []byte) {
		bytesRead := 0
		_ = readParquet(bytes.NewReader(content), "text", &gatherer{most: 1 << 20, visit: func(doc string) error {
			bytesRead += len(doc)
			return nil
		}})
		if bytesRead > 1<<30 {
			t.Errorf("%d bytes of text from %d bytes", bytesRead, len(content))
		}
	})
}
