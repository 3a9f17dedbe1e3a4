//go:build !unix

package data

import "os"

// mapFile reads a file, where files cannot be mapped.
func mapFile(path string, _ int64) (content []byte, unmap func(), err error) {
	content, err = os.ReadFile(path)
	return content, func() {}, err
}
