package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exp8 returns exp(x) in 8 lanes, by the formulas of exp.go in the parent folder. It skips
// the test for overflow if x is known to be at most 0.
func exp8(x reg.VecVirtual, nonPositive bool) reg.VecVirtual {
	t, n, r, q, rr := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPS(constant("expRounder", 3<<22), t)
	VFMADD231PS(constant("expLog2E", 1.44269504088896340736), x, t)
	VSUBPS(constant("expRounder", 3<<22), t, n)
	VMOVAPS(x, r)
	VFNMADD231PS(constant("expLn2High", 0.693359375), n, r)
	VFNMADD231PS(constant("expLn2Low", -2.12194440054690583e-4), n, r)
	VMOVUPS(constant("expC6", 0.0013926183587875844), q)
	VFMADD213PS(constant("expC5", 0.008363179052728216), r, q)
	VFMADD213PS(constant("expC4", 0.04166655461720141), r, q)
	VFMADD213PS(constant("expC3", 0.1666657698969869), r, q)
	VFMADD213PS(constant("expC2", 0.5), r, q)
	VMULPS(r, r, rr)
	VFMADD213PS(r, rr, q)
	VADDPS(constant("one", 1), q, q)
	VPSLLD(Imm(23), t, t)
	VPADDD(t, q, q)
	outside := YMM()
	VCMPPS(Imm(lessThan), constant("expMin", -87.336544), x, outside)
	VANDNPS(q, outside, q)
	if !nonPositive {
		VCMPPS(Imm(greaterThan), constant("expMax", 88.72283), x, outside)
		VBLENDVPS(outside, constantBits("infinity", 0x7f800000), q, q)
	}
	return q
}

// Predicates of VCMPPS: ordered, quiet.
const (
	ordered     = 0x07
	lessThan    = 0x11
	greaterThan = 0x1e
)

// sigmoid8 returns 1 / (1 + exp(-x)).
func sigmoid8(x reg.VecVirtual) reg.VecVirtual {
	s := onePlusExpMinus(x)
	one := YMM()
	VMOVUPS(constant("one", 1), one)
	VDIVPS(s, one, s)
	return s
}

// onePlusExpMinus returns 1 + exp(-x). It overwrites x.
func onePlusExpMinus(x reg.VecVirtual) reg.VecVirtual {
	VXORPS(constantBits("signBit", 1<<31), x, x)
	e := exp8(x, false)
	VADDPS(constant("one", 1), e, e)
	return e
}

func activations() {
	elementwise("expAVX2", "dst[i] = exp(x[i])", func(x reg.VecVirtual) reg.VecVirtual { return exp8(x, false) })
	elementwise("siluAVX2", "dst[i] = silu(x[i])", func(x reg.VecVirtual) reg.VecVirtual {
		u := YMM()
		VMOVAPS(x, u)
		VDIVPS(onePlusExpMinus(u), x, x)
		return x
	})
	elementwise("geluAVX2", "dst[i] = gelu(x[i])", func(x reg.VecVirtual) reg.VecVirtual {
		VDIVPS(onePlusExpMinus(gelu2u(x)), x, x)
		return x
	})
	gradient("siluBackwardAVX2", "dx[i] = dy[i] silu'(x[i])", func(x reg.VecVirtual) reg.VecVirtual {
		u := YMM()
		VMOVAPS(x, u)
		return slope(sigmoid8(u), x)
	})
	gradient("geluBackwardAVX2", "dx[i] = dy[i] gelu'(x[i])", func(x reg.VecVirtual) reg.VecVirtual {
		s := sigmoid8(gelu2u(x))
		du := YMM() // x times the derivative of 2u
		VMULPS(x, x, du)
		three := YMM()
		VMOVUPS(constant("gelu3C3", 3*0.07135481627260025), three)
		VFMADD213PS(constant("geluC1", 1.5957691216057308), three, du)
		VMULPS(x, du, du)
		return slope(s, du)
	})
}

// gelu2u returns 2u = x (geluC1 + geluC3 x^2).
func gelu2u(x reg.VecVirtual) reg.VecVirtual {
	u, c3 := YMM(), YMM()
	VMULPS(x, x, u)
	VMOVUPS(constant("geluC3", 0.07135481627260025), c3)
	VFMADD213PS(constant("geluC1", 1.5957691216057308), c3, u)
	VMULPS(x, u, u)
	return u
}

// slope returns s + s (1 - s) d. It overwrites d.
func slope(s, d reg.VecVirtual) reg.VecVirtual {
	rest := YMM()
	VMOVUPS(constant("one", 1), rest)
	VSUBPS(s, rest, rest)
	VMULPS(d, rest, d)
	VFMADD213PS(s, s, d)
	return d
}

