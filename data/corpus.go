package data

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"fsdfm/data/tokenizer"
)

// austen is described in corpus/ORIGIN.md.
//
//go:embed corpus/austen.txt.gz
var austen []byte

// Corpus is text to learn from: documents in one order, that can be read again
// and again. It holds no text; files must not change while it is in use.
type Corpus struct {
	sources []source
	field   string       // of records
	passed  atomic.Int64 // bytes of the sources read so far
	remove  string       // a file to remove at the end
}

// source is one file or something like it.
type source struct {
	name   string
	size   int64 // bytes
	format format
	open   func() (input, error)
}

type input interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// Input says where text is.
type Input struct {
	Paths  []string  // files, folders, globs; "-" is Stdin
	Field  string    // of JSON lines or column of Parquet files that holds the text; "": text
	Stdin  io.Reader // nil: there is none
	Format string    // of Stdin: txt (default), jsonl or parquet
}

// OpenCorpus finds the files of in. Each is read once, however often it is
// named; folders are walked in sorted order. A file's name tells what it is:
//
//	.txt                    documents between form feeds on their own lines
//	.jsonl, .ndjson, .json  an object a line, each a document
//	.parquet                a row is a document
//
// All but Parquet can be compressed, as .gz or .zst; .gz alone is text. Close
// the corpus in the end.
func OpenCorpus(in Input) (*Corpus, error) {
	c, err := openCorpus(in)
	if err != nil {
		return nil, fmt.Errorf("read text: %w", err)
	}
	return c, nil
}

func openCorpus(in Input) (*Corpus, error) {
	if len(in.Paths) == 0 {
		return nil, errors.New("no files named")
	}
	c := &Corpus{field: in.Field}
	if c.field == "" {
		c.field = "text"
	}
	files, err := expand(in.Paths)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file == "-" {
			err = c.addStdin(in)
		} else {
			err = c.addFile(file)
		}
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

func (c *Corpus) addFile(path string) error {
	f, err := formatOf(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	open := func() (input, error) { return os.Open(path) }
	c.sources = append(c.sources, source{path, info.Size(), f, open})
	return nil
}

// addStdin keeps what standard input says in a temporary file, since it is read
// more than once.
func (c *Corpus) addStdin(in Input) error {
	const name = "standard input"
	if in.Stdin == nil {
		return errors.New("- is standard input, which is not read here: name files")
	}
	kind := in.Format
	if kind == "" {
		kind = "txt"
	}
	f, err := formatOf("." + kind)
	if err != nil {
		return fmt.Errorf("%s: unknown format %q: must be one of [txt jsonl parquet]", name, kind)
	}
	spool, err := os.CreateTemp("", "fsdfm-stdin-*")
	if err != nil {
		return err
	}
	c.remove = spool.Name()
	size, err := io.Copy(spool, in.Stdin)
	if err = errors.Join(err, spool.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	path := spool.Name()
	if f.compression, err = sniff(path); err != nil {
		return err
	}
	open := func() (input, error) { return os.Open(path) }
	c.sources = append(c.sources, source{name, size, f, open})
	return nil
}

// Close removes what the corpus has put on the disk.
func (c *Corpus) Close() error {
	if c.remove == "" {
		return nil
	}
	return os.Remove(c.remove)
}

// Size is the number of bytes that one pass reads, before they are unpacked.
func (c *Corpus) Size() int64 {
	size := int64(0)
	for _, s := range c.sources {
		size += s.size
	}
	return size
}

// place is where a document stands.
type place struct{ source, document int }

// errNextSource ends a visit of one source, not of the corpus.
var errNextSource = errors.New("enough of this file")

// each visits the documents in order, to the first error of visit or the end of
// ctx. A file without a document is an error too.
func (c *Corpus) each(ctx context.Context, visit func(at place, doc string) error) error {
	c.passed.Store(0)
	passed := int64(0)
	for i, s := range c.sources {
		found := 0
		visiting := false
		err := c.readSource(s, func(doc string) error {
			at := place{i, found}
			found++
			err := ctx.Err()
			if err == nil {
				err = visit(at, doc)
			}
			visiting = err != nil
			return err
		})
		switch {
		case errors.Is(err, errNextSource):
		case visiting:
			return err
		case err != nil:
			return fmt.Errorf("read text: %s: %w", s.name, err)
		case found == 0:
			return fmt.Errorf("read text: %s is empty: remove it from the list or put text in it", s.name)
		}
		passed += s.size
		c.passed.Store(passed)
	}
	return nil
}

// readSource visits the documents of one source.
func (c *Corpus) readSource(s source, visit func(doc string) error) (err error) {
	in, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	g := &gatherer{visit: visit, most: longestDocument}
	if s.format.columns {
		return readParquet(counter{in, &c.passed}, c.field, g)
	}
	stream, err := s.format.unpack(counter{in, &c.passed})
	if err != nil {
		return err
	}
	defer stream.Close()
	if s.format.records {
		return readLines(stream, c.field, g)
	}
	return readText(stream, g)
}

// counter counts the bytes that are read.
type counter struct {
	input
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.input.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c counter) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.input.ReadAt(p, at)
	c.n.Add(int64(n))
	return n, err
}

// Texts are the documents to make a vocabulary from.
func (c *Corpus) Texts(ctx context.Context) tokenizer.Texts {
	return iterate(func(visit func(string) error) error {
		return c.each(ctx, func(_ place, doc string) error { return visit(doc) })
	})
}

// iterate makes an iterator of a function that visits documents.
func iterate(each func(visit func(doc string) error) error) tokenizer.Texts {
	return func(yield func(string, error) bool) {
		enough := errors.New("enough")
		err := each(func(doc string) error {
			if !yield(doc, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield("", err)
		}
	}
}

// Novels is the embedded corpus: see Austen.
func Novels() *Corpus {
	open := func() (input, error) { return embedded{bytes.NewReader(austen)}, nil }
	text := format{compression: "gz"}
	return &Corpus{sources: []source{{"the embedded novels", int64(len(austen)), text, open}}}
}

type embedded struct{ *bytes.Reader }

func (embedded) Close() error { return nil }

// Austen returns Jane Austen's six novels: 269 chapters, each a document, in
// 4,010,048 ASCII characters. Take it apart with Documents.
func Austen() (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(austen))
	if err != nil {
		return "", fmt.Errorf("embedded corpus: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return "", fmt.Errorf("embedded corpus: %w", err)
	}
	return string(text), nil
}
