//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

func available() map[string]loops {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return map[string]loops{"plain": plain}
	}
	return map[string]loops{"plain": plain, "avx2": avx2()}
}
