package checkpoints

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
)

// manifest lists the files of a save; it is written last.
type manifest struct {
	Format int            `json:"format"`
	Files  []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hex
}

// bytes is the one text that a manifest may have.
func (m manifest) bytes() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	return append(text, '\n'), err
}

func (w *Writer) writeManifest() error {
	m := manifest{Format: manifestFormat, Files: []manifestFile{}}
	for _, s := range w.files {
		m.Files = append(m.Files, s.entry())
	}
	text, err := m.bytes()
	if err != nil {
		return err
	}
	return w.writeBytes(manifestName, text)
}

// Verify checks that the save at path is whole: every file of its manifest has
// the size and the SHA-256 recorded there. Files not listed are ignored.
func Verify(path string) error {
	m, err := readManifest(path)
	if err != nil {
		return fmt.Errorf("verify %s: %w", path, err)
	}
	for _, check := range []func(string, manifestFile) error{checkSize, checkSum} { // the quick one first
		for _, f := range m.Files {
			if err := check(filepath.Join(path, f.Name), f); err != nil {
				return fmt.Errorf("verify %s: %s: %w; use another save", path, f.Name, err)
			}
		}
	}
	return nil
}

func readManifest(path string) (manifest, error) {
	var m manifest
	text, err := readText(filepath.Join(path, manifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fmt.Errorf("no %s: not a save, or an incomplete one", manifestName)
	case err != nil:
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w; use another save", manifestName, err)
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("%s has format %d, this version reads %d: use the version that wrote it", manifestName, m.Format, manifestFormat)
	}
	// The manifest has no sum of its own; having one valid text, it needs none
	// against damage in its keys and spaces.
	if canonical, err := m.bytes(); err != nil || !bytes.Equal(text, canonical) {
		return m, fmt.Errorf("%s is damaged: use another save", manifestName)
	}
	for _, f := range m.Files {
		if !plain(f.Name) {
			return m, fmt.Errorf("%s is damaged: it names the file %q; use another save", manifestName, f.Name)
		}
	}
	return m, nil
}

func checkSize(path string, want manifestFile) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() != want.Size {
		return fmt.Errorf("has %d bytes, expected %d", info.Size(), want.Size)
	}
	return nil
}

func checkSum(path string, want manifestFile) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if found := hex.EncodeToString(sum.Sum(nil)); found != want.SHA256 {
		return fmt.Errorf("has SHA-256 %s, expected %s", found, want.SHA256)
	}
	return nil
}
