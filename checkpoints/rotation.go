package checkpoints

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoSave means that a folder holds no save that verifies.
var ErrNoSave = errors.New("no good save")

// stepPrefix begins the names of saves that Latest and Rotate see; the step
// follows in decimal.
const stepPrefix = "step-"

// Latest finds the save of the highest step in dir that verifies; skipped says
// what is wrong with the newer ones. Call CleanTemporary first.
func Latest(dir string) (path string, skipped []error, err error) {
	paths, err := saves(dir)
	if err != nil {
		return "", nil, err
	}
	for _, path := range slices.Backward(paths) {
		if err := Verify(path); err == nil {
			return path, skipped, nil
		} else {
			skipped = append(skipped, err)
		}
	}
	return "", skipped, fmt.Errorf("%w in %s: start the run from its beginning", ErrNoSave, dir)
}

// Rotate deletes all but the newest keep saves of dir; if none of those
// verifies, the newest older one that does stays too. It reads one good save
// back to know that.
func Rotate(dir string, keep int) error { return RotateOn(Disk{}, dir, keep) }

// RotateOn is Rotate on another file system.
func RotateOn(disk FS, dir string, keep int) error {
	if keep < 1 {
		return fmt.Errorf("rotate %s: cannot keep %d saves: keep at least 1", dir, keep)
	}
	paths, err := saves(dir)
	if err != nil {
		return err
	}
	if len(paths) <= keep {
		return nil
	}
	good, _, err := Latest(dir)
	if err != nil {
		return fmt.Errorf("rotate: nothing deleted: %w", err)
	}
	for _, path := range paths[:len(paths)-keep] {
		if path == good {
			continue
		}
		if err := remove(disk, path); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	return nil
}

// remove renames a save before it deletes it, so that a crash leaves no half of
// one under its name.
func remove(disk FS, path string) error {
	dir, name := filepath.Split(path)
	tmp := temporary(dir, name)
	if err := disk.Rename(path, tmp); err != nil {
		return err
	}
	return disk.RemoveAll(tmp)
}

// CleanTemporary removes what an interrupted save or export left in dir, and
// puts back what it was about to replace. Call it only under Lock: it would
// also remove what another process is writing.
func CleanTemporary(dir string) error {
	entries, err := list(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), oldPrefix); ok {
			errs = append(errs, restore(Disk{}, dir, name))
		} else if strings.HasPrefix(e.Name(), tmpPrefix) {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// saves lists the folders of dir named by a step, by rising step.
func saves(dir string) ([]string, error) {
	type save struct {
		path string
		step uint64
	}
	entries, err := list(dir)
	var found []save
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), stepPrefix)
		step, bad := strconv.ParseUint(digits, 10, 64)
		if ok && bad == nil && e.IsDir() {
			found = append(found, save{filepath.Join(dir, e.Name()), step})
		}
	}
	slices.SortStableFunc(found, func(a, b save) int { return cmp.Compare(a.step, b.step) })
	paths := make([]string, len(found))
	for i, s := range found {
		paths[i] = s.path
	}
	return paths, err
}

// list reads dir; a folder not made yet is empty.
func list(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list saves: %w", err)
	}
	return entries, nil
}
