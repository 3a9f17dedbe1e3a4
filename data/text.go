package data

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// A document longer than longestDocument does not stand in memory as a whole:
// it becomes several of about longPiece bytes.
const (
	longestDocument = 32 << 20
	longPiece       = 512 << 10
)

// gatherer makes documents of the text that it is given. Blank lines at either
// end of a document go, and documents without text too.
type gatherer struct {
	visit func(doc string) error
	most  int // bytes of a document
	text  []byte
	long  bool // the document is taken in pieces
}

// add appends text to the document at hand.
func (g *gatherer) add(text []byte) error {
	g.text = append(g.text, text...)
	if len(g.text) <= g.most && !g.long {
		return nil
	}
	g.long = true
	for len(g.text) > 2*min(longPiece, g.most) {
		n := paragraphEnd(g.text, min(longPiece, g.most))
		if err := g.emit(g.text[:n]); err != nil {
			return err
		}
		g.text = append(g.text[:0], g.text[n:]...)
	}
	return nil
}

// end ends the document at hand.
func (g *gatherer) end() error {
	err := g.emit(g.text)
	g.text, g.long = g.text[:0], false
	return err
}

func (g *gatherer) emit(text []byte) error {
	text = bytes.Trim(text, "\r\n")
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return g.visit(string(text))
}

// paragraphEnd is the end of the last paragraph, line or word, whatever there
// is, in the second half of text[:most].
func paragraphEnd(text []byte, most int) int {
	half := text[most/2 : most]
	for _, sep := range []string{"\n\n", "\n", " "} {
		if i := bytes.LastIndex(half, []byte(sep)); i >= 0 {
			return most/2 + i + len(sep)
		}
	}
	for n := most; n > most-utf8.UTFMax && n > 1; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return most
}

// Documents takes text apart at form feeds that stand on their own line, as
// OpenCorpus does with files.
func Documents(text string) []string {
	var docs []string
	g := &gatherer{most: len(text), visit: func(doc string) error {
		docs = append(docs, doc)
		return nil
	}}
	_ = readText(strings.NewReader(text), g) // neither reader nor visitor fails
	return docs
}

// readText reads documents between form feeds on their own lines. A byte order
// mark is dropped and CRLF becomes LF.
func readText(stream io.Reader, g *gatherer) error {
	r := bufio.NewReaderSize(stream, 64<<10)
	if mark, _ := r.Peek(3); string(mark) == "\ufeff" {
		_, _ = r.Discard(len(mark)) // it has just been seen
	}
	begins, cr := true, false // at a line; a carriage return is held back
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if begins && string(bytes.TrimRight(line, "\r\n")) == "\f" {
			if err := g.end(); err != nil {
				return err
			}
			line = nil
		}
		if cr && string(line) != "\n" {
			if err := g.add([]byte{'\r'}); err != nil {
				return err
			}
		}
		whole := bytes.HasSuffix(line, []byte("\n"))
		begins = whole || len(line) == 0
		if cr = !whole && bytes.HasSuffix(line, []byte("\r")) && err == bufio.ErrBufferFull; cr {
			line = line[:len(line)-1]
		}
		if bytes.HasSuffix(line, []byte("\r\n")) {
			line = append(line[:len(line)-2], '\n')
		}
		if addErr := g.add(line); addErr != nil {
			return addErr
		}
		if err == io.EOF {
			return g.end()
		}
	}
}
