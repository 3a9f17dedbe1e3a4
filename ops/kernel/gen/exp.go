package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exponential returns a function from x to exp(x) by the formulas of exp.go in the parent
// folder; it overwrites x. If x is known to be at most about 0 there is no overflow.
func (v vectors) exponential(nonPositive bool) func(x reg.VecVirtual) reg.VecVirtual {
	if v.wide() {
		return exp16(nonPositive)
	}
	return func(x reg.VecVirtual) reg.VecVirtual { return exp8(x, nonPositive) }
}

func exp8(x reg.VecVirtual, nonPositive bool) reg.VecVirtual {
	t, n, r, q, rr := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPS(ymm.constant("expRounder", 3<<22), t)
	VFMADD231PS(ymm.constant("expLog2E", log2E), x, t)
	VSUBPS(ymm.constant("expRounder", 3<<22), t, n)
	VMOVAPS(x, r)
	VFNMADD231PS(ymm.constant("expLn2High", ln2High), n, r)
	VFNMADD231PS(ymm.constant("expLn2Low", ln2Low), n, r)
	VMOVUPS(ymm.constant("expC6", expC[0]), q)
	for i, c := range expC[1:] {
		VFMADD213PS(ymm.constant(fmt.Sprint("expC", 5-i), c), r, q)
	}
	VMULPS(r, r, rr)
	VFMADD213PS(r, rr, q)
	VADDPS(ymm.constant("one", 1), q, q)
	VPSLLD(Imm(23), t, t)
	VPADDD(t, q, q)
	outside := YMM()
	VCMPPS(Imm(lessThan), ymm.constant("expMin", expMin), x, outside)
	VANDNPS(q, outside, q)
	if !nonPositive {
		VCMPPS(Imm(greaterThan), ymm.constant("expMax", 88.72283), x, outside)
		VBLENDVPS(outside, ymm.constantBits("infinity", 0x7f800000), q, q)
	}
	return q
}

// exp16 rounds and scales by the instructions AVX-512 has for it. It keeps the constants in
// registers.
func exp16(nonPositive bool) func(x reg.VecVirtual) reg.VecVirtual {
	held := func(name string, f float64) reg.VecVirtual { return zmm.load(zmm.constant(name, f)) }
	scale, high, low := held("expLog2E", log2E), held("expLn2High", ln2High), held("expLn2Low", ln2Low)
	one, least := held("one", 1), held("expMin", expMin)
	var c []reg.VecVirtual
	for i, f := range expC {
		c = append(c, held(fmt.Sprint("expC", 6-i), f))
	}
	return func(x reg.VecVirtual) reg.VecVirtual {
		n, q, rr, normal := ZMM(), ZMM(), ZMM(), K()
		VCMPPS(Imm(notLess), least, x, normal)
		if !nonPositive {
			VMINPS(x, held("expCap", 89), x) // exp(89) overflows; infinity would become NaN
		}
		VMULPS(scale, x, n)
		VRNDSCALEPS(Imm(0), n, n)
		VFNMADD231PS(high, n, x)
		VFNMADD231PS(low, n, x)
		VMOVAPS(c[0], q)
		for _, f := range c[1:] {
			VFMADD213PS(f, x, q)
		}
		VMULPS(x, x, rr)
		VFMADD213PS(x, rr, q)
		VADDPS(one, q, q)
		VSCALEFPS_Z(n, q, normal, q)
		return q
	}
}

// The constants of exp.go in the parent folder.
const (
	log2E   = 1.44269504088896340736
	ln2High = 0.693359375
	ln2Low  = -2.12194440054690583e-4
	expMin  = -87.336544
)

// expC are the coefficients of r^6 to r^2.
var expC = []float64{0.0013926183587875844, 0.008363179052728216, 0.04166655461720141, 0.1666657698969869, 0.5}

// Predicates of VCMPPS: quiet, and false for NaN but for notLess.
const (
	ordered     = 0x07
	lessThan    = 0x11
	notLess     = 0x15
	greaterThan = 0x1e
)

