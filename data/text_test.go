package data

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// documentsPlainly is readText's documentation as a program.
func documentsPlainly(text string) (docs []string) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	lines := strings.SplitAfter(text, "\n")
	begin := 0
	for i := 0; i <= len(lines); i++ {
		if i < len(lines) && strings.TrimRight(lines[i], "\r\n") != "\f" {
			continue
		}
		if doc := strings.Trim(strings.Join(lines[begin:i], ""), "\r\n"); strings.TrimSpace(doc) != "" {
			docs = append(docs, doc)
		}
		begin = i + 1
	}
	return docs
}

// FuzzDocuments: a stream gives the documents that its text has.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{"", "a\n\f\nb", "\ufeffx\r\n\f\r\ny\r\n", "\r\r\n\f", "\f\n\f", "a\fb\n \f\n", "\xff\r", "x\r\r\n\n"} {
		f.Add(s)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{65535, 65536, 65537, 131073} { // round the reader's buffer
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab\r"[rng.IntN(3)]
		}
		f.Add(string(b) + "\n\f\nz")
		f.Add(string(b[:n-1]) + "\r\n\f\r\nz")
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Documents(text), documentsPlainly(text); !slices.Equal(got, want) {
			t.Fatalf("%.200q: %.200q, want %.200q", text, got, want)
		}
	})
}

// A document that is too long for memory comes in pieces that end where
// paragraphs do; the next one is whole again.
func TestLongDocument(t *testing.T) {
	const most = 4096
	var long strings.Builder
	for long.Len() < 20*most {
		long.WriteString("One sentence of a paragraph. Another one.\n\n")
	}
	var docs []string
	g := &gatherer{most: most, visit: func(doc string) error {
		docs = append(docs, doc)
		return nil
	}}
	if err := readText(strings.NewReader(long.String()+"\f\nThe second."), g); err != nil {
		t.Fatal(err)
	}
	if cap(g.text) > 20*most {
		t.Errorf("room for %d bytes", cap(g.text))
	}
	last := docs[len(docs)-1]
	if last != "The second." {
		t.Errorf("ends with %q", last)
	}
	docs = docs[:len(docs)-1]
	if got := strings.Join(docs, "\n\n"); got != strings.TrimSpace(long.String()) {
		t.Error("text was lost")
	}
	for _, doc := range docs {
		if len(doc) > 2*most || !strings.HasSuffix(doc, ".") {
			t.Errorf("a piece of %d bytes ends with %q", len(doc), doc[len(doc)-5:])
		}
	}
}

func TestParagraphEnd(t *testing.T) {
	for text, want := range map[string]int{
		"abcdef\n\nhi jklmno":  8,
		"abcdefghi\njkl mnopq": 10,
		"abcdefg hijklmnopqr":  8,
		"abcdefghijkéééé":      11, // no character is cut: é begins at 11, 13
		"abcdefghijklmnop":     12,
	} {
		if got := paragraphEnd([]byte(text), 12); got != want {
			t.Errorf("%q ends at %d, want %d", text, got, want)
		}
	}
}

