package kernel

import (
	"fmt"
	"os"
)

// loops is the set of inner loops that exist in more than one version.
type loops struct {
	gemm gemmFunc

	exp          func(dst, x []float32)
	softmaxRow   func(dst, x []float32) float32
	topRow       func(x []float32) float32
	weighRow     func(x []float32, top float32) float64
	silu         func(dst, x []float32)
	siluBackward func(dx, dy, x []float32)
	gelu         func(dst, x []float32)
	geluBackward func(dx, dy, x []float32)
	adamW        func(p, m, v, ema, g []float32, c *adamWConstants)
	sumSquares   func(x []float32) float64
	keepRow      func(keep []float32, key0, key1, first, threshold uint32, scale float32)

	layerNormRow         func(dst, x, gain, shift []float32) (mean, rstd float32)
	layerNormBackwardRow func(dx, sumDY, sumDYX, dy, x, gain []float32, mean, rstd float32)

	attentionHead         func(head attentionHead)
	attentionHeadBackward func(head attentionHead)

	rotate      func(dst, x, cos, sin []float32, inverse bool)
	gateRow     func(dst, x, y, gate, keep []float32)
	gateBackRow func(dy, dgate, dout, y, gate, keep []float32)
	addRow      func(dst, x []float32)
	axpy        func(dst []float32, a float32, x []float32)
}

var plain = loops{
	gemm:                  gemmPlain,
	exp:                   expPlain,
	softmaxRow:            softmaxRowPlain,
	topRow:                topRowPlain,
	weighRow:              weighRowPlain,
	silu:                  siluPlain,
	siluBackward:          siluBackwardPlain,
	gelu:                  geluPlain,
	geluBackward:          geluBackwardPlain,
	adamW:                 adamWPlain,
	sumSquares:            sumSquaresPlain,
	keepRow:               keepRowPlain,
	layerNormRow:          layerNormRowPlain,
	layerNormBackwardRow:  layerNormBackwardRowPlain,
	attentionHead:         attentionHeadPlain,
	attentionHeadBackward: attentionHeadBackwardPlain,
	rotate:                rotatePlain,
	gateRow:               gateRowPlain,
	gateBackRow:           gateBackRowPlain,
	addRow:                addRowPlain,
	axpy:                  axpyPlain,
}

// A level is a set of loops, with the name of the instructions it needs.
type level struct {
	name string
	loops
}

// use is the level in use.
var use level

func init() {
	var problem string
	use, problem = choose(levels(), os.Getenv(levelVariable))
	if problem != "" {
		fmt.Fprintln(os.Stderr, problem)
	}
}

// levelVariable names an environment variable that chooses a level.
const levelVariable = "FSDFM_KERNELS"

// choose returns the level of this name, or the last one and, unless no name was given,
// what is wrong with it.
func choose(from []level, name string) (l level, problem string) {
	known := ""
	for _, l = range from {
		if l.name == name {
			return l, ""
		}
		known += " " + l.name
	}
	if name != "" {
		problem = fmt.Sprintf("%s=%q is ignored: this build on this processor has%s", levelVariable, name, known)
	}
	return l, problem
}

// Level returns the name of the instructions in use: "plain", "avx2" or "avx512".
func Level() string { return use.name }
