package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func dropout() {
	function("keepRowAVX2", "func(keep []float32, key0, key1, first, threshold uint32, scale float32)",
		"keepRowAVX2 is keepRowPlain, 8 counters at a time.")
	keep, n := base("keep"), length("keep")
	counter, lanes8 := scalar("first"), YMM()
	key0, key1, limit, scale := scalar("key0"), scalar("key1"), scalar("threshold"), scalar("scale")
	VPADDD(table("laneNumbers", []uint32{0, 1, 2, 3, 4, 5, 6, 7}), counter, counter)
	VMOVDQU(constantBits("eight", 8), lanes8)
	forEach(n, 2, func(l lanes, _ int) {
		h, t := YMM(), YMM()
		VPXOR(key0, counter, h)
		VPADDD(lanes8, counter, counter)
		VPSRLD(Imm(16), h, t)
		VPXOR(t, h, h)
		VPMULLD(constantBits("hashFirst", 0x7feb352d), h, h)
		VPADDD(key1, h, h)
		VPSRLD(Imm(15), h, t)
		VPXOR(t, h, h)
		VPMULLD(constantBits("hashSecond", 0x846ca68b), h, h)
		VPSRLD(Imm(16), h, t)
		VPXOR(t, h, h)
		// Unsigned h >= limit: the larger of both is h.
		VPMAXUD(limit, h, t)
		VPCMPEQD(t, h, h)
		VPAND(scale, h, h)
		l.store(h, keep)
	})
	ret()
}
