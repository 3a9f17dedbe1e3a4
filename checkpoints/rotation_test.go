package checkpoints

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// damage changes a byte of the save dir/name without changing its size.
func damage(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name, "a.txt"), []byte("ONEa.txt"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names lists dir, without what begins with a dot.
func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestLatest(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"step-9", "step-00000010", "step-2", "best", "step-x", "step-99999999999999999999"} {
		mustSave(t, dir, name, "one")
	}
	if err := os.WriteFile(filepath.Join(dir, "step-11"), nil, 0o644); err != nil { // a file, not a save
		t.Fatal(err)
	}
	for _, want := range []string{"step-00000010", "step-9", "step-2"} { // by number, not by name
		path, skipped, err := Latest(dir)
		if filepath.Base(path) != want || err != nil {
			t.Errorf("latest %s, error %v; expected %s", path, err, want)
		}
		for _, err := range skipped {
			if !strings.Contains(err.Error(), "SHA-256") {
				t.Errorf("skipped %v", err)
			}
		}
		damage(t, dir, want)
	}
	path, skipped, err := Latest(dir)
	if path != "" || len(skipped) != 3 || !errors.Is(err, ErrNoSave) {
		t.Errorf("latest %s, skipped %v, error %v", path, skipped, err)
	}
}

func TestLatestWithoutFolder(t *testing.T) {
	if _, _, err := Latest(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNoSave) {
		t.Errorf("error %v", err)
	}
}

func TestRotate(t *testing.T) {
	for name, c := range map[string]struct {
		keep   int
		broken []string
		left   []string
	}{
		"keep two":         {2, nil, []string{"step-3", "step-4"}},
		"keep all":         {4, nil, []string{"step-1", "step-2", "step-3", "step-4"}},
		"keep more":        {9, nil, []string{"step-1", "step-2", "step-3", "step-4"}},
		"newest broken":    {2, []string{"step-4"}, []string{"step-3", "step-4"}},
		"only good is old": {1, []string{"step-3", "step-4"}, []string{"step-2", "step-4"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, s := range []string{"step-1", "step-2", "step-3", "step-4"} {
				mustSave(t, dir, s, "one")
			}
			for _, s := range c.broken {
				damage(t, dir, s)
			}
			if err := Rotate(dir, c.keep); err != nil {
				t.Fatal(err)
			}
			if left := names(t, dir); !slices.Equal(left, c.left) {
				t.Errorf("left %v, expected %v", left, c.left)
			}
		})
	}
}

func TestRotateDeletesNothingWithoutGoodSave(t *testing.T) {
	dir := t.TempDir()
	for _, s := range []string{"step-1", "step-2"} {
		mustSave(t, dir, s, "one")
		damage(t, dir, s)
	}
	if err := Rotate(dir, 1); !errors.Is(err, ErrNoSave) {
		t.Errorf("error %v", err)
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("left %v", left)
	}
}

func TestRotateKeepsAtLeastOne(t *testing.T) {
	if err := Rotate(t.TempDir(), 0); err == nil {
		t.Error("keeping 0 saves was accepted")
	}
}

// A crash between the two renames of a replacement leaves only .old-NAME.
func TestCleanTemporaryPutsBack(t *testing.T) {
	dir := t.TempDir()
	path := mustSave(t, dir, "step-1", "one")
	if err := os.Rename(path, filepath.Join(dir, ".old-step-1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".tmp-step-1-0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := CleanTemporary(dir); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "one")
	noLeftovers(t, dir)
}
