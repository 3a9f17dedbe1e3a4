package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"fsdfm/checkpoints"
	"fsdfm/data/tokenizer"
)

// datasetWriter fills a folder beside the one it makes, and renames it in the
// end. Tokens come in any portions; about a record batch a split is in memory.
type datasetWriter struct {
	dir, building string
	manifest      manifest
	perFile       int // tokens
	splits        map[string]*splitWriter
}

func newDatasetWriter(dir string, tok tokenizer.Tokenizer, length, perFile int) (*datasetWriter, error) {
	dir = filepath.Clean(dir)
	w := &datasetWriter{dir: dir, perFile: perFile, splits: map[string]*splitWriter{}}
	w.manifest = manifest{Format: datasetFormat, Vocab: tok.Vocab(), Length: length, Splits: map[string]splitEntry{}}
	if err := w.begin(tok); err != nil {
		w.abandon()
		return nil, fmt.Errorf("write dataset %s: %w", dir, err)
	}
	return w, nil
}

// begin makes the folder and writes the tokenizer.
func (w *datasetWriter) begin(tok tokenizer.Tokenizer) error {
	if entries, err := os.ReadDir(w.dir); err == nil && len(entries) > 0 {
		return errors.New("the folder exists and is not empty: remove it or choose another")
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(w.dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	var err error
	if w.building, err = os.MkdirTemp(parent, ".tmp-"+filepath.Base(w.dir)+"-*"); err != nil {
		return err
	}
	content, err := tokenizer.Marshal(tok)
	if err != nil {
		return err
	}
	w.manifest.Tokenizer = entryOf(tokenizerName, 0, content)
	return checkpoints.WriteFileAtomic(filepath.Join(w.building, tokenizerName), content)
}

// abandon removes what was written.
func (w *datasetWriter) abandon() {
	for _, s := range w.splits {
		s.abandon()
	}
	if w.building != "" {
		os.RemoveAll(w.building)
	}
}

// split is the writer of one split, made when it is first asked for.
func (w *datasetWriter) split(name string) *splitWriter {
	s, ok := w.splits[name]
	if !ok {
		l := w.manifest.layout(name)
		s = &splitWriter{dir: w.building, name: name, layout: l, schema: l.schema(), perFile: max(1, w.perFile/l.width)}
		w.splits[name] = s
	}
	return s
}

// finish ends the splits and writes the manifest.
func (w *datasetWriter) finish() error {
	for _, name := range slices.Sorted(maps.Keys(w.splits)) {
		entry, err := w.splits[name].finish()
		if err != nil {
			return err
		}
		w.manifest.Splits[name] = entry
	}
	content, err := encodeJSON(w.manifest)
	if err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(filepath.Join(w.building, manifestName), content)
}

// commit gives the folder its name.
func (w *datasetWriter) commit() error {
	defer os.RemoveAll(w.building) // gone once renamed
	if err := os.Remove(w.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := errors.Join(os.Chmod(w.building, 0o755), os.Rename(w.building, w.dir)); err != nil {
		return err
	}
	return checkpoints.Disk{}.SyncDir(filepath.Dir(w.dir))
}

// splitWriter cuts tokens in rows and writes the shards of one split.
type splitWriter struct {
	dir, name string
	layout    layout
	schema    *arrow.Schema
	perFile   int     // rows
	pending   []int32 // tokens not written yet, less than a record batch
	shard     *shardWriter
	entry     splitEntry
	tokens    int64 // all
}

// append adds tokens.
func (s *splitWriter) append(ids []int32) error {
	s.tokens += int64(len(ids))
	for len(ids) > 0 {
		room := s.room()*s.layout.width - len(s.pending)
		n := min(room, len(ids))
		s.pending = append(s.pending, ids[:n]...)
		if ids = ids[n:]; n == room {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// room is the number of rows that the next record batch holds.
func (s *splitWriter) room() int {
	left := s.perFile
	if s.shard != nil {
		left -= s.shard.rows
	}
	return min(s.layout.batch(), left)
}

// flush writes the whole rows that are pending as a record batch.
func (s *splitWriter) flush() (err error) {
	rows := len(s.pending) / s.layout.width
	if rows == 0 {
		return nil
	}
	if s.shard == nil {
		name := shardName(s.name, len(s.entry.Files))
		if s.shard, err = newShardWriter(filepath.Join(s.dir, name), s.schema); err != nil {
			return err
		}
	}
	rec := s.layout.record(s.schema, lists{flat: s.pending}, 0, rows)
	defer rec.Release()
	if err := s.shard.write(rec, rows); err != nil {
		return err
	}
	s.pending = append(s.pending[:0], s.pending[rows*s.layout.width:]...)
	if s.shard.rows == s.perFile {
		return s.endShard()
	}
	return nil
}

// endShard closes the shard at hand.
func (s *splitWriter) endShard() error {
	entry, err := s.shard.finish()
	if err != nil {
		return err
	}
	s.shard = nil
	s.entry.Files = append(s.entry.Files, entry)
	s.entry.Rows += entry.Rows
	return nil
}

// finish writes the last whole row and drops what is left over. Less than one
// row of tokens is an error.
func (s *splitWriter) finish() (splitEntry, error) {
	if err := s.flush(); err != nil {
		return s.entry, err
	}
	if s.shard != nil {
		if err := s.endShard(); err != nil {
			return s.entry, err
		}
	}
	if s.entry.Rows == 0 {
		return s.entry, fmt.Errorf("split %s has %d tokens, less than one row of %d: add text or choose a smaller length", s.name, s.tokens, s.layout.width)
	}
	return s.entry, nil
}

func (s *splitWriter) abandon() {
	if s.shard != nil {
		s.shard.file.Close()
	}
}

// shardWriter writes one Arrow file and sums it up as it goes.
type shardWriter struct {
	file *os.File
	sum  hash.Hash
	at   *appender
	ipc  *ipc.FileWriter
	rows int
}

func newShardWriter(path string, schema *arrow.Schema) (*shardWriter, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &shardWriter{file: f, sum: sha256.New()}
	w.at = &appender{Writer: io.MultiWriter(f, w.sum)}
	if w.ipc, err = ipc.NewFileWriter(w.at, ipc.WithSchema(schema)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

func (w *shardWriter) write(rec arrow.Record, rows int) error {
	w.rows += rows
	return w.ipc.Write(rec)
}

// finish makes sure that the file is on the disk.
func (w *shardWriter) finish() (fileEntry, error) {
	err := errors.Join(w.ipc.Close(), w.file.Sync(), w.file.Close())
	sum := hex.EncodeToString(w.sum.Sum(nil))
	return fileEntry{Name: filepath.Base(w.file.Name()), Rows: w.rows, Size: w.at.at, SHA256: sum}, err
}
