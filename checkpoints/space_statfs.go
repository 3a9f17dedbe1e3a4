//go:build darwin || freebsd || linux

package checkpoints

import (
	"math"
	"syscall"
)

func free(path string) (bytes int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	blocks := uint64(max(0, int64(s.Bavail))) // to a user, signed on some systems
	if blocks > math.MaxInt64/uint64(s.Bsize) {
		return math.MaxInt64, true
	}
	return int64(blocks * uint64(s.Bsize)), true
}
