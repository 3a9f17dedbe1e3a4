package evaluation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fsdfm/checkpoints"
	"fsdfm/eval"
)

// Write makes the folder dir, if need be, and writes report.html and
// report.json there.
func Write(dir string, r eval.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	var page strings.Builder
	if err := eval.WriteHTML(&page, r); err != nil {
		return err
	}
	if err := checkpoints.WriteFileAtomic(filepath.Join(dir, "report.html"), []byte(page.String())); err != nil {
		return err
	}
	return WriteJSON(filepath.Join(dir, "report.json"), r)
}

// WriteJSON writes the report to one file.
func WriteJSON(path string, r eval.Report) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return checkpoints.WriteFileAtomic(path, append(text, '\n'))
}

// Curves reads a run's metrics.jsonl; there are none without the file.
func Curves(path string) ([]eval.Curve, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the training curves: %w", err)
	}
	defer file.Close()
	return eval.ReadCurves(file)
}

// CommandLine is the command that runs, as one would type it.
func CommandLine() string {
	words := []string{filepath.Base(os.Args[0])}
	for _, w := range os.Args[1:] {
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$*?[]{}()<>|&;~#`!") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}
