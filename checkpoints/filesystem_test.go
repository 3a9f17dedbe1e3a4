package checkpoints

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// faulty is a Disk whose operation number failAt, counted from 0, fails with
// err; if dead, so do all later ones, as after a crash. It does not wait for the
// hardware.
type faulty struct {
	failAt, count int
	err           error
	dead          bool
}

func (f *faulty) fails() error {
	n := f.count
	f.count++
	if n == f.failAt || f.dead && n > f.failAt {
		return f.err
	}
	return nil
}

// do runs op unless it is its turn to fail.
func (f *faulty) do(op func() error) error {
	if err := f.fails(); err != nil {
		return err
	}
	return op()
}

func (f *faulty) MkdirAll(path string) error {
	return f.do(func() error { return Disk{}.MkdirAll(path) })
}
func (f *faulty) Rename(a, b string) error { return f.do(func() error { return Disk{}.Rename(a, b) }) }
func (f *faulty) RemoveAll(p string) error { return f.do(func() error { return Disk{}.RemoveAll(p) }) }
func (f *faulty) SyncDir(string) error     { return f.fails() }

func (f *faulty) Free(string) (int64, bool) { return 0, false }

func (f *faulty) Create(path string) (File, error) {
	if err := f.fails(); err != nil {
		return nil, err
	}
	file, err := Disk{}.Create(path)
	return faultyFile{f, file}, err
}

type faultyFile struct {
	disk *faulty
	File
}

func (f faultyFile) Sync() error { return f.disk.fails() }

// Write fails half way; with io.ErrShortWrite, it does not even say so.
func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.disk.fails(); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		if err == io.ErrShortWrite {
			return n, nil
		}
		return n, err
	}
	return f.File.Write(p)
}

func (f faultyFile) Close() error {
	if err := f.disk.fails(); err != nil {
		f.File.Close()
		return err
	}
	return f.File.Close()
}

// sound is a disk without faults.
func sound() FS { return &faulty{failAt: -1} }

// eachFault runs attempt with a fault at its first operation, its second, and
// so on until it meets none, for every kind of fault.
func eachFault(t *testing.T, attempt func(t *testing.T, disk *faulty)) {
	for _, fault := range []faulty{
		{err: syscall.ENOSPC},
		{err: io.ErrShortWrite},
		{err: syscall.EIO, dead: true},
	} {
		for fault.failAt = 0; ; fault.failAt++ {
			disk := fault
			attempt(t, &disk)
			if disk.count <= disk.failAt {
				break
			}
			if t.Failed() {
				t.Fatalf("with %v at operation %d, dead after it: %t", disk.err, disk.failAt, disk.dead)
			}
		}
		if fault.failAt < 5 {
			t.Errorf("only %d operations met a fault", fault.failAt)
		}
	}
}

// noLeftovers fails if dir holds a name that starts with a dot.
func noLeftovers(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left over", e.Name())
		}
	}
}

func TestWriteFileAtomic(t *testing.T) {
	eachFault(t, func(t *testing.T, disk *faulty) {
		dir := t.TempDir()
		path := filepath.Join(dir, "config.yaml")
		if err := writeFile(sound(), path, []byte("old")); err != nil {
			t.Fatal(err)
		}
		err := writeFile(disk, path, []byte("new, longer"))
		if err == nil && disk.count > disk.failAt {
			t.Error("a fault went unreported")
		}
		if err != nil && disk.err == syscall.ENOSPC && !strings.Contains(err.Error(), "free space") {
			t.Errorf("error %q does not say what to do", err)
		}
		data, readErr := os.ReadFile(path)
		if readErr != nil || string(data) != "old" && string(data) != "new, longer" || err == nil && string(data) == "old" {
			t.Errorf("the file holds %q, %v after %v", data, readErr, err)
		}
		if err := CleanTemporary(dir); err != nil {
			t.Error(err)
		}
		noLeftovers(t, dir)
	})
}

func TestWriteFileAtomicInMissingFolder(t *testing.T) {
	err := WriteFileAtomic(filepath.Join(t.TempDir(), "none", "f"), nil)
	if !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}
