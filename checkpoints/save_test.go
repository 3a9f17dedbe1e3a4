package checkpoints

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// files is a callback for Save that writes text into two files.
func files(text string) func(*Writer) error {
	return func(w *Writer) error {
		for _, name := range []string{"a.txt", "b.txt"} {
			if err := w.writeBytes(name, []byte(text+name)); err != nil {
				return err
			}
		}
		return nil
	}
}

func mustSave(t *testing.T, dir, name, text string) string {
	t.Helper()
	path, err := SaveOn(sound(), dir, name, files(text))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// holds fails unless the save at path is whole and holds text.
func holds(t *testing.T, path, text string) {
	t.Helper()
	if err := Verify(path); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(path, "b.txt")); string(data) != text+"b.txt" {
		t.Errorf("%s holds %q, %v; expected %q", path, data, err, text)
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "one")
	path, err := Save(dir, "step-1", files("one"))
	if path != filepath.Join(dir, "step-1") || err != nil {
		t.Errorf("path %s, error %v", path, err)
	}
	holds(t, path, "one")
	noLeftovers(t, dir)
}

func TestSaveReplacesSameName(t *testing.T) {
	dir := t.TempDir()
	mustSave(t, dir, "step-1", "one")
	holds(t, mustSave(t, dir, "step-1", "two"), "two")
	noLeftovers(t, dir)
}

// Whatever operation fails, and also if the process dies there, the earlier
// saves stay whole, and the new one is whole or absent.
func TestSaveSurvivesEveryFault(t *testing.T) {
	for _, name := range []string{"step-2", "step-1"} { // a new save; a replacement
		eachFault(t, func(t *testing.T, disk *faulty) {
			dir := t.TempDir()
			mustSave(t, dir, "step-0", "zero")
			mustSave(t, dir, "step-1", "one")
			path, err := SaveOn(disk, dir, name, files("new"))
			if faulted := disk.count > disk.failAt; faulted != (err != nil) || faulted != (path == "") {
				t.Errorf("path %q and error %v, with a fault: %t", path, err, faulted)
			}
			if err != nil && disk.err == syscall.ENOSPC && !strings.Contains(err.Error(), "free space") {
				t.Errorf("error %q does not say what to do", err)
			}
			if !disk.dead && name == "step-2" && disk.err == syscall.ENOSPC {
				noLeftovers(t, dir)
			}
			if err := CleanTemporary(dir); err != nil {
				t.Error(err)
			}
			noLeftovers(t, dir)
			holds(t, filepath.Join(dir, "step-0"), "zero")
			latest, skipped, latestErr := Latest(dir)
			if latestErr != nil || skipped != nil {
				t.Fatal(latestErr, skipped)
			}
			data, _ := os.ReadFile(filepath.Join(latest, "a.txt"))
			if text := string(data); text != "newa.txt" && (err == nil || text != "onea.txt") {
				t.Errorf("the latest save holds %q after %v", text, err)
			}
			if name == "step-2" {
				holds(t, filepath.Join(dir, "step-1"), "one")
			}
		})
	}
}

func TestSaveInterrupted(t *testing.T) {
	stop := errors.New("interrupted")
	half := func(w *Writer) { // leaves a file open
		file, err := w.Create("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(file, "half")
	}
	for name, c := range map[string]struct {
		write func(*Writer) error
		want  string
	}{
		"error":      {func(w *Writer) error { half(w); return stop }, "interrupted"},
		"panic":      {func(w *Writer) error { half(w); panic(stop) }, ""},
		"left open":  {func(w *Writer) error { half(w); return nil }, "a.txt was left open"},
		"twice":      {func(w *Writer) error { half(w); _, err := w.Create("a.txt"); return err }, "exists"},
		"separator":  {func(w *Writer) error { _, err := w.Create("../a"); return err }, "without separators"},
		"the sums":   {func(w *Writer) error { return w.writeBytes("manifest.json", nil) }, "exists"},
		"late write": {func(w *Writer) error { return writeLate(w) }, "a.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustSave(t, dir, "step-1", "one")
			func() {
				defer func() {
					if r := recover(); (r != nil) != (name == "panic") {
						t.Errorf("recovered %v", r)
					}
				}()
				if _, err := SaveOn(sound(), dir, "step-2", c.write); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, expected %q", err, c.want)
				}
			}()
			noLeftovers(t, dir)
			if latest, skipped, err := Latest(dir); filepath.Base(latest) != "step-1" || skipped != nil || err != nil {
				t.Errorf("latest %s, skipped %v, error %v", latest, skipped, err)
			}
		})
	}
}