func zst(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestJSONLines(t *testing.T) {
	dir := t.TempDir()
	lines := `{"text":"one \"1\"\né","id":1}` + "\n\n" + `{"id":2,"text":null}` + "\r\n" + `{"text":" "}` + "\n" + ` {"text":"two","meta":{"text":"no"}}`
	want := []string{"one \"1\"\né", "two"}
	for _, name := range []string{"a.jsonl", "b.jsonl.gz", "c.ndjson", "d.json", "e.json.gz"} {
		got, err := readAll(Input{Paths: []string{write(t, dir, name, lines)}})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string][]string{"f.jsonl.zst": want, "f.txt.zst": {strings.TrimSpace(lines)}} {
		if name == "f.txt.zst" {
			want = []string{strings.ReplaceAll(lines, "\r\n", "\n")}
		}
		got, err := readAll(Input{Paths: []string{write(t, dir, name, zst(t, lines))}})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	big := strings.Repeat("wide ", 500_000) // wider than the reader's buffer
	got, err := readAll(Input{Paths: []string{write(t, dir, "big.jsonl", `{"body":"`+big+`"}`+"\n"+`{"body":"x"}`)}, Field: "body"})
	if err != nil || !slices.Equal(got, []string{big, "x"}) {
		t.Errorf("wide lines: %d documents, %v", len(got), err)
	}
}

func TestJSONLinesErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ text, says string }{
		{`{"text":"a"}` + "\n" + `{"body":"b","id":1}`, `x.jsonl: line 2: no field "text": name the one that holds text, of [body id]`},
		{`{"text":5}`, `line 1: field "text" is no text: "5"`},
		{`{"text":["a"]}`, `line 1: field "text" is no text`},
		{`["text"]`, `line 1: not a JSON object`},
		{`null`, `line 1: not a JSON object`},
		{"{\n" + `"text": "pretty"}`, `line 1: not a JSON object: "{"`},
		{`{"text":"a"} {"text":"b"}`, `line 1: not a JSON object`},
		{`{"text":""}`, "x.jsonl is empty"},
		{strings.Repeat("x", longestLine+2<<20), "line 1 is longer than 64 MB"},
	} {
		_, err := readAll(Input{Paths: []string{write(t, dir, "x.jsonl", c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.50s: error %v, want one with %q", c.text, err, c.says)
		}
	}
	cut := write(t, dir, "cut.jsonl.zst", zst(t, strings.Repeat(`{"text":"a b c"}`+"\n", 10000))[:50])
	if _, err := readAll(Input{Paths: []string{cut}}); err == nil || !strings.Contains(err.Error(), "cut.jsonl.zst: unexpected EOF") {
		t.Errorf("cut short: %v", err)
	}
}

// FuzzJSONLines: any bytes end in an error or in documents.
func FuzzJSONLines(f *testing.F) {
	for _, s := range []string{"", `{"text":"a"}`, `{"text":"\ud800"}`, "{}\n{}", strings.Repeat("[", 20000), "{\"text\":\"\xff\"}", `{"text":"a","text":"b"}`, "\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		size := 0
		_ = readLines(bytes.NewReader(content), "text", &gatherer{most: 1 << 20, visit: func(doc string) error {
			size += len(doc)
			return nil
		}})
		if size > 3*len(content) { // U+FFFD for a byte that is no text
			t.Errorf("%d bytes of text from %d", size, len(content))
		}
	})
}

// Standard input is read like a file, packed or not.
func TestStandardInput(t *testing.T) {
	parquetFile := string(read(t, "testdata/zstd.parquet"))
	packed := string(read(t, write(t, t.TempDir(), "x.gz", "one\n\f\ntwo")))
	for _, c := range []struct {
		format, text string
		want         []string
	}{
		{"", "one\n\f\ntwo", []string{"one", "two"}},
		{"txt", packed, []string{"one", "two"}},
		{"txt", zst(t, "one"), []string{"one"}},
		{"jsonl", `{"text":"one"}`, []string{"one"}},
		{"parquet", parquetFile, duckText()},
	} {
		got, err := readAll(Input{Paths: []string{"-"}, Stdin: strings.NewReader(c.text), Format: c.format})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", c.format, got, err)
		}
	}
	for says, in := range map[string]Input{
		"is not read here":                     {},
		`unknown format "pdf": must be one of`: {Stdin: strings.NewReader(""), Format: "pdf"},
		"standard input is empty":              {Stdin: strings.NewReader("")},
	} {
		in.Paths = []string{"-"}
		if _, err := readAll(in); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want one with %q", err, says)
		}
	}
}

func TestStandardInputLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	c, err := OpenCorpus(Input{Paths: []string{"-"}, Stdin: strings.NewReader("text")})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(fileNames(t, dir)); n != 1 {
		t.Errorf("%d files while it is open", n)
	}
	if err := c.Close(); err != nil || len(fileNames(t, dir)) != 0 {
		t.Errorf("left behind: %v (%v)", fileNames(t, dir), err)
	}
}

// Visits stop when they are told to, and progress ends at the corpus' size.
func TestCorpusEach(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt"} {
		write(t, dir, name, "1\n\f\n2\n\f\n3")
	}
	if err := os.WriteFile(filepath.Join(dir, "c.parquet"), read(t, "testdata/snappy.parquet"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := OpenCorpus(Input{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var places []place
	err = c.each(context.Background(), func(at place, _ string) error {
		places = append(places, at)
		if at.document == 1 {
			return errNextSource
		}
		return nil
	})
	if want := []place{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}}; err != nil || !slices.Equal(places, want) {
		t.Errorf("%v, %v", places, err)
	}
	if c.passed.Load() != c.Size() {
		t.Errorf("%d of %d bytes passed", c.passed.Load(), c.Size())
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = c.each(ctx, func(place, string) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
