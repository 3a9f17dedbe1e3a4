package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (v vectors) adamW() {
	name := fmt.Sprint("adamW", v.bytes/4)
	function(name, "func(p, m, v, ema, g []float32, c *float32)",
		name+" is adamWPlain; c points to the first field of adamWConstants.")
	n := length("p")
	param, moment, square, ema, g := base("p"), base("m"), base("v"), base("ema"), base("g")
	c := Load(Param("c"), GP64())
	TESTQ(ema, ema)
	JZ(LabelRef("noEMA"))
	v.forEach(n, 1, func(l lanes, _ int) {
		next := l.adamW(param, moment, square, g, c)
		e, d := l.load(ema), v.make()
		VSUBPS(e, next, d)
		VFMADD231PS(v.constantOf(c, 9), d, e)
		l.store(e, ema)
	})
	ret()
	Label("noEMA")
	v.forEach(n, 1, func(l lanes, _ int) { l.adamW(param, moment, square, g, c) })
	ret()
}

// constantOf broadcasts field i of adamWConstants.
func (v vectors) constantOf(c reg.Register, i int) reg.VecVirtual {
	return v.broadcast(Mem{Base: c, Disp: 4 * i})
}

// adamW updates m, v and p and returns the new p.
func (l lanes) adamW(p, m, v, g, c reg.Register) reg.VecVirtual {
	gi := l.load(g)
	VMULPS(l.constantOf(c, 0), gi, gi)
	mi := l.load(m)
	VMULPS(l.constantOf(c, 1), mi, mi)
	VFMADD231PS(l.constantOf(c, 2), gi, mi)
	l.store(mi, m)
	vi := l.load(v)
	VMULPS(l.constantOf(c, 3), vi, vi)
	VMULPS(gi, gi, gi)
	VFMADD231PS(l.constantOf(c, 4), gi, vi)
	l.store(vi, v)
	VSQRTPS(vi, vi)
	eps := l.constantOf(c, 8)
	VFMADD132PS(l.constantOf(c, 7), eps, vi)
	VMULPS(l.constantOf(c, 6), mi, mi)
	VDIVPS(vi, mi, mi)
	pi := l.load(p)
	VFMSUB132PS(l.constantOf(c, 5), mi, pi)
	l.store(pi, p)
	return pi
}

func (v vectors) sumSquares() {
	function("sumSquares"+v.suffix, "func(x []float32) float64",
		"sumSquares"+v.suffix+" adds up x[i]^2 in float64.")
	x := base("x")
	sums := v.zeros(4)
	v.forEach(length("x"), 2, func(l lanes, u int) {
		for i, w := range v.float64s(l.load(x)) {
			VFMADD231PD(w, w, sums[2*u+i])
		}
	})
	Store(v.foldWide(sums...), ReturnIndex(0))
	ret()
}
