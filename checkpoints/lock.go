package checkpoints

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file of a run's folder that its process holds locked. It
// stays behind: removing it would let two processes lock two files.
const lockName = ".lock"

// errLocked is what tryLock returns when another process holds the lock.
var errLocked = errors.New("locked")

// Lock claims dir, which it makes if it is missing, until unlock is called or
// the process ends. The lock is advisory, and absent where the system or the
// file system has none.
func Lock(dir string) (unlock func(), err error) {
	if err := makeFolder(Disk{}, dir); err != nil {
		return nil, advise(fmt.Errorf("lock the run: %w", err))
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, advise(fmt.Errorf("lock the run: %w", err))
	}
	switch err := tryLock(file); {
	case err == nil, errors.Is(err, errors.ErrUnsupported):
		return func() { file.Close() }, nil
	case errors.Is(err, errLocked):
		file.Close()
		return nil, fmt.Errorf("the run in %s is in use by another process: wait for it to end, or give this run another name", dir)
	default:
		file.Close()
		return nil, fmt.Errorf("lock the run in %s: %w", dir, err)
	}
}
