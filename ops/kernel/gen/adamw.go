package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func adamW() {
	function("adamW8", "func(p, m, v, ema, g []float32, c *float32)",
		"adamW8 is adamWPlain, 8 elements at a time; c points to the first field of adamWConstants.")
	n := length("p")
	p, m, v, ema, g := base("p"), base("m"), base("v"), base("ema"), base("g")
	c := Load(Param("c"), GP64())
	TESTQ(ema, ema)
	JZ(LabelRef("noEMA"))
	forEach(n, 1, func(l lanes, _ int) {
		next := adamWLanes(l, p, m, v, g, c)
		e, d := l.load(ema), YMM()
		VSUBPS(e, next, d)
		VFMADD231PS(constantOf(c, 9), d, e)
		l.store(e, ema)
	})
	ret()
	Label("noEMA")
	forEach(n, 1, func(l lanes, _ int) { adamWLanes(l, p, m, v, g, c) })
	ret()
}

// constantOf broadcasts field i of adamWConstants.
func constantOf(c reg.Register, i int) reg.VecVirtual { return broadcast(Mem{Base: c, Disp: 4 * i}) }

// adamWLanes updates m, v and p and returns the new p.
func adamWLanes(l lanes, p, m, v, g, c reg.Register) reg.VecVirtual {
	gi := l.load(g)
	VMULPS(constantOf(c, 0), gi, gi)
	mi := l.load(m)
	VMULPS(constantOf(c, 1), mi, mi)
	VFMADD231PS(constantOf(c, 2), gi, mi)
	l.store(mi, m)
	vi := l.load(v)
	VMULPS(constantOf(c, 3), vi, vi)
	VMULPS(gi, gi, gi)
	VFMADD231PS(constantOf(c, 4), gi, vi)
	l.store(vi, v)
	VSQRTPS(vi, vi)
	eps := constantOf(c, 8)
	VFMADD132PS(constantOf(c, 7), eps, vi)
	VMULPS(constantOf(c, 6), mi, mi)
	VDIVPS(vi, mi, mi)
	pi := l.load(p)
	VFMSUB132PS(constantOf(c, 5), mi, pi)
	l.store(pi, p)
	return pi
}

func sumSquares() {
	function("sumSquaresAVX2", "func(x []float32) float64",
		"sumSquaresAVX2 adds up x[i]^2 in float64.")
	x := base("x")
	sums := zeros(4)
	forEach(length("x"), 2, func(l lanes, u int) {
		v := l.load(x)
		high, low, wide := XMM(), YMM(), YMM()
		VEXTRACTF128(Imm(1), v, high)
		VCVTPS2PD(v.AsX(), low)
		VCVTPS2PD(high, wide)
		VFMADD231PD(low, low, sums[2*u])
		VFMADD231PD(wide, wide, sums[2*u+1])
	})
	Store(foldWide(sums...), ReturnIndex(0))
	ret()
}
