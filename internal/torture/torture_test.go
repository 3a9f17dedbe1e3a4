package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fsdfm/checkpoints"
)

// One trial of every fault and every damage.
func TestFaults(t *testing.T) {
	var out bytes.Buffer
	n := len(faults) + len(damages)
	h := &torture{dir: t.TempDir(), seed: 4, out: &out}
	if err := h.faults(n); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.Contains(out.String(), " 1 "+f.name+"\n") {
			t.Errorf("%s did not happen:\n%s", f.name, &out)
		}
	}
}

// tree lists the files and folders below dir with their sizes.
func tree(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rest, _ := filepath.Rel(dir, path)
			list = append(list, rest+" "+string(content))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func put(t *testing.T, d *disk, path, text string, durable bool) {
	t.Helper()
	f, err := d.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if durable {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What a power loss leaves is one of the states on the way, without what was
// not flushed; the harness would be blind if it left only the last one.
func TestPowerLossForgets(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(100) {
		dir, trash := t.TempDir(), t.TempDir()
		d := &disk{rng: rand.New(rand.NewPCG(seed, 1)), trash: trash}
		put(t, d, filepath.Join(dir, "kept"), "aaaa", true)
		if err := d.SyncDir(dir); err != nil {
			t.Fatal(err)
		}
		put(t, d, filepath.Join(dir, "new"), "bbbb", false)
		if err := d.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "named")); err != nil {
			t.Fatal(err)
		}
		if err := d.RemoveAll(filepath.Join(dir, "kept")); err != nil {
			t.Fatal(err)
		}
		if err := d.forget(); err != nil {
			t.Fatal(err)
		}
		left := tree(t, dir)
		for i, l := range left { // the file's lost part is random
			if name, text, _ := strings.Cut(l, " "); name != "kept" && text != "bbbb" {
				left[i] = name + " partly"
			}
		}
		seen[strings.Join(left, ", ")]++
	}
	want := []string{"kept aaaa", "kept aaaa, new partly", "kept aaaa, named partly", "named partly"}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("a power loss never leaves %q: %v", w, seen)
		}
	}
	for s := range seen {
		if !slices.Contains(want, s) {
			t.Errorf("a power loss leaves %q", s)
		}
	}
}

// A save that is careless about flushing does not survive the disk: neither one
// without fsync, nor one without fsync of the folder.
func TestHarnessSeesCarelessness(t *testing.T) {
	for name, careless := range map[string]func(*disk) checkpoints.FS{
		"files":   func(d *disk) checkpoints.FS { return noFileSync{d} },
		"folders": func(d *disk) checkpoints.FS { return noDirSync{d} },
	} {
		lost := 0
		for seed := range uint64(25) {
			dir := t.TempDir()
			d := &disk{rng: rand.New(rand.NewPCG(seed, 2)), trash: t.TempDir()}
			if _, err := start(dir, 3, careless(d), new(watcher)); err != nil {
				t.Fatal(err)
			}
			if err := d.forget(); err != nil {
				t.Fatal(err)
			}
			if keeps(filepath.Join(dir, "pretrain"), 3) != nil {
				lost++
			}
		}
		if lost == 0 {
			t.Errorf("without fsync of %s nothing was ever lost: the harness is blind", name)
		}
	}
}

type noFileSync struct{ *disk }

func (n noFileSync) Create(path string) (checkpoints.File, error) {
	f, err := n.disk.Create(path)
	return unflushed{f}, err
}

type unflushed struct{ checkpoints.File }

func (unflushed) Sync() error { return nil }

type noDirSync struct{ *disk }

func (noDirSync) SyncDir(string) error { return nil }

func TestOlderSave(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"step-00000002", "step-00000010"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"step-00000002": true, "step-00000010": false, "other": false} {
		if got := olderSave(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
