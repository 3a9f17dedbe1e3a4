package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func peak() {
	function("fmaPeak", "func(n int)",
		"fmaPeak runs n rounds of 12 independent 8-wide multiply-adds: what benchmarks measure against.")
	n := Load(Param("n"), GP64())
	var sums [12]reg.VecVirtual
	for i := range sums {
		sums[i] = YMM()
		VXORPS(sums[i], sums[i], sums[i])
	}
	Label("loop")
	for i := range sums {
		VFMADD231PS(sums[i], sums[i], sums[i])
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
