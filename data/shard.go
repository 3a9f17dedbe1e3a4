package data

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/checkpoints"
)

// A dataset is one folder:
//
//	manifest.json      names every other file with size and SHA-256
//	tokenizer.json     see MarshalTokenizer
//	train-00000.arrow  the rows of the split `train`, up to 64 MiB of them
//	train-00001.arrow  ...
//
// An .arrow file is an uncompressed Arrow IPC file with one column, `tokens`:
// FixedSizeList<int32>[L], nullable but without nulls. Its metadata has one
// key, `fsdfm`: {"format","split","vocab","length"}.
const (
	manifestName  = "manifest.json"
	tokenizerName = "tokenizer.json"
	datasetFormat = "fsdfm-dataset-1"
	shardTokens   = 16 << 20 // in one file
)

// manifest is the content of manifest.json.
type manifest struct {
	Format    string                `json:"format"`
	Vocab     int                   `json:"vocab"`  // V
	Length    int                   `json:"length"` // L
	Tokenizer fileEntry             `json:"tokenizer"`
	Splits    map[string]splitEntry `json:"splits"`
}

// splitEntry lists the shards of one split in order.
type splitEntry struct {
	Rows  int         `json:"rows"`
	Files []fileEntry `json:"files"`
}

// layout is the schema of one split's shards.
func (m manifest) layout(split string) layout {
	about := fmt.Sprintf(`{"format":%q,"split":%q,"vocab":%d,"length":%d}`, m.Format, split, m.Vocab, m.Length)
	return layout{column: "tokens", width: m.Length, about: about}
}

func shardName(split string, index int) string { return fmt.Sprintf("%s-%05d.arrow", split, index) }

// WriteDataset writes the folder dir, which must not exist or be empty. All
// splits have rows of one length. The folder appears complete or not at all.
func WriteDataset(dir string, tok Tokenizer, splits map[string]*Rows) error {
	if err := writeDataset(filepath.Clean(dir), tok, splits, shardTokens); err != nil {
		return fmt.Errorf("write dataset %s: %w", dir, err)
	}
	return nil
}

func writeDataset(dir string, tok Tokenizer, splits map[string]*Rows, perFile int) error {
	length, err := checkSplits(tok, splits)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return errors.New("the folder exists and is not empty: remove it or choose another")
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	building, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building) // gone once renamed
	m := manifest{Format: datasetFormat, Vocab: tok.Vocab(), Length: length, Splits: map[string]splitEntry{}}
	if err := fill(building, m, tok, splits, perFile); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := errors.Join(os.Chmod(building, 0o755), os.Rename(building, dir)); err != nil {
		return err
	}
	return checkpoints.Disk{}.SyncDir(parent)
}

// checkSplits returns the length of all rows.
func checkSplits(tok Tokenizer, splits map[string]*Rows) (length int, err error) {
	if len(splits) == 0 {
		return 0, errors.New("no splits given")
	}
	for _, name := range slices.Sorted(maps.Keys(splits)) {
		rows := splits[name]
		if err := checkSplitName(name); err != nil {
			return 0, err
		}
		if length == 0 {
			length = rows.length
		}
		if rows.length != length {
			return 0, fmt.Errorf("split %s has rows of %d tokens, others of %d", name, rows.length, length)
		}
		if err := checkIDs(rows.ids, tok.Vocab()); err != nil {
			return 0, fmt.Errorf("split %s: %w", name, err)
		}
	}
	return length, nil
}

// checkSplitName keeps split names safe as parts of file names.
func checkSplitName(name string) error {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fmt.Errorf("split name %q: use lower-case letters, digits and _ only", name)
	}
	return nil
}

// fill writes every file of a dataset, the manifest last.
func fill(dir string, m manifest, tok Tokenizer, splits map[string]*Rows, perFile int) error {
	content, err := MarshalTokenizer(tok)
	if err != nil {
		return err
	}
	m.Tokenizer = entryOf(tokenizerName, 0, content)
	if err := checkpoints.WriteFileAtomic(filepath.Join(dir, tokenizerName), content); err != nil {
		return err
	}
	for name, rows := range splits {
		if m.Splits[name], err = writeSplit(dir, m.layout(name), name, rows, perFile); err != nil {
			return err
		}
	}
	if content, err = encodeJSON(m); err != nil {
		return err
	}
	return checkpoints.WriteFileAtomic(filepath.Join(dir, manifestName), content)
}

// writeSplit writes the shards of one split, about perFile tokens each.
func writeSplit(dir string, l layout, split string, rows *Rows, perFile int) (splitEntry, error) {
	entry := splitEntry{Rows: rows.Len()}
	for part := range slices.Chunk(rows.ids, max(1, perFile/l.width)*l.width) {
		content, err := l.encode(lists{flat: part})
		if err != nil {
			return entry, err
		}
		file := entryOf(shardName(split, len(entry.Files)), len(part)/l.width, content)
		if err := checkpoints.WriteFileAtomic(filepath.Join(dir, file.Name), content); err != nil {
			return entry, err
		}
		entry.Files = append(entry.Files, file)
	}
	return entry, nil
}