func elementwise(name, doc string, f func(x reg.VecVirtual) reg.VecVirtual) {
	function(name, "func(dst, x []float32)",
		name+" computes "+doc+".")
	dst, x := base("dst"), base("x")
	forEach(length("x"), 1, func(l lanes, _ int) { l.store(f(l.load(x)), dst) })
	ret()
}

func gradient(name, doc string, slope func(x reg.VecVirtual) reg.VecVirtual) {
	function(name, "func(dx, dy, x []float32)",
		name+" computes "+doc+".")
	dx, dy, x := base("dx"), base("dy"), base("x")
	forEach(length("x"), 1, func(l lanes, _ int) {
		d := slope(l.load(x))
		VMULPS(l.load(dy), d, d)
		l.store(d, dx)
	})
	ret()
}

func softmax() {
	function("softmaxRow8", "func(dst, x []float32) (top float32, sum float64)",
		"softmaxRow8 computes dst[i] = exp(x[i] - top) / sum with top the largest x[i] and sum the sum of exp(x[i] - top).")
	dst, x, n := base("dst"), base("x"), length("x")
	least := broadcast(constantBits("minusInfinity", 0xff800000))
	tops := zeros(4)
	for i := range tops {
		VMOVAPS(least, tops[i])
	}
	forEach(n, 4, func(l lanes, u int) {
		v := l.load(x)
		if l.mask != nil {
			VBLENDVPS(l.mask, v, least, v)
		}
		VMAXPS(v, tops[u], tops[u])
	})
	top := fold(tops, maxLanes)
	zero := zeros(2)
	sums, group := [2]reg.VecVirtual{zero[0], zero[1]}, YMM()
	forEach(n, 4, func(l lanes, u int) {
		v := l.load(x)
		VSUBPS(top, v, v)
		e := exp8(v, true)
		l.zeroRest(e)
		l.store(e, dst)
		if u == 0 {
			VMOVAPS(e, group)
		} else {
			VADDPS(e, group, group)
		}
		if !l.more { // 32 terms in float32, all further ones in float64
			addWide(group, sums)
		}
	})
	sum := foldWide(sums[:]...)
	one := XMM()
	VMOVSD(table("one64", []uint32{0, 0x3ff00000}), one)
	VDIVSD(sum, one, one)
	VCVTSD2SS(one, one, one)
	scale := broadcast(one)
	forEach(n, 4, func(l lanes, _ int) {
		v := l.load(dst)
		VMULPS(scale, v, v)
		l.store(v, dst)
	})
	Store(top.AsX(), ReturnIndex(0))
	Store(sum, ReturnIndex(1))
	ret()
}

func weigh() {
	function("topRow8", "func(x []float32) (top float32)",
		"topRow8 returns the largest x[i], -Inf without one. NaN do not count.")
	x, n := base("x"), length("x")
	least := broadcast(constantBits("minusInfinity", 0xff800000))
	tops := zeros(4)
	for i := range tops {
		VMOVAPS(least, tops[i])
	}
	forEach(n, 4, func(l lanes, u int) {
		v := l.load(x)
		if l.mask != nil {
			VBLENDVPS(l.mask, v, least, v)
		}
		VMAXPS(tops[u], v, tops[u]) // of NaN and a number the second, here the first operand
	})
	Store(fold(tops, maxLanes).AsX(), ReturnIndex(0))
	ret()

	function("weighRow8", "func(x []float32, top float32) (sum float64)",
		"weighRow8 computes x[i] = exp(x[i] - top), 0 for NaN, and returns the sum. top is finite, the largest x[i].")
	x, n = base("x"), length("x")
	top := scalar("top")
	zero := zeros(4)
	sums := [2][2]reg.VecVirtual{{zero[0], zero[1]}, {zero[2], zero[3]}}
	forEach(n, 2, func(l lanes, u int) {
		v, number := l.load(x), YMM()
		VSUBPS(top, v, v)
		VCMPPS(Imm(ordered), v, v, number)
		e := exp8(v, true)
		VANDPS(number, e, e)
		l.zeroRest(e)
		l.store(e, x)
		addWide(e, sums[u])
	})
	Store(foldWide(zero...), ReturnIndex(0))
	ret()
}

// addLanes and maxLanes are operations for fold.
func addLanes(ops ...Op) { VADDPS(ops[0], ops[1], ops[2]) }
func maxLanes(ops ...Op) { VMAXPS(ops[0], ops[1], ops[2]) }
