package checkpoints

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// narrow is a disk with little room.
type narrow struct {
	faulty
	free int64
}

func (n *narrow) Free(string) (int64, bool) { return n.free, true }

func TestSaveChecksSpaceFirst(t *testing.T) {
	dir := t.TempDir()
	groups := map[string][]Tensor{"weights": {{Name: "w", Shape: []int{1000}, F32: make([]float32, 1000)}}}
	disk := &narrow{faulty{failAt: -1}, 1 << 20}
	_, err := SaveStateOn(disk, dir, State{Kind: "pretrain", Step: 3, Config: []byte(`{}`)}, groups)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "has 1.0 MB free, 1.1 MB are needed") || !strings.Contains(err.Error(), "free space") {
		t.Errorf("error %v", err)
	}
	if disk.count > 0 {
		t.Errorf("%d operations on a disk without room", disk.count)
	}
	disk.free = 2 << 20
	if _, err := SaveStateOn(disk, dir, State{Kind: "pretrain", Step: 3, Config: []byte(`{}`)}, groups); err != nil {
		t.Error(err)
	}
	disk.free = 10
	if err := writeFile(disk, filepath.Join(dir, "f"), make([]byte, 11)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
}

func TestFreeOfPathToBe(t *testing.T) {
	dir := t.TempDir()
	here, known := Disk{}.Free(dir)
	if !known && runtime.GOOS == "linux" {
		t.Error("the free space is not known")
	}
	if known && here == 0 {
		t.Skip("the disk is full")
	}
	if _, there := (Disk{}).Free(filepath.Join(dir, "not", "yet")); there != known {
		t.Error("the free space of a folder to be made is not its parent's")
	}
	if err := CheckSpace(dir, 1<<62); known && !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
}

func TestReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0.0 B", 999: "999.0 B", 1500: "1.5 kB", 21_300_000_000: "21.3 GB", 1 << 60: "1152921.5 TB"} {
		if got := Readable(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// A folder that was made for a save is as durable as the save.
func TestSaveMakesFoldersDurable(t *testing.T) {
	root := t.TempDir()
	disk := &recorder{}
	if _, err := SaveOn(disk, filepath.Join(root, "runs", "one"), "step-1", files("x")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, filepath.Join(root, "runs"), filepath.Join(root, "runs", "one")} {
		if !disk.synced[dir] {
			t.Errorf("%s was not flushed", dir)
		}
	}
}

// recorder notes which folders are flushed.
type recorder struct {
	Disk
	synced map[string]bool
}

func (r *recorder) SyncDir(path string) error {
	if r.synced == nil {
		r.synced = map[string]bool{}
	}
	r.synced[path] = true
	return nil
}

func (r *recorder) Create(path string) (File, error) {
	file, err := os.Create(path)
	return file, err
}
