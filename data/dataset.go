package data

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fsdfm/data/tokenizer"
)

// Dataset is an opened folder of token shards; see WriteDataset. Not for
// concurrent use.
type Dataset struct {
	dir       string
	manifest  manifest
	tokenizer tokenizer.Tokenizer
	opened    map[string]*Rows
}

// OpenDataset checks the manifest, the tokenizer and the size of every shard.
// Split checks the shards' content.
func OpenDataset(dir string) (*Dataset, error) {
	d, err := openDataset(dir)
	if err != nil {
		return nil, fmt.Errorf("open dataset %s: %w", dir, err)
	}
	return d, nil
}

func openDataset(dir string) (*Dataset, error) {
	content, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no %s there: is it a folder that fsdfm-data made?", manifestName)
	} else if err != nil {
		return nil, err
	}
	d := &Dataset{dir: dir, opened: map[string]*Rows{}}
	if d.manifest, err = parseManifest(content); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if content, err = d.manifest.Tokenizer.read(dir); err != nil {
		return nil, err
	}
	if d.tokenizer, err = tokenizer.Parse(content); err != nil {
		return nil, err
	}
	if v := d.tokenizer.Vocab(); v != d.manifest.Vocab {
		return nil, fmt.Errorf("%s: vocab is %d, the tokenizer's is %d", manifestName, d.manifest.Vocab, v)
	}
	for _, name := range d.Splits() {
		for _, file := range d.manifest.Splits[name].Files {
			if err := file.checkSize(dir); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// parseManifest decodes and checks manifest.json by itself.
func parseManifest(content []byte) (manifest, error) {
	m, err := decodeJSON[manifest](content)
	switch {
	case err != nil:
		return m, err
	case m.Format != datasetFormat:
		return m, fmt.Errorf("format is %q, this program reads %q", m.Format, datasetFormat)
	case m.Length < 1 || m.Vocab < 1 || len(m.Splits) == 0:
		return m, errors.New("length, vocab or splits missing")
	case m.Tokenizer.Name != tokenizerName:
		return m, fmt.Errorf("tokenizer is %q, expected %s", m.Tokenizer.Name, tokenizerName)
	}
	for name, split := range m.Splits {
		if err := split.check(name, m.Length); err != nil {
			return m, err
		}
	}
	return m, nil
}

// check fails unless names and numbers of a split agree with each other, so
// that memory asked for later is no more than the files' sizes.
func (s splitEntry) check(name string, length int) error {
	if err := checkSplitName(name); err != nil {
		return err
	}
	rows := 0
	for i, file := range s.Files {
		if want := shardName(name, i); file.Name != want {
			return fmt.Errorf("split %s: file %d is %q, expected %s", name, i, file.Name, want)
		}
		if file.Rows < 1 || int64(file.Rows) > file.Size/4/int64(length) {
			return fmt.Errorf("%s: %d rows of %d tokens do not fit in %d bytes", file.Name, file.Rows, length, file.Size)
		}
		rows += file.Rows
	}
	if rows != s.Rows || rows < 1 {
		return fmt.Errorf("split %s has %d rows, its files have %d", name, s.Rows, rows)
	}
	return nil
}

// Tokenizer is the one the rows were made with.
func (d *Dataset) Tokenizer() tokenizer.Tokenizer { return d.tokenizer }

// Vocab is V, the tokenizer's vocabulary.
func (d *Dataset) Vocab() int { return d.manifest.Vocab }

// Length is L, the tokens of a row.
func (d *Dataset) Length() int { return d.manifest.Length }

// Splits lists the names of the splits in sorted order.
func (d *Dataset) Splits() []string { return slices.Sorted(maps.Keys(d.manifest.Splits)) }

// Split opens the rows of one split; they stay mapped as long as the program
// runs. Size and SHA-256 of each shard and every id in it are checked first,
// which takes about a second a gigabyte.
func (d *Dataset) Split(name string) (*Rows, error) {
	if rows, ok := d.opened[name]; ok {
		return rows, nil
	}
	split, ok := d.manifest.Splits[name]
	if !ok {
		return nil, fmt.Errorf("dataset %s has no split %q: it has [%s]", d.dir, name, strings.Join(d.Splits(), " "))
	}
	rows := &Rows{length: d.Length()}
	for _, file := range split.Files {
		if err := d.addShard(rows, file, name); err != nil {
			return nil, fmt.Errorf("read split %s of dataset %s: %w", name, d.dir, err)
		}
	}
	d.opened[name] = rows
	return rows, nil
}

// addShard maps one file and appends its rows.
func (d *Dataset) addShard(rows *Rows, file fileEntry, split string) error {
	content, unmap, err := file.mapped(d.dir)
	if err != nil {
		return err
	}
	segments, err := d.manifest.layout(split).locate(content, file.Rows)
	if err != nil {
		unmap()
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	for _, ids := range segments {
		if err := checkIDs(ids, d.Vocab()); err != nil {
			unmap()
			return fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	for _, ids := range segments {
		rows.add(ids)
	}
	return nil
}
