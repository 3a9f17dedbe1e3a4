// Package checkpoints keeps what a run must not lose: training saves that are
// whole or absent, the newest good one found again, old ones rotated out, and
// finished models exported as a folder of safetensors and JSON.
package checkpoints

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strings"
)

// Save writes the folder dir/name from the files that write creates, and
// returns its path. It appears at once and only when every byte, the sums in
// its manifest.json and its name are on disk; it replaces an earlier save of
// the same name. After an error or a panic in write, earlier saves are as they
// were.
func Save(dir, name string, write func(*Writer) error) (path string, err error) {
	return SaveOn(Disk{}, dir, name, write)
}

// SaveOn is Save on another file system.
func SaveOn(disk FS, dir, name string, write func(*Writer) error) (path string, err error) {
	err = writeFolder(disk, dir, name, func(w *Writer) error {
		if err := write(w); err != nil {
			return err
		}
		return w.writeManifest()
	})
	if err != nil {
		return "", advise(fmt.Errorf("save %s: %w", filepath.Join(dir, name), err))
	}
	return filepath.Join(dir, name), nil
}

// writeFolder fills a temporary folder, makes it durable and moves it to
// dir/name; on failure nothing of it remains.
func writeFolder(disk FS, dir, name string, fill func(*Writer) error) (err error) {
	if !plain(name) {
		return fmt.Errorf("%q cannot name a folder: use a name without separators that does not begin with a dot", name)
	}
	tmp := temporary(dir, name)
	w := &Writer{disk: disk, dir: tmp}
	done := false
	defer func() { // also when fill panics
		if !done {
			err = errors.Join(err, w.abandon())
		}
	}()
	if err := makeFolder(disk, dir); err != nil {
		return err
	}
	if err := disk.MkdirAll(tmp); err != nil {
		return err
	}
	if err := fill(w); err != nil {
		return err
	}
	if err := w.finish(); err != nil {
		return err
	}
	if err := place(disk, tmp, dir, name); err != nil {
		return err
	}
	done = true
	return nil
}

// plain reports whether name is one visible path element.
func plain(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, `/\`)
}

// Writer creates the files of one folder. It is not safe for concurrent use.
type Writer struct {
	disk  FS
	dir   string
	files []*summed
}

// Create opens a new file of the folder; manifest.json is taken. What is
// written is counted and summed (SHA-256), and flushed to disk by Close, which
// must be called before the callback returns.
func (w *Writer) Create(name string) (io.WriteCloser, error) {
	if !plain(name) {
		return nil, fmt.Errorf("%q cannot name a file: use a name without separators that does not begin with a dot", name)
	}
	file, err := w.disk.Create(filepath.Join(w.dir, name))
	if err != nil {
		return nil, err
	}
	s := &summed{name: name, file: file, sum: sha256.New()}
	w.files = append(w.files, s)
	return s, nil
}

// writeBytes creates a file that holds data.
func (w *Writer) writeBytes(name string, data []byte) error {
	return w.writeTo(name, func(file io.Writer) error {
		_, err := file.Write(data)
		return err
	})
}

// writeTo creates a file with what fill writes.
func (w *Writer) writeTo(name string, fill func(io.Writer) error) error {
	file, err := w.Create(name)
	if err != nil {
		return err
	}
	if err := fill(file); err != nil {
		return fmt.Errorf("%s: %w", name, errors.Join(err, file.Close()))
	}
	return file.Close()
}

// finish requires every file whole and makes the folder durable.
func (w *Writer) finish() error {
	for _, s := range w.files {
		if !s.closed {
			return fmt.Errorf("%s was left open: close every file of a save", s.name)
		}
		if s.err != nil {
			return fmt.Errorf("%s: %w", s.name, s.err)
		}
	}
	return w.disk.SyncDir(w.dir)
}

// abandon closes what is open and removes the folder.
func (w *Writer) abandon() error {
	for _, s := range w.files {
		if !s.closed {
			s.file.Close() // the file is about to go
		}
	}
	return w.disk.RemoveAll(w.dir)
}

// summed is a file that counts and sums what is written, and remembers its
// first error, so that a write nobody checked still fails the save.
type summed struct {
	name   string
	file   File
	sum    hash.Hash
	size   int64
	err    error
	closed bool
}

func (s *summed) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.file.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.sum.Write(p[:n])
	s.size += int64(n)
	s.err = err
	return n, err
}

// Close flushes the file to disk.
func (s *summed) Close() error {
	if s.closed {
		return s.err
	}
	s.closed = true
	if s.err == nil {
		s.err = s.file.Sync()
	}
	if err := s.file.Close(); s.err == nil {
		s.err = err
	}
	return s.err
}

func (s *summed) entry() manifestFile {
	return manifestFile{Name: s.name, Size: s.size, SHA256: hex.EncodeToString(s.sum.Sum(nil))}
}
