package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func rows() {
	layerNorm()
	layerNormBackward()
	gates()
	rotate()
	function("addRowAVX2", "func(dst, x []float32)",
		"addRowAVX2 computes dst[i] += x[i].")
	dst, x := base("dst"), base("x")
	forEach(length("x"), 2, func(l lanes, _ int) {
		v := l.load(x)
		VADDPS(l.load(dst), v, v)
		l.store(v, dst)
	})
	ret()
}

// average divides a sum over n elements by n.
func average(sum reg.VecVirtual, n reg.Register) {
	count := XMM()
	VXORPS(count, count, count)
	VCVTSI2SSQ(n, count, count)
	VDIVPS(broadcast(count), sum, sum)
}

func layerNorm() {
	function("layerNormRowAVX2", "func(dst, x, gain, shift []float32) (mean, rstd float32)",
		"layerNormRowAVX2 is layerNormRowPlain with sums in 32 lanes of float32.")
	dst, x, gain, shift, n := base("dst"), base("x"), base("gain"), base("shift"), length("x")
	sums := zeros(4)
	forEach(n, 4, func(l lanes, u int) { VADDPS(l.load(x), sums[u], sums[u]) })
	mean := fold(sums, addLanes)
	average(mean, n)
	squares := zeros(4)
	forEach(n, 4, func(l lanes, u int) {
		v := l.load(x)
		VSUBPS(mean, v, v)
		l.zeroRest(v)
		VFMADD231PS(v, v, squares[u])
	})
	variance := fold(squares, addLanes)
	average(variance, n)
	VADDPS(constant("layerNormEps", 1e-5), variance, variance)
	VSQRTPS(variance, variance)
	rstd := YMM()
	VMOVUPS(constant("one", 1), rstd)
	VDIVPS(variance, rstd, rstd)
	forEach(n, 2, func(l lanes, _ int) {
		v := l.load(x)
		VSUBPS(mean, v, v)
		VMULPS(rstd, v, v)
		VFMADD213PS(l.load(shift), l.load(gain), v)
		l.store(v, dst)
	})
	Store(mean.AsX(), ReturnIndex(0))
	Store(rstd.AsX(), ReturnIndex(1))
	ret()
}

func layerNormBackward() {
	function("layerNormBackwardRowAVX2", "func(dx, sumDY, sumDYX, dy, x, gain []float32, mean, rstd float32)",
		"layerNormBackwardRowAVX2 is layerNormBackwardRowPlain with sums in 16 lanes of float32.")
	dx, sumDY, sumDYX, dy, x, gain, n := base("dx"), base("sumDY"), base("sumDYX"), base("dy"), base("x"), base("gain"), length("x")
	mean, rstd := scalar("mean"), scalar("rstd")
	sumG, sumGX := zeros(2), zeros(2)
	xhat := func(l lanes) reg.VecVirtual {
		v := l.load(x)
		VSUBPS(mean, v, v)
		VMULPS(rstd, v, v)
		return v
	}
	forEach(n, 2, func(l lanes, u int) {
		h, d, g, s := xhat(l), l.load(dy), YMM(), YMM()
		VMULPS(l.load(gain), d, g)
		VADDPS(g, sumG[u], sumG[u])
		VFMADD231PS(g, h, sumGX[u])
		VADDPS(l.load(sumDY), d, s)
		l.store(s, sumDY)
		s = l.load(sumDYX)
		VFMADD231PS(d, h, s)
		l.store(s, sumDYX)
	})
	averageG, averageGX := fold(sumG, addLanes), fold(sumGX, addLanes)
	average(averageG, n)
	average(averageGX, n)
	forEach(n, 2, func(l lanes, _ int) {
		h, g := xhat(l), l.load(dy)
		VMULPS(l.load(gain), g, g)
		VSUBPS(averageG, g, g)
		VFNMADD231PS(averageGX, h, g)
		VMULPS(rstd, g, g)
		l.store(g, dx)
	})
	ret()
}

func gates() {
	function("gateRowAVX2", "func(dst, x, y, gate, keep []float32)",
		"gateRowAVX2 computes dst = x + gate y keep, without keep if it is nil.")
	dst, x, y, gate, keep, n := base("dst"), base("x"), base("y"), base("gate"), base("keep"), length("dst")
	withOrWithout(keep, n, func(l lanes, dropout bool) {
		v := l.load(y)
		if dropout {
			VMULPS(l.load(keep), v, v)
		}
		VFMADD213PS(l.load(x), l.load(gate), v)
		l.store(v, dst)
	})
	function("gateBackRowAVX2", "func(dy, dgate, dout, y, gate, keep []float32)",
		"gateBackRowAVX2 computes dy = dout gate keep and dgate += dout y keep, without keep if it is nil.")
	dy, dgate, dout := base("dy"), base("dgate"), base("dout")
	y, gate, keep, n = base("y"), base("gate"), base("keep"), length("dout")
	withOrWithout(keep, n, func(l lanes, dropout bool) {
		v := l.load(dout)
		if dropout {
			VMULPS(l.load(keep), v, v)
		}
		sum := l.load(dgate)
		VFMADD231PS(l.load(y), v, sum)
		l.store(sum, dgate)
		VMULPS(l.load(gate), v, v)
		l.store(v, dy)
	})
}

// withOrWithout emits the loop twice: for a keep slice and for none.
func withOrWithout(keep, n reg.Register, body func(l lanes, dropout bool)) {
	none := label("none")
	TESTQ(keep, keep)
	JZ(LabelRef(none))
	forEach(n, 2, func(l lanes, _ int) { body(l, true) })
	ret()
	Label(none)
	forEach(n, 2, func(l lanes, _ int) { body(l, false) })
	ret()
}

func rotate() {
	function("rotateAVX2", "func(dst, x, cos, sin []float32, inverse bool)",
		"rotateAVX2 is rotatePlain, 8 pairs at a time.")
	dst, x, cos, sin, half := base("dst"), base("x"), base("cos"), base("sin"), length("cos")
	flip := GP32()
	MOVBLZX(Load(Param("inverse"), GP8()), flip)
	SHLL(Imm(31), flip)
	low, sign := XMM(), YMM()
	VMOVD(flip, low)
	VBROADCASTSS(low, sign)
	dst2, x2 := GP64(), GP64()
	LEAQ(Mem{Base: dst, Index: half, Scale: 4}, dst2)
	LEAQ(Mem{Base: x, Index: half, Scale: 4}, x2)
	forEach(half, 1, func(l lanes, _ int) {
		c, s, a, b := l.load(cos), l.load(sin), l.load(x), l.load(x2)
		VXORPS(sign, s, s)
		first, second := YMM(), YMM()
		VMULPS(b, s, first)
		VFMSUB231PS(a, c, first)
		VMULPS(a, s, second)
		VFMADD231PS(b, c, second)
		l.store(first, dst)
		l.store(second, dst2)
	})
	ret()
}
