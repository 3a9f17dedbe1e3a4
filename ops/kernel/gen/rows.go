package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (v vectors) rows() {
	v.layerNorm()
	v.layerNormBackward()
	v.gate()
	v.rotate()
}

// rows8 are loops that only move memory: wider vectors gain nothing.
func rows8() {
	ymm.gateBack()
	ymm.addRow()
	ymm.axpy()
}

func (v vectors) addRow() {
	function("addRow"+v.suffix, "func(dst, x []float32)",
		"addRow"+v.suffix+" computes dst[i] += x[i].")
	dst, x := base("dst"), base("x")
	v.forEach(length("x"), 2, func(l lanes, _ int) {
		y := l.load(x)
		VADDPS(l.load(dst), y, y)
		l.store(y, dst)
	})
	ret()
}

func (v vectors) axpy() {
	function("axpy"+v.suffix, "func(dst []float32, a float32, x []float32)",
		"axpy"+v.suffix+" computes dst[i] += a x[i].")
	dst, x, a := base("dst"), base("x"), v.scalar("a")
	v.forEach(length("x"), 4, func(l lanes, _ int) {
		y := l.load(dst)
		VFMADD231PS(l.load(x), a, y)
		l.store(y, dst)
	})
	ret()
}

// average divides a sum over n elements by n.
func (v vectors) average(sum reg.VecVirtual, n reg.Register) {
	count := XMM()
	VXORPS(count, count, count)
	VCVTSI2SSQ(n, count, count)
	VDIVPS(v.broadcast(count), sum, sum)
}

func (v vectors) layerNorm() {
	function("layerNormRow"+v.suffix, "func(dst, x, gain, shift []float32) (mean, rstd float32)",
		"layerNormRow"+v.suffix+" is layerNormRowPlain with sums in float32.")
	dst, x, gain, shift, n := base("dst"), base("x"), base("gain"), base("shift"), length("x")
	sums := v.zeros(4)
	v.forEach(n, 4, func(l lanes, u int) { VADDPS(l.load(x), sums[u], sums[u]) })
	mean := v.fold(sums, addLanes)
	v.average(mean, n)
	squares := v.zeros(4)
	v.forEach(n, 4, func(l lanes, u int) {
		y := l.load(x)
		VSUBPS(mean, y, y)
		l.zeroRest(y)
		VFMADD231PS(y, y, squares[u])
	})
	variance := v.fold(squares, addLanes)
	v.average(variance, n)
	VADDPS(v.constant("layerNormEps", 1e-5), variance, variance)
	VSQRTPS(variance, variance)
	rstd := v.make()
	VMOVUPS(v.constant("one", 1), rstd)
	VDIVPS(variance, rstd, rstd)
	v.forEach(n, 2, func(l lanes, _ int) {
		y := l.load(x)
		VSUBPS(mean, y, y)
		VMULPS(rstd, y, y)
		VFMADD213PS(l.load(shift), l.load(gain), y)
		l.store(y, dst)
	})
	Store(mean.AsX(), ReturnIndex(0))
	Store(rstd.AsX(), ReturnIndex(1))
	ret()
}

func (v vectors) layerNormBackward() {
	function("layerNormBackwardRow"+v.suffix, "func(dx, sumDY, sumDYX, dy, x, gain []float32, mean, rstd float32)",
		"layerNormBackwardRow"+v.suffix+" is layerNormBackwardRowPlain with sums in float32.")
	dx, sumDY, sumDYX, dy, x, gain, n := base("dx"), base("sumDY"), base("sumDYX"), base("dy"), base("x"), base("gain"), length("x")
	mean, rstd := v.scalar("mean"), v.scalar("rstd")
	sumG, sumGX := v.zeros(2), v.zeros(2)
	xhat := func(l lanes) reg.VecVirtual {
		y := l.load(x)
		VSUBPS(mean, y, y)
		VMULPS(rstd, y, y)
		return y
	}
	v.forEach(n, 2, func(l lanes, u int) {
		h, d, g, s := xhat(l), l.load(dy), v.make(), v.make()
		VMULPS(l.load(gain), d, g)
		VADDPS(g, sumG[u], sumG[u])
		VFMADD231PS(g, h, sumGX[u])
		VADDPS(l.load(sumDY), d, s)
		l.store(s, sumDY)
		s = l.load(sumDYX)
		VFMADD231PS(d, h, s)
		l.store(s, sumDYX)
	})
	averageG, averageGX := v.fold(sumG, addLanes), v.fold(sumGX, addLanes)
	v.average(averageG, n)
	v.average(averageGX, n)
	v.forEach(n, 2, func(l lanes, _ int) {
		h, g := xhat(l), l.load(dy)
		VMULPS(l.load(gain), g, g)
		VSUBPS(averageG, g, g)
		VFNMADD231PS(averageGX, h, g)
		VMULPS(rstd, g, g)
		l.store(g, dx)
	})
	ret()
}

