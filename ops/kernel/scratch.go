package kernel

import (
	"math/bits"
	"sync"
)

// scratch keeps buffers for reuse, by the logarithm of their length. Unlike a sync.Pool it
// survives garbage collection: the same few sizes come back in every training step.
var scratch struct {
	sync.Mutex
	free [48][][]float32
}

// borrow returns a buffer of n floats with arbitrary contents, 64-byte aligned when it
// has at least 16. Pass it to giveBack after use.
func borrow(n int) []float32 {
	class := bits.Len(uint(max(n, 16) - 1))
	scratch.Lock()
	defer scratch.Unlock()
	stack := scratch.free[class]
	if len(stack) == 0 {
		// The allocator aligns sizes that are powers of two to their size, up to a page.
		return make([]float32, 1<<class)[:n]
	}
	top := len(stack) - 1
	scratch.free[class] = stack[:top]
	return stack[top][:n]
}

func giveBack(buffer []float32) {
	class := bits.Len(uint(cap(buffer) - 1))
	scratch.Lock()
	scratch.free[class] = append(scratch.free[class], buffer)
	scratch.Unlock()
}
