//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// avx2 is the set for processors with AVX2 and FMA.
func avx2() loops {
	set := plain
	set.gemm = gemmAVX2
	return set
}

func fastest() loops {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		return avx2()
	}
	return plain
}
