package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns guard + n floats that end where a page begins that faults when it is
// read or written.
func guarded(t testing.TB, n int) []float32 {
	page := syscall.Getpagesize()
	bytes := (n + guard) * 4
	size := (bytes + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(memory) })
	if err := syscall.Mprotect(memory[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[size-bytes])), n+guard)
}
