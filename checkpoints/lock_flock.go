//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package checkpoints

import (
	"errors"
	"os"
	"syscall"
)

// tryLock holds file until it is closed.
func tryLock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
