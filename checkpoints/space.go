package checkpoints

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// spare is what a save may need beside the values of its tensors: headers,
// state, sums, folders. In bytes.
const spare = 1 << 20

// Free returns the bytes that a user may still write below path, which need not
// exist yet; known is false where the system does not say.
func (Disk) Free(path string) (bytes int64, known bool) {
	for {
		_, err := os.Stat(path)
		parent := filepath.Dir(path)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || parent == path {
			return free(path)
		}
		path = parent
	}
}

// CheckSpace fails, as a full disk would, unless need bytes are free below path.
func CheckSpace(path string, need int64) error { return checkSpace(Disk{}, path, need) }

func checkSpace(disk FS, path string, need int64) error {
	if have, known := disk.Free(path); known && have < need {
		return advise(fmt.Errorf("%s has %s free, %s are needed: %w", path, Readable(have), Readable(need), syscall.ENOSPC))
	}
	return nil
}

// Readable is a number of bytes in the largest decimal unit that keeps it at
// least 1.
func Readable(bytes int64) string {
	n, units := float64(bytes), []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; n >= 1000 && i+1 < len(units); i++ {
		n /= 1000
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
