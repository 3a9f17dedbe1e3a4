package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes are 8 neighbouring elements; with a mask only the first few of them exist.
type lanes struct {
	at   reg.Register // index of the first, in elements
	disp int          // further elements
	mask reg.VecVirtual
	more bool // in an unrolled loop: all but the last
}

func (l lanes) mem(base reg.Register) Mem {
	return Mem{Base: base, Index: l.at, Scale: 4, Disp: 4 * l.disp}
}

// load returns the elements, 0 for those that do not exist.
func (l lanes) load(base reg.Register) reg.VecVirtual {
	v := YMM()
	if l.mask == nil {
		VMOVUPS(l.mem(base), v)
	} else {
		VMASKMOVPS(l.mem(base), l.mask, v)
	}
	return v
}

func (l lanes) store(v reg.VecVirtual, base reg.Register) {
	if l.mask == nil {
		VMOVUPS(v, l.mem(base))
	} else {
		VMASKMOVPS(v, l.mask, l.mem(base))
	}
}

// zeroRest sets elements of v that do not exist to 0.
func (l lanes) zeroRest(v reg.VecVirtual) {
	if l.mask != nil {
		VANDPS(l.mask, v, v)
	}
}

var labels int

// label returns a name for a label not used before.
func label(stem string) string {
	labels++
	return fmt.Sprintf("%s%d", stem, labels)
}

// forEach emits loops that run body over elements 0 ... n-1: as long as possible over
// unroll times 8 of them (u = 0 ... unroll-1), then over 8, then over the rest.
func forEach(n reg.Register, unroll int, body func(l lanes, u int)) {
	at, left := GP64(), GP64()
	XORQ(at, at)
	MOVQ(n, left)
	for _, times := range []int{unroll, 1}[btoi(unroll == 1):] {
		loop, end := label("loop"), label("end")
		SUBQ(U32(8*times), left)
		JL(LabelRef(end))
		Label(loop)
		for u := range times {
			body(lanes{at: at, disp: 8 * u, more: u < times-1}, u)
		}
		ADDQ(U32(8*times), at)
		SUBQ(U32(8*times), left)
		JGE(LabelRef(loop))
		Label(end)
		ADDQ(U32(8*times), left)
	}
	done := label("done")
	TESTQ(left, left)
	JZ(LabelRef(done))
	mask, _ := masksFor(laneMasks(), left)
	body(lanes{at: at, mask: mask}, 0)
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

// constant returns a table of 8 times f.
func constant(name string, f float64) Mem { return constantBits(name, math.Float32bits(float32(f))) }

func constantBits(name string, w uint32) Mem {
	return table(name, []uint32{w, w, w, w, w, w, w, w})
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

// zeros returns n vectors of 0.
func zeros(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = YMM()
		VXORPS(v[i], v[i], v[i])
	}
	return v
}

// fold combines all vectors and then all lanes of the result by op into every lane of the
// first vector.
func fold(v []reg.VecVirtual, op func(ops ...Op)) reg.VecVirtual {
	for n := len(v) / 2; n > 0; n /= 2 {
		for i := range n {
			op(v[i+n], v[i], v[i])
		}
	}
	t := YMM()
	VPERM2F128(Imm(1), v[0], v[0], t)
	op(t, v[0], v[0])
	VPERMILPS(Imm(0x4e), v[0], t)
	op(t, v[0], v[0])
	VPERMILPS(Imm(0xb1), v[0], t)
	op(t, v[0], v[0])
	return v[0]
}

// addWide adds 8 lanes of float32 to two vectors of float64.
func addWide(v reg.VecVirtual, sums [2]reg.VecVirtual) {
	high, low, wide := XMM(), YMM(), YMM()
	VEXTRACTF128(Imm(1), v, high)
	VCVTPS2PD(v.AsX(), low)
	VCVTPS2PD(high, wide)
	VADDPD(low, sums[0], sums[0])
	VADDPD(wide, sums[1], sums[1])
}

// foldWide adds up all float64 lanes.
func foldWide(sums ...reg.VecVirtual) reg.VecVirtual {
	for _, s := range sums[1:] {
		VADDPD(s, sums[0], sums[0])
	}
	half := XMM()
	VEXTRACTF128(Imm(1), sums[0], half)
	VADDPD(half, sums[0].AsX(), half)
	VHADDPD(half, half, half)
	return half
}

func broadcast(m Op) reg.VecVirtual {
	v := YMM()
	VBROADCASTSS(m, v)
	return v
}

// scalar broadcasts a parameter of 4 bytes.
func scalar(name string) reg.VecVirtual {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return broadcast(c.Addr)
}
