//go:build !noasm

package kernel

import (
	"math"

	"golang.org/x/sys/cpu"
)

func fastest() loops {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		return avx2()
	}
	return plain
}

// avx2 is the set for processors with AVX2 and FMA.
func avx2() loops {
	return loops{
		gemm:                  gemmAVX2,
		exp:                   expAVX2,
		softmaxRow:            softmaxRowAVX2,
		topRow:                topRow8,
		weighRow:              weighRow8,
		silu:                  siluAVX2,
		siluBackward:          siluBackwardAVX2,
		gelu:                  geluAVX2,
		geluBackward:          geluBackwardAVX2,
		adamW:                 adamWAVX2,
		sumSquares:            sumSquaresAVX2,
		keepRow:               keepRowAVX2,
		layerNormRow:          layerNormRowAVX2,
		layerNormBackwardRow:  layerNormBackwardRowAVX2,
		attentionHead:         attentionHeadAVX2,
		attentionHeadBackward: attentionHeadBackwardAVX2,
		rotate:                rotateAVX2,
		gateRow:               gateRowAVX2,
		gateBackRow:           gateBackRowAVX2,
		addRow:                addRowAVX2,
	}
}

func softmaxRowAVX2(dst, x []float32) float32 {
	top, sum := softmaxRow8(dst, x)
	return top + float32(math.Log(sum))
}

func adamWAVX2(p, m, v, ema, g []float32, c *adamWConstants) { adamW8(p, m, v, ema, g, &c.gradScale) }
