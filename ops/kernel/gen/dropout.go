package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (v vectors) dropout() {
	function("keepRow"+v.suffix, "func(keep []float32, key0, key1, first, threshold uint32, scale float32)",
		"keepRow"+v.suffix+" is keepRowPlain.")
	keep, n := base("keep"), length("keep")
	counter := v.scalar("first")
	key0, key1, limit, scale := v.scalar("key0"), v.scalar("key1"), v.scalar("threshold"), v.scalar("scale")
	numbers := make([]uint32, v.bytes/4)
	for i := range numbers {
		numbers[i] = uint32(i)
	}
	VPADDD(table("laneNumbers"+v.suffix, numbers), counter, counter)
	step := v.load(v.constantBits("lanes", uint32(v.bytes/4)))
	v.forEach(n, 2, func(l lanes, _ int) {
		h, t := v.make(), v.make()
		v.xor(key0, counter, h)
		VPADDD(step, counter, counter)
		VPSRLD(Imm(16), h, t)
		v.xor(t, h, h)
		VPMULLD(v.constantBits("hashFirst", 0x7feb352d), h, h)
		VPADDD(key1, h, h)
		VPSRLD(Imm(15), h, t)
		v.xor(t, h, h)
		VPMULLD(v.constantBits("hashSecond", 0x846ca68b), h, h)
		VPSRLD(Imm(16), h, t)
		v.xor(t, h, h)
		if v.wide() {
			kept := K()
			VPCMPUD(Imm(notBelow), limit, h, kept)
			VMOVAPS_Z(scale, kept, h)
		} else { // Unsigned h >= limit: the larger of both is h.
			VPMAXUD(limit, h, t)
			VPCMPEQD(t, h, h)
			VPAND(scale, h, h)
		}
		l.store(h, keep)
	})
	ret()
}

const notBelow = 5 // predicate of VPCMPUD

func (v vectors) xor(x, y, dst reg.Register) {
	if v.wide() {
		VPXORD(x, y, dst)
	} else {
		VPXOR(x, y, dst)
	}
}
