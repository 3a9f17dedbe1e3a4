package data

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// format is how a file holds documents.
type format struct {
	records     bool   // a JSON object a line
	columns     bool   // Parquet
	compression string // gz, zst or ""
	rare        bool   // often no text: read if named, not if found in a folder
}

// formats are the endings of file names, without the compression's.
var formats = map[string]format{
	".txt":     {},
	"":         {rare: true}, // .gz alone
	".jsonl":   {records: true},
	".ndjson":  {records: true},
	".json":    {records: true, rare: true},
	".parquet": {columns: true},
}

// formatOf tells a file's format from its name.
func formatOf(path string) (format, error) {
	name := filepath.Base(path)
	compression := ""
	if ext := filepath.Ext(name); ext == ".gz" || ext == ".zst" {
		compression = ext[1:]
		name = strings.TrimSuffix(name, ext)
	}
	kind := filepath.Ext(name)
	f, ok := formats[kind]
	if !ok && compression != "" && kind != ".parquet" {
		f, ok = formats[""], true
	}
	if !ok || compression == "" && kind == "" || compression != "" && f.columns {
		return f, fmt.Errorf("%s: only .txt, .jsonl, .parquet and .txt or .jsonl with .gz or .zst are read: rename or convert it", path)
	}
	if compression != "" && kind == ".json" {
		f.rare = false
	}
	f.compression = compression
	return f, nil
}

// sniff tells from a file's first bytes how it is compressed.
func sniff(path string) (compression string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	first := make([]byte, 4)
	n, err := io.ReadFull(f, first)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	switch first = first[:n]; {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		return "gz", nil
	case bytes.Equal(first, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zst", nil
	}
	return "", nil
}

// unpack reads what a file holds.
func (f format) unpack(r io.Reader) (io.ReadCloser, error) {
	switch f.compression {
	case "gz":
		return gzip.NewReader(r)
	case "zst":
		const window = 128 << 20 // the most that zstd makes without --ultra
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
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
	if path == "-" {
		return []string{path}, nil
	}
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
		if err != nil || entry.IsDir() {
			return err
		}
		if f, err := formatOf(path); err == nil && !f.rare {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no .txt, .jsonl or .parquet file", dir)
	}
	slices.Sort(files)
	return files, nil
}
