//go:build !noasm

package kernel

import (
	"math"

	"golang.org/x/sys/cpu"
)

// levels returns what this processor and its operating system can run, slowest first.
func levels() []level {
	all, x86 := []level{{"plain", plain}}, &cpu.X86
	if !x86.HasAVX2 || !x86.HasFMA {
		return all
	}
	all = append(all, level{"avx2", avx2()})
	if x86.HasAVX512F && x86.HasAVX512BW && x86.HasAVX512DQ && x86.HasAVX512VL && x86.HasBMI2 {
		all = append(all, level{"avx512", avx512()})
	}
	return all
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
		attentionHead:         attentionAVX2.forward,
		attentionHeadBackward: attentionAVX2.backward,
		rotate:                rotateAVX2,
		gateRow:               gateRowAVX2,
		gateBackRow:           gateBackRowAVX2,
		addRow:                addRowAVX2,
		axpy:                  axpyAVX2,
	}
}

// avx512 is the set for processors with AVX-512 F, BW, DQ and VL (and BMI2, for masks):
// AVX2's where twice the width gains nothing.
func avx512() loops {
	l := avx2()
	l.gemm = gemmAVX512
	l.exp = expAVX512
	l.softmaxRow = softmaxRowAVX512
	l.topRow = topRow16
	l.weighRow = weighRow16
	l.silu = siluAVX512
	l.siluBackward = siluBackwardAVX512
	l.gelu = geluAVX512
	l.geluBackward = geluBackwardAVX512
	l.adamW = adamWAVX512
	l.sumSquares = sumSquaresAVX512
	l.keepRow = keepRowAVX512
	l.layerNormRow = layerNormRowAVX512
	l.layerNormBackwardRow = layerNormBackwardRowAVX512
	l.rotate = rotateAVX512
	l.gateRow = gateRowAVX512
	l.attentionHead = attentionAVX512.forward
	l.attentionHeadBackward = attentionAVX512.backward
	return l
}

func softmaxRowAVX2(dst, x []float32) float32 {
	top, sum := softmaxRow8(dst, x)
	return top + float32(math.Log(sum))
}

func adamWAVX2(p, m, v, ema, g []float32, c *adamWConstants) { adamW8(p, m, v, ema, g, &c.gradScale) }

func softmaxRowAVX512(dst, x []float32) float32 {
	top, sum := softmaxRow16(dst, x)
	return top + float32(math.Log(sum))
}

func adamWAVX512(p, m, v, ema, g []float32, c *adamWConstants) {
	adamW16(p, m, v, ema, g, &c.gradScale)
}
