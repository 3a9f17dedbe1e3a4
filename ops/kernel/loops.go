package kernel

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
}

// use is the set in use.
var use loops

func init() { use = fastest() }
