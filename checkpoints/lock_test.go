package checkpoints

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no lock on this system")
	}
	dir := filepath.Join(t.TempDir(), "run")
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), dir+" is in use by another process") {
		t.Errorf("second lock: error %v", err)
	}
	other, err := Lock(filepath.Join(dir, "other"))
	if err != nil {
		t.Errorf("lock of another run: %v", err)
	}
	other()
	unlock()
	unlock, err = Lock(dir)
	if err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	unlock()
}
