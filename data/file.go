package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// fileEntry is what a manifest or a sidecar knows of one file.
type fileEntry struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows,omitempty"` // of an Arrow file
	Size   int64  `json:"size"`           // bytes
	SHA256 string `json:"sha256"`         // lower-case hex
}

// entryOf describes content under a name.
func entryOf(name string, rows int, content []byte) fileEntry {
	sum := sha256.Sum256(content)
	return fileEntry{Name: name, Rows: rows, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// checkSize fails unless the file is there with its size.
func (e fileEntry) checkSize(dir string) error {
	info, err := os.Stat(filepath.Join(dir, e.Name))
	if err != nil {
		return err
	}
	if info.Size() != e.Size || !info.Mode().IsRegular() {
		return fmt.Errorf("%s has %d bytes, %d were written: the file is damaged", filepath.Join(dir, e.Name), info.Size(), e.Size)
	}
	return nil
}

// read returns the file's content once size and SHA-256 agree.
func (e fileEntry) read(dir string) ([]byte, error) {
	if err := e.checkSize(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, e.Name)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if entryOf(e.Name, e.Rows, content) != e {
		return nil, fmt.Errorf("%s does not match its SHA-256: the file is damaged", path)
	}
	return content, nil
}

// mapped is read without a copy: the file's content as long as unmap is not
// called.
func (e fileEntry) mapped(dir string) (content []byte, unmap func(), err error) {
	if err := e.checkSize(dir); err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, e.Name)
	if content, unmap, err = mapFile(path, e.Size); err != nil {
		return nil, nil, err
	}
	if entryOf(e.Name, e.Rows, content) != e {
		unmap()
		return nil, nil, fmt.Errorf("%s does not match its SHA-256: the file is damaged", path)
	}
	return content, unmap, nil
}

// encodeJSON is the only form in which this package writes a manifest or a
// sidecar.
func encodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// decodeStrict parses one JSON value without unknown fields and with nothing
// behind it.
func decodeStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more text after the JSON object")
	}
	return nil
}

// decodeJSON is the inverse of encodeJSON and refuses every other form, so a
// changed byte cannot pass.
func decodeJSON[T any](b []byte) (T, error) {
	var v T
	if err := decodeStrict(b, &v); err != nil {
		return v, err
	}
	again, err := encodeJSON(v)
	if err != nil {
		return v, err
	}
	if !bytes.Equal(again, b) {
		return v, errors.New("not in the form it was written in: the file is damaged or was edited")
	}
	return v, nil
}
