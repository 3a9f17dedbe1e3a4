package main

import (
	"fmt"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectors are registers of one width.
type vectors struct {
	suffix string
	bytes  int
	make   func() reg.VecVirtual
	groups []int // strips of 16 columns that attention's register tile may have
}

var (
	ymm = vectors{"AVX2", 32, YMM, []int{1}}
	zmm = vectors{"AVX512", 64, ZMM, []int{4, 3, 2, 1}}
)

// wide says whether masks and comparisons have registers of their own.
func (v vectors) wide() bool { return v.bytes == 64 }

// lanes are neighbouring elements, as many as a vector holds; with a mask only the first
// few of them exist.
type lanes struct {
	vectors
	at   reg.Register // index of the first, in elements
	disp int          // further elements
	mask reg.Register
	more bool // in an unrolled loop: all but the last
}

func (l lanes) mem(base reg.Register) Mem {
	return Mem{Base: base, Index: l.at, Scale: 4, Disp: 4 * l.disp}
}

// load returns the elements, 0 for those that do not exist.
func (l lanes) load(base reg.Register) reg.VecVirtual {
	x := l.make()
	switch {
	case l.mask == nil:
		VMOVUPS(l.mem(base), x)
	case l.wide():
		VMOVUPS_Z(l.mem(base), l.mask, x)
	default:
		VMASKMOVPS(l.mem(base), l.mask, x)
	}
	return x
}

func (l lanes) store(x reg.VecVirtual, base reg.Register) {
	switch {
	case l.mask == nil:
		VMOVUPS(x, l.mem(base))
	case l.wide():
		VMOVUPS(x, l.mask, l.mem(base))
	default:
		VMASKMOVPS(x, l.mask, l.mem(base))
	}
}

// zeroRest sets elements of x that do not exist to 0.
func (l lanes) zeroRest(x reg.VecVirtual) {
	if l.mask != nil {
		l.keep(l.mask, x)
	}
}

// fillRest sets elements of x that do not exist to those of y.
func (l lanes) fillRest(x, y reg.VecVirtual) {
	switch {
	case l.mask == nil:
	case l.wide():
		VBLENDMPS(x, y, l.mask, x)
	default:
		VBLENDVPS(l.mask, x, y, x)
	}
}

var labels int

// label returns a name for a label not used before.
func label(stem string) string {
	labels++
	return fmt.Sprintf("%s%d", stem, labels)
}

// forEach emits loops that run body over elements 0 ... n-1: as long as possible over
// unroll vectors of them (u = 0 ... unroll-1), then over one, then over the rest.
func (v vectors) forEach(n reg.Register, unroll int, body func(l lanes, u int)) {
	at, left, per := GP64(), GP64(), v.bytes/4
	XORQ(at, at)
	MOVQ(n, left)
	for _, times := range []int{unroll, 1}[btoi(unroll == 1):] {
		loop, end := label("loop"), label("end")
		SUBQ(U32(per*times), left)
		JL(LabelRef(end))
		Label(loop)
		for u := range times {
			body(lanes{vectors: v, at: at, disp: per * u, more: u < times-1}, u)
		}
		ADDQ(U32(per*times), at)
		SUBQ(U32(per*times), left)
		JGE(LabelRef(loop))
		Label(end)
		ADDQ(U32(per*times), left)
	}
	done := label("done")
	TESTQ(left, left)
	JZ(LabelRef(done))
	var mask reg.Register
	if v.wide() {
		mask = maskFor(left)
	} else {
		mask, _ = masksFor(laneMasks(), left)
	}
	body(lanes{vectors: v, at: at, mask: mask}, 0)
	Label(done)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

var tables = map[string]Mem{}

// table returns a read-only table of the file, written at its first use.
func table(name string, words []uint32) Mem {
	if t, ok := tables[name]; ok {
		return t
	}
	t := GLOBL(name, RODATA|NOPTR)
	for i, w := range words {
		DATA(4*i, U32(w))
	}
	tables[name] = t
	return t
}

// constant returns a table of f for every lane.
func (v vectors) constant(name string, f float64) Mem {
	return v.constantBits(name, math.Float32bits(float32(f)))
}

func (v vectors) constantBits(name string, w uint32) Mem {
	if v.wide() {
		name += "16"
	}
	return table(name, slices.Repeat([]uint32{w}, v.bytes/4))
}

// laneMasks is a table from which a load at (16-n)*4 gives a mask of the first n of 16 lanes.
func laneMasks() Mem {
	words := make([]uint32, 32)
	for i := range 16 {
		words[i] = 0xffffffff
	}
	return table("laneMasks", words)
}

// masksFor loads the masks of lanes 0-7 and 8-15 for the first n lanes, 0 <= n <= 16.
func masksFor(table Mem, n reg.Register) (low, high reg.VecVirtual) {
	at, base := GP64(), GP64()
	MOVQ(U32(16), at)
	SUBQ(n, at)
	LEAQ(table, base)
	low, high = YMM(), YMM()
	VMOVUPS(Mem{Base: base, Index: at, Scale: 4}, low)
	VMOVUPS(Mem{Base: base, Index: at, Scale: 4, Disp: 32}, high)
	return low, high
}

// maskFor returns a mask of the first n of 16 lanes; of all if n > 16.
func maskFor(n reg.Register) reg.OpmaskVirtual {
	count, ones, mask := GP64(), GP32(), K()
	MOVQ(U32(16), count) // BZHI looks at 8 bits of its count
	CMPQ(n, Imm(16))
	CMOVQLT(n, count)
	MOVL(U32(0xffff), ones)
	BZHIL(count.As32(), ones, ones)
	KMOVW(ones, mask)
	return mask
}

// function starts a function whose pointers do not outlive the call.
func function(name, signature string, doc ...string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc...)
}

// base loads the address of a slice parameter.
func base(name string) reg.GPVirtual { return Load(Param(name).Base(), GP64()).(reg.GPVirtual) }

// length loads the length of a slice parameter.
func length(name string) reg.GPVirtual { return Load(Param(name).Len(), GP64()).(reg.GPVirtual) }

func ret() {
	VZEROUPPER()
	RET()
}

// keep sets elements of x outside the mask to 0.
func (v vectors) keep(mask reg.Register, x reg.VecVirtual) {
	if v.wide() {
		VMOVAPS_Z(x, mask, x)
	} else {
		VANDPS(mask, x, x)
	}
}

// mask returns a register for a mask.
func (v vectors) mask() reg.Register {
	if v.wide() {
		return K()
	}
	return v.make()
}

func (v vectors) clear(x reg.Register) {
	if v.wide() {
		VPXORD(x, x, x)
	} else {
		VXORPS(x, x, x)
	}
}

// zeros returns n vectors of 0.
func (v vectors) zeros(n int) []reg.VecVirtual {
	x := make([]reg.VecVirtual, n)
	for i := range x {
		x[i] = v.make()
		v.clear(x[i])
	}
	return x
}

func (v vectors) load(m Op) reg.VecVirtual {
	x := v.make()
	VMOVUPS(m, x)
	return x
}

// fold combines all vectors and then all lanes of the result by op into every lane of a
// vector.
func (v vectors) fold(x []reg.VecVirtual, op func(ops ...Op)) reg.VecVirtual {
	for n := len(x) / 2; n > 0; n /= 2 {
		for i := range n {
			op(x[i+n], x[i], x[i])
		}
	}
	all := x[0]
	if v.wide() {
		half := YMM()
		VEXTRACTF64X4(Imm(1), all, half)
		op(half, all.AsY(), half)
		all = half
	}
	t := YMM()
	VPERM2F128(Imm(1), all, all, t)
	op(t, all, all)
	VPERMILPS(Imm(0x4e), all, t)
	op(t, all, all)
	VPERMILPS(Imm(0xb1), all, t)
	op(t, all, all)
	if v.wide() {
		return v.broadcast(all.AsX())
	}
	return all
}

// float64s returns the lanes of x in two vectors of float64.
func (v vectors) float64s(x reg.VecVirtual) [2]reg.VecVirtual {
	low, high := v.make(), v.make()
	if v.wide() {
		half := YMM()
		VEXTRACTF64X4(Imm(1), x, half)
		VCVTPS2PD(x.AsY(), low)
		VCVTPS2PD(half, high)
	} else {
		half := XMM()
		VEXTRACTF128(Imm(1), x, half)
		VCVTPS2PD(x.AsX(), low)
		VCVTPS2PD(half, high)
	}
	return [2]reg.VecVirtual{low, high}
}

// addWide adds the lanes of x to two vectors of float64.
func (v vectors) addWide(x reg.VecVirtual, sums [2]reg.VecVirtual) {
	for i, w := range v.float64s(x) {
		VADDPD(w, sums[i], sums[i])
	}
}

// foldWide adds up all float64 lanes.
func (v vectors) foldWide(sums ...reg.VecVirtual) reg.VecVirtual {
	for _, s := range sums[1:] {
		VADDPD(s, sums[0], sums[0])
	}
	all := sums[0]
	if v.wide() {
		half := YMM()
		VEXTRACTF64X4(Imm(1), all, half)
		VADDPD(half, all.AsY(), half)
		all = half
	}
	half := XMM()
	VEXTRACTF128(Imm(1), all, half)
	VADDPD(half, all.AsX(), half)
	VHADDPD(half, half, half)
	return half
}

func (v vectors) broadcast(m Op) reg.VecVirtual {
	x := v.make()
	VBROADCASTSS(m, x)
	return x
}

// scalar broadcasts a parameter of 4 bytes.
func (v vectors) scalar(name string) reg.VecVirtual {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return v.broadcast(c.Addr)
}
