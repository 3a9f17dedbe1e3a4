package checkpoints

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// FS is what writing needs of a file system, so that tests can make it fail.
type FS interface {
	MkdirAll(path string) error
	Create(path string) (File, error) // must not exist yet
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(path string) error // makes creations and renames inside path durable
	Free(path string) (bytes int64, known bool)
}

// File is an open file of an FS.
type File interface {
	io.WriteCloser
	Sync() error
}

// Disk is the operating system's file system.
type Disk struct{}

var _ FS = Disk{}

// MkdirAll makes path and its missing parents.
func (Disk) MkdirAll(path string) error { return os.MkdirAll(path, 0o755) }

// Create opens a new file for writing.
func (Disk) Create(path string) (File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err // not a nil *os.File in a File
	}
	return file, nil
}

// Rename replaces files, and folders only if they are empty.
func (Disk) Rename(from, to string) error { return os.Rename(from, to) }

// RemoveAll removes path and what it holds.
func (Disk) RemoveAll(path string) error { return os.RemoveAll(path) }

// SyncDir flushes the folder's own entries, where the system can.
func (Disk) SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be flushed there
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil // EINVAL: this file system does not flush folders
}

// Names beginning with a dot are never saves: tmpPrefix marks what is being
// written or deleted, oldPrefix what is being replaced.
const (
	tmpPrefix = ".tmp-"
	oldPrefix = ".old-"
)

// temporary is a fresh path beside dir/name.
func temporary(dir, name string) string {
	return filepath.Join(dir, fmt.Sprintf("%s%s-%016x", tmpPrefix, name, rand.Uint64()))
}

// WriteFileAtomic writes path so that a reader, or the next start after a
// crash, finds either the whole old content or the whole new one.
func WriteFileAtomic(path string, data []byte) error { return writeFile(Disk{}, path, data) }

// StreamFileAtomic is WriteFileAtomic with the content that fill writes.
func StreamFileAtomic(path string, fill func(io.Writer) error) error {
	return streamFile(Disk{}, path, fill)
}

func writeFile(disk FS, path string, data []byte) error {
	if err := checkSpace(disk, filepath.Dir(path), int64(len(data))); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return streamFile(disk, path, func(w io.Writer) error {
		n, err := w.Write(data)
		if err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
		return err
	})
}

func streamFile(disk FS, path string, fill func(io.Writer) error) (err error) {
	dir, name := filepath.Split(filepath.Clean(path))
	dir = filepath.Clean(dir)
	tmp := temporary(dir, name)
	defer func() {
		if err != nil {
			err = advise(fmt.Errorf("write %s: %w", path, errors.Join(err, disk.RemoveAll(tmp))))
		}
	}()
	file, err := disk.Create(tmp)
	if err != nil {
		return err
	}
	if err = fill(file); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = disk.Rename(tmp, path)
	}
	if err != nil {
		return err
	}
	return disk.SyncDir(dir)
}

// makeFolder makes dir and its missing parents, durably.
func makeFolder(disk FS, dir string) error {
	parent := filepath.Dir(dir)
	if exists(dir) || parent == dir {
		return nil
	}
	if err := makeFolder(disk, parent); err != nil {
		return err
	}
	if err := disk.MkdirAll(dir); err != nil {
		return err
	}
	return disk.SyncDir(parent)
}

// place moves the finished folder tmp to dir/name. What stood there is kept as
// dir/.old-name until the new one is durable; restore undoes a crash between.
func place(disk FS, tmp, dir, name string) error {
	path, old := filepath.Join(dir, name), filepath.Join(dir, oldPrefix+name)
	if err := restore(disk, dir, name); err != nil {
		return err
	}
	replaces := exists(path)
	if replaces {
		if err := disk.Rename(path, old); err != nil {
			return err
		}
	}
	if err := disk.Rename(tmp, path); err != nil {
		if replaces {
			err = errors.Join(err, disk.Rename(old, path))
		}
		return err
	}
	if err := disk.SyncDir(dir); err != nil || !replaces {
		return err
	}
	return disk.RemoveAll(old)
}

// restore puts dir/.old-name back if nothing stands at dir/name, else drops it.
func restore(disk FS, dir, name string) error {
	path, old := filepath.Join(dir, name), filepath.Join(dir, oldPrefix+name)
	switch {
	case !exists(old):
		return nil
	case exists(path):
		return disk.RemoveAll(old)
	}
	return disk.Rename(old, path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// advise adds what a user can do about err.
func advise(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w; the disk or your quota is full: free space and start again, earlier saves are whole", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; choose a folder you may write to", err)
	}
	return err
}
