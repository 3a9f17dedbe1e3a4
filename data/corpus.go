package data

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// austen is described in corpus/ORIGIN.md.
//
//go:embed corpus/austen.txt.gz
var austen []byte

// Austen returns Jane Austen's six novels: 269 chapters, each a document, in
// 4,010,048 ASCII characters. Take it apart with Documents.
func Austen() (string, error) {
	text, err := gunzip(bytes.NewReader(austen))
	if err != nil {
		return "", fmt.Errorf("embedded corpus: %w", err)
	}
	return string(text), nil
}

// Documents takes text apart at form feeds that stand on their own line. Blank
// lines at either end of a document go, and documents without text too.
func Documents(text string) []string {
	var docs []string
	add := func(doc string) {
		if doc = strings.Trim(doc, "\r\n"); strings.TrimSpace(doc) != "" {
			docs = append(docs, doc)
		}
	}
	start, end := 0, 0
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, "\r\n") == "\f" {
			add(text[start:end])
			start = end + len(line)
		}
		end += len(line)
	}
	add(text[start:])
	return docs
}

// ReadFiles returns the documents of text files (.txt, plain or gzipped as
// .txt.gz or .gz), of folders, which it walks for .txt and .txt.gz in sorted
// order, and of globs. A file named twice is read once. A byte order mark is
// dropped and CRLF becomes LF.
func ReadFiles(paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, errors.New("read text: no files named")
	}
	files, err := expand(paths)
	if err != nil {
		return nil, fmt.Errorf("read text: %w", err)
	}
	var docs []string
	for _, file := range files {
		text, err := readText(file)
		if err != nil {
			return nil, fmt.Errorf("read text: %w", err)
		}
		found := Documents(text)
		if len(found) == 0 {
			return nil, fmt.Errorf("read text: %s is empty: remove it from the list or put text in it", file)
		}
		docs = append(docs, found...)
	}
	return docs, nil
}

// expand resolves globs and folders to files, each once.
func expand(paths []string) ([]string, error) {
	var files []string
	seen := map[string]bool{}
	for _, path := range paths {
		found, err := matches(path)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if file = filepath.Clean(file); !seen[file] {
				seen[file] = true
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// matches lists the files that one path stands for, never none.
func matches(path string) ([]string, error) {
	found := []string{path}
	if _, err := os.Stat(path); err != nil && strings.ContainsAny(path, "*?[") {
		if found, err = filepath.Glob(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s matches no file", path)
		}
	}
	var files []string
	for _, f := range found {
		info, err := os.Stat(f)
		if err != nil {
			return nil, err
		}
		inner := []string{f}
		if info.IsDir() {
			if inner, err = walk(f); err != nil {
				return nil, err
			}
		}
		files = append(files, inner...)
	}
	return files, nil
}

// walk lists the text files under a folder in sorted order.
func walk(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(path, ".txt") || strings.HasSuffix(path, ".txt.gz")) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no .txt or .txt.gz file", dir)
	}
	slices.Sort(files)
	return files, nil
}

// readText reads one text file.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var text []byte
	switch filepath.Ext(path) {
	case ".txt":
		text, err = io.ReadAll(f)
	case ".gz":
		text, err = gunzip(f)
	default:
		return "", fmt.Errorf("%s: only .txt, .txt.gz and .gz are text here: rename or convert it", path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	clean := strings.TrimPrefix(string(text), "\ufeff")
	return strings.ReplaceAll(clean, "\r\n", "\n"), nil
}

// gunzip unpacks r to its end.
func gunzip(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
