package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func peak() {
	fmaPeak("fmaPeak", "8", YMM)
	fmaPeak("fmaPeak512", "16", ZMM)
}

func fmaPeak(name, width string, register func() reg.VecVirtual) {
	function(name, "func(n int)",
		name+" runs n rounds of 12 independent "+width+"-wide multiply-adds: what benchmarks measure against.")
	n := Load(Param("n"), GP64())
	var sums [12]reg.VecVirtual
	for i := range sums {
		sums[i] = register()
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