// writeLate ignores the error of a write after Close.
func writeLate(w *Writer) error {
	file, err := w.Create("a.txt")
	if err != nil {
		return err
	}
	file.Close()
	io.WriteString(file, "late")
	return nil
}

func TestSaveRefusesNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", ".tmp-x", "a/b", `a\b`} {
		if path, err := Save(t.TempDir(), name, files("x")); err == nil {
			t.Errorf("%q became %s", name, path)
		}
	}
}

// Flipping any bit of any file, the manifest too, is noticed.
func TestVerifyCatchesBitFlips(t *testing.T) {
	dir := t.TempDir()
	save := mustSave(t, dir, "step-1", "one")
	for _, name := range []string{"a.txt", "b.txt", manifestName} {
		path := filepath.Join(save, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(data) {
			data[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := Verify(save); err == nil {
				t.Errorf("bit %d of %s can flip unnoticed", bit, name)
			} else if !strings.Contains(err.Error(), save) {
				t.Errorf("error %q does not name the save", err)
			}
			data[bit/8] ^= 1 << (bit % 8)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, save, "one")
}

func TestVerifyNamesTheProblem(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(save string) error
		want   string
	}{
		"truncated":   {func(s string) error { return os.Truncate(filepath.Join(s, "a.txt"), 3) }, "a.txt: has 3 bytes, expected 8"},
		"missing":     {func(s string) error { return os.Remove(filepath.Join(s, "b.txt")) }, "b.txt"},
		"no manifest": {func(s string) error { return os.Remove(filepath.Join(s, manifestName)) }, "incomplete"},
		"newer": {func(s string) error {
			return os.WriteFile(filepath.Join(s, manifestName), []byte(`{"format": 2}`), 0o644)
		}, "format 2, this version reads 1"},
		"outside": {func(s string) error {
			m := manifest{Format: manifestFormat, Files: []manifestFile{{Name: "../a"}}}
			text, err := m.bytes()
			return errors.Join(err, os.WriteFile(filepath.Join(s, manifestName), text, 0o644))
		}, `names the file "../a"`},
		"gone": {os.RemoveAll, "no manifest.json"},
	} {
		t.Run(name, func(t *testing.T) {
			save := mustSave(t, t.TempDir(), "step-1", "one")
			if err := c.damage(save); err != nil {
				t.Fatal(err)
			}
			if err := Verify(save); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, expected %q", err, c.want)
			}
		})
	}
}

func TestVerifyIgnoresNotes(t *testing.T) {
	save := mustSave(t, t.TempDir(), "step-1", "one")
	if err := os.WriteFile(filepath.Join(save, "notes.txt"), []byte("good run"), 0o644); err != nil {
		t.Fatal(err)
	}
	holds(t, save, "one")
}

func ExampleSave() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path, err := Save(dir, "step-00000100", func(w *Writer) error {
		file, err := w.Create("weights.safetensors")
		if err != nil {
			return err
		}
		weights := []Tensor{{Name: "w", Shape: []int{2}, F32: []float32{1, 2}}}
		return errors.Join(WriteSafetensors(file, weights, nil), file.Close())
	})
	fmt.Println(filepath.Base(path), err, Verify(path))
	// Output: step-00000100 <nil> <nil>
}
