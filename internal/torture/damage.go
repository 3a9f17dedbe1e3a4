package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// damages are what happens to a file at rest.
var damages = []struct {
	name string
	do   func(path string, size int64, rng *rand.Rand) error
}{
	{"bit flip", func(path string, size int64, rng *rand.Rand) error { return flip(path, rng.Int64N(8*size)) }},
	{"truncation", func(path string, size int64, rng *rand.Rand) error { return os.Truncate(path, rng.Int64N(size)) }},
}

// flip changes one bit of a file.
func flip(path string, bit int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], bit/8); err != nil {
		return err
	}
	b[0] ^= 1 << (bit % 8)
	_, err = file.WriteAt(b[:], bit/8)
	return err
}

// damage spoils the file number `which` of a save, counted round, and tells how.
func damage(save string, which, how int, rng *rand.Rand) (what string, err error) {
	entries, err := os.ReadDir(save)
	if err != nil {
		return "", err
	}
	name, d := entries[which%len(entries)].Name(), damages[how%len(damages)]
	info, err := entries[which%len(entries)].Info()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s of %s", d.name, name), d.do(filepath.Join(save, name), info.Size(), rng)
}
