package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fsdfm/data/tokenizer"
)

func TestAusten(t *testing.T) {
	text, err := Austen()
	if err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(text); n != 4_010_048 {
		t.Errorf("%d characters", n)
	}
	docs := Documents(text)
	if len(docs) != 269 {
		t.Errorf("%d documents", len(docs))
	}
	if !strings.HasPrefix(docs[0], "Emma Woodhouse, handsome") {
		t.Errorf("starts with %.40q", docs[0])
	}
	tok, err := tokenizer.NewChars(text)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != 77 { // 76 characters and end of text
		t.Errorf("vocabulary of %d", tok.Vocab())
	}
}

func TestDocuments(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"\n \n\f\n\n", nil},
		{"one", []string{"one"}},
		{"one\n\n\f\ntwo\n", []string{"one", "two"}},
		{"\f\none\n\f\n\f\n\n\ntwo\n\f", []string{"one", "two"}},
		{"one\r\n\f\r\ntwo", []string{"one", "two"}},
		{"a\fb\n c \f\n", []string{"a\fb\n c \f"}}, // not on its own line
		{"  a\n\n b ", []string{"  a\n\n b "}},
	} {
		if got := Documents(c.text); !slices.Equal(got, c.want) {
			t.Errorf("Documents(%q) = %q, want %q", c.text, got, c.want)
		}
	}
	docs := []string{"a\nb", "c"}
	if got := Documents(strings.Join(docs, tokenizer.DocumentBreak)); !slices.Equal(got, docs) {
		t.Errorf("joined by DocumentBreak: %q", got)
	}
}

// write puts a file under dir, gzipped if its name says so.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	content := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(content)
		z.Close()
		content = b.Bytes()
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// readAll is the documents of files.
func readAll(in Input) ([]string, error) {
	c, err := OpenCorpus(in)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var docs []string
	err = c.each(context.Background(), func(at place, doc string) error {
		docs = append(docs, doc)
		return nil
	})
	return docs, err
}

func TestOpenCorpus(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.txt", "\ufeffA one\r\n\f\r\nA two\r\n")
	write(t, dir, "sub/b.txt.gz", "B")
	write(t, dir, "sub/c.txt", "C")
	write(t, dir, "sub/notes.md", "no text file")
	odd := write(t, dir, "odd[1].txt", "O")
	for _, c := range []struct {
		paths []string
		want  []string
	}{
		{[]string{a}, []string{"A one", "A two"}},
		{[]string{filepath.Join(dir, "sub"), a, a}, []string{"B", "C", "A one", "A two"}},
		{[]string{dir}, []string{"A one", "A two", "O", "B", "C"}},
		{[]string{filepath.Join(dir, "*")}, []string{"A one", "A two", "O", "B", "C"}},
		{[]string{filepath.Join(dir, "sub", "*.gz")}, []string{"B"}},
		{[]string{odd}, []string{"O"}},
	} {
		got, err := readAll(Input{Paths: c.paths})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q = %q, %v; want %q", c.paths, got, err, c.want)
		}
	}
}

func TestOpenCorpusErrors(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, dir, "empty.txt", " \n\f\n")
	md := write(t, dir, "a.md", "text")
	cut := write(t, dir, "cut.txt.gz", "some text")
	if err := os.Truncate(cut, 20); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths []string
		says  string
	}{
		{nil, "no files named"},
		{[]string{filepath.Join(dir, "absent.txt")}, "absent.txt: no such file"},
		{[]string{empty}, "empty.txt is empty"},
		{[]string{md}, "a.md: only .txt, .jsonl, .parquet"},
		{[]string{cut}, "cut.txt.gz: unexpected EOF"},
		{[]string{folder}, "has no .txt, .jsonl or .parquet file"},
		{[]string{filepath.Join(dir, "x*.txt")}, "matches no file"},
		{[]string{filepath.Join(dir, "[a.txt")}, "syntax error in pattern"},
	} {
		_, err := readAll(Input{Paths: c.paths})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v, want one with %q", c.paths, err, c.says)
		}
	}
}
