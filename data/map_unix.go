//go:build unix

package data

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile maps a file of a known size for reading.
func mapFile(path string, size int64) (content []byte, unmap func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() // the mapping stays
	content, err = syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", path, err)
	}
	return content, func() { _ = syscall.Munmap(content) }, nil // fails for wrong arguments only
}