// onePlusExpMinus returns a function from x to 1 + exp(-x). It overwrites x.
func (v vectors) onePlusExpMinus() func(x reg.VecVirtual) reg.VecVirtual {
	exp := v.exponential(false)
	return func(x reg.VecVirtual) reg.VecVirtual {
		VXORPS(v.constantBits("signBit", 1<<31), x, x)
		e := exp(x)
		VADDPS(v.constant("one", 1), e, e)
		return e
	}
}

func (v vectors) copyOf(x reg.VecVirtual) reg.VecVirtual {
	y := v.make()
	VMOVAPS(x, y)
	return y
}

func (v vectors) activations() {
	v.elementwise("exp", "exp(x[i])", func() func(x reg.VecVirtual) reg.VecVirtual { return v.exponential(false) })
	v.elementwise("silu", "silu(x[i])", func() func(x reg.VecVirtual) reg.VecVirtual {
		divisor := v.onePlusExpMinus()
		return func(x reg.VecVirtual) reg.VecVirtual {
			VDIVPS(divisor(v.copyOf(x)), x, x)
			return x
		}
	})
	v.elementwise("gelu", "gelu(x[i])", func() func(x reg.VecVirtual) reg.VecVirtual {
		divisor := v.onePlusExpMinus()
		return func(x reg.VecVirtual) reg.VecVirtual {
			VDIVPS(divisor(v.gelu2u(x)), x, x)
			return x
		}
	})
	v.gradient("silu", func(x reg.VecVirtual) (u, d reg.VecVirtual) { return v.copyOf(x), x })
	v.gradient("gelu", func(x reg.VecVirtual) (u, d reg.VecVirtual) {
		u, d = v.gelu2u(x), v.make()
		VMULPS(x, x, d)
		VFMADD213PS(v.constant("geluC1", 1.5957691216057308), v.load(v.constant("gelu3C3", 3*0.07135481627260025)), d)
		VMULPS(x, d, d)
		return u, d
	})
}

// gelu2u returns 2u = x (geluC1 + geluC3 x^2).
func (v vectors) gelu2u(x reg.VecVirtual) reg.VecVirtual {
	u := v.make()
	VMULPS(x, x, u)
	VFMADD213PS(v.constant("geluC1", 1.5957691216057308), v.load(v.constant("geluC3", 0.07135481627260025)), u)
	VMULPS(x, u, u)
	return u
}

// elementwise emits a loop over dst[i] = f(x[i]); prepare loads the constants of f.
func (v vectors) elementwise(name, doc string, prepare func() func(x reg.VecVirtual) reg.VecVirtual) {
	function(name+v.suffix, "func(dst, x []float32)",
		name+v.suffix+" computes dst[i] = "+doc+".")
	dst, x, f := base("dst"), base("x"), prepare()
	v.forEach(length("x"), 1, func(l lanes, _ int) { l.store(f(l.load(x)), dst) })
	ret()
}

// gradient emits the gradient of x sigmoid(u(x)): s + s (1 - s) d with s = sigmoid(u) and
// d = x u'. parts returns u and d and may overwrite x.
func (v vectors) gradient(name string, parts func(x reg.VecVirtual) (u, d reg.VecVirtual)) {
	full := name + "Backward" + v.suffix
	function(full, "func(dx, dy, x []float32)",
		full+" computes dx[i] = dy[i] "+name+"'(x[i]).")
	dx, dy, x, divisor := base("dx"), base("dy"), base("x"), v.onePlusExpMinus()
	v.forEach(length("x"), 1, func(l lanes, _ int) {
		u, d := parts(l.load(x))
		e, s, rest := divisor(u), v.make(), v.make()
		VMOVUPS(v.constant("one", 1), s)
		VDIVPS(e, s, s)
		VMOVUPS(v.constant("one", 1), rest)
		VSUBPS(s, rest, rest)
		VMULPS(d, rest, d)
		VFMADD213PS(s, s, d)
		VMULPS(l.load(dy), d, d)
		l.store(d, dx)
	})
	ret()
}

