package data

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fsdfm/data/tokenizer"
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
func WriteDataset(dir string, tok tokenizer.Tokenizer, splits map[string]*Rows) error {
	return writeDataset(dir, tok, splits, shardTokens)
}

func writeDataset(dir string, tok tokenizer.Tokenizer, splits map[string]*Rows, perFile int) error {
	length, err := checkSplits(tok, splits)
	if err != nil {
		return fmt.Errorf("write dataset %s: %w", dir, err)
	}
	w, err := newDatasetWriter(dir, tok, length, perFile)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(splits)) {
		if err := splits[name].each(w.split(name).append); err != nil {
			w.abandon()
			return fmt.Errorf("write dataset %s: %w", dir, err)
		}
	}
	if err := w.finish(); err != nil {
		w.abandon()
		return fmt.Errorf("write dataset %s: %w", dir, err)
	}
	return w.commit()
}

// checkSplits returns the length of all rows.
func checkSplits(tok tokenizer.Tokenizer, splits map[string]*Rows) (length int, err error) {
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
		if err := rows.each(func(ids []int32) error { return checkIDs(ids, tok.Vocab()) }); err != nil {
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