func (v vectors) gate() {
	function("gateRow"+v.suffix, "func(dst, x, y, gate, keep []float32)",
		"gateRow"+v.suffix+" computes dst = x + gate y keep, without keep if it is nil.")
	dst, x, y, gate, keep, n := base("dst"), base("x"), base("y"), base("gate"), base("keep"), length("dst")
	v.withOrWithout(keep, n, func(l lanes, dropout bool) {
		e := l.load(y)
		if dropout {
			VMULPS(l.load(keep), e, e)
		}
		VFMADD213PS(l.load(x), l.load(gate), e)
		l.store(e, dst)
	})
}

func (v vectors) gateBack() {
	function("gateBackRow"+v.suffix, "func(dy, dgate, dout, y, gate, keep []float32)",
		"gateBackRow"+v.suffix+" computes dy = dout gate keep and dgate += dout y keep, without keep if it is nil.")
	dy, dgate, dout := base("dy"), base("dgate"), base("dout")
	y, gate, keep, n := base("y"), base("gate"), base("keep"), length("dout")
	v.withOrWithout(keep, n, func(l lanes, dropout bool) {
		e := l.load(dout)
		if dropout {
			VMULPS(l.load(keep), e, e)
		}
		sum := l.load(dgate)
		VFMADD231PS(l.load(y), e, sum)
		l.store(sum, dgate)
		VMULPS(l.load(gate), e, e)
		l.store(e, dy)
	})
}

// withOrWithout emits the loop twice: for a keep slice and for none.
func (v vectors) withOrWithout(keep, n reg.Register, body func(l lanes, dropout bool)) {
	none := label("none")
	TESTQ(keep, keep)
	JZ(LabelRef(none))
	v.forEach(n, 2, func(l lanes, _ int) { body(l, true) })
	ret()
	Label(none)
	v.forEach(n, 2, func(l lanes, _ int) { body(l, false) })
	ret()
}

func (v vectors) rotate() {
	function("rotate"+v.suffix, "func(dst, x, cos, sin []float32, inverse bool)",
		"rotate"+v.suffix+" is rotatePlain.")
	dst, x, cos, sin, half := base("dst"), base("x"), base("cos"), base("sin"), length("cos")
	flip := GP32()
	MOVBLZX(Load(Param("inverse"), GP8()), flip)
	SHLL(Imm(31), flip)
	low, sign := XMM(), v.make()
	VMOVD(flip, low)
	VBROADCASTSS(low, sign)
	dst2, x2 := GP64(), GP64()
	LEAQ(Mem{Base: dst, Index: half, Scale: 4}, dst2)
	LEAQ(Mem{Base: x, Index: half, Scale: 4}, x2)
	v.forEach(half, 1, func(l lanes, _ int) {
		c, s, a, b := l.load(cos), l.load(sin), l.load(x), l.load(x2)
		VXORPS(sign, s, s)
		first, second := v.make(), v.make()
		VMULPS(b, s, first)
		VFMSUB231PS(a, c, first)
		VMULPS(a, s, second)
		VFMADD231PS(b, c, second)
		l.store(first, dst)
		l.store(second, dst2)
	})
	ret()
}