// tops returns 4 vectors of -Inf, and one more.
func (v vectors) tops() (tops []reg.VecVirtual, least reg.VecVirtual) {
	least = v.broadcast(v.constantBits("minusInfinity", 0xff800000))
	for range 4 {
		tops = append(tops, v.copyOf(least))
	}
	return tops, least
}

func (v vectors) softmax() {
	name := fmt.Sprint("softmaxRow", v.bytes/4)
	function(name, "func(dst, x []float32) (top float32, sum float64)",
		name+" computes dst[i] = exp(x[i] - top) / sum with top the largest x[i] and sum the sum of exp(x[i] - top).")
	dst, x, n := base("dst"), base("x"), length("x")
	tops, least := v.tops()
	v.forEach(n, 4, func(l lanes, u int) {
		y := l.load(x)
		l.fillRest(y, least)
		VMAXPS(y, tops[u], tops[u])
	})
	top := v.fold(tops, maxLanes)
	zero, exp, group := v.zeros(2), v.exponential(true), v.make()
	sums := [2]reg.VecVirtual{zero[0], zero[1]}
	v.forEach(n, 4, func(l lanes, u int) {
		y := l.load(x)
		VSUBPS(top, y, y)
		e := exp(y)
		l.zeroRest(e)
		l.store(e, dst)
		if u == 0 {
			VMOVAPS(e, group)
		} else {
			VADDPS(e, group, group)
		}
		if !l.more { // 4 terms in float32, all further ones in float64
			v.addWide(group, sums)
		}
	})
	sum := v.foldWide(sums[:]...)
	one := XMM()
	VMOVSD(table("one64", []uint32{0, 0x3ff00000}), one)
	VDIVSD(sum, one, one)
	VCVTSD2SS(one, one, one)
	scale := v.broadcast(one)
	v.forEach(n, 4, func(l lanes, _ int) {
		y := l.load(dst)
		VMULPS(scale, y, y)
		l.store(y, dst)
	})
	Store(top.AsX(), ReturnIndex(0))
	Store(sum, ReturnIndex(1))
	ret()
}

func (v vectors) weigh() {
	name := fmt.Sprint("topRow", v.bytes/4)
	function(name, "func(x []float32) (top float32)",
		name+" returns the largest x[i], -Inf without one. NaN do not count.")
	x, n := base("x"), length("x")
	tops, least := v.tops()
	v.forEach(n, 4, func(l lanes, u int) {
		y := l.load(x)
		l.fillRest(y, least)
		VMAXPS(tops[u], y, tops[u]) // of NaN and a number the second, here the first operand
	})
	Store(v.fold(tops, maxLanes).AsX(), ReturnIndex(0))
	ret()

	name = fmt.Sprint("weighRow", v.bytes/4)
	function(name, "func(x []float32, top float32) (sum float64)",
		name+" computes x[i] = exp(x[i] - top), 0 for NaN, and returns the sum. top is finite, the largest x[i].")
	x, n = base("x"), length("x")
	top, zero, exp := v.scalar("top"), v.zeros(4), v.exponential(true)
	sums := [2][2]reg.VecVirtual{{zero[0], zero[1]}, {zero[2], zero[3]}}
	v.forEach(n, 2, func(l lanes, u int) {
		y, numbers := l.load(x), v.mask()
		VSUBPS(top, y, y)
		VCMPPS(Imm(ordered), y, y, numbers)
		e := exp(y)
		v.keep(numbers, e)
		l.zeroRest(e)
		l.store(e, x)
		v.addWide(e, sums[u])
	})
	Store(v.foldWide(zero...), ReturnIndex(0))
	ret()
}

// addLanes and maxLanes are operations for fold.
func addLanes(ops ...Op) { VADDPS(ops[0], ops[1], ops[2]) }
func maxLanes(ops ...Op) { VMAXPS(ops[0], ops[1], ops[2]) }
