package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func attention() {
	for _, v := range []vectors{ymm, zmm} {
		v.multiplyRows()
		v.weighScores()
		v.gradScores()
	}
	scaleRow()
	dot()
	fetchRows()
}

func fetchRows() {
	function("fetchRows", "func(x *float32, ld, n, width int)",
		"fetchRows asks for n > 0 rows of width > 0 floats, ld apart, to be brought into the first-level cache.")
	x, ld, n := Load(Param("x"), GP64()), bytes("ld"), Load(Param("n"), GP64())
	width := bytes("width")
	Label("row")
	at := GP64()
	XORQ(at, at)
	Label("line")
	PREFETCHT0(Mem{Base: x, Index: at, Scale: 1})
	ADDQ(Imm(64), at)
	CMPQ(at, width)
	JL(LabelRef("line"))
	ADDQ(ld, x)
	DECQ(n)
	JNZ(LabelRef("row"))
	ret()
}

// multiplyRows is the product of all matrices in attention. Its operands lie in memory as
// they are: rows and columns of A at any distance, B in strips of 16 columns.
func (v vectors) multiplyRows() {
	function("multiplyRows"+v.suffix,
		"func(c *float32, ldc int, a *float32, aRow, aCol int, b *float32, bRow, bStrip, k, rows, strips int, add bool)",
		"multiplyRows"+v.suffix+" computes, for rows rounded up to a multiple of 6 and 16*strips columns,",
		"c[i*ldc + j] = (or +=, with add) sum over p < k of a[i*aRow + p*aCol] * b[p*bRow + j/16*bStrip + j%16].",
		"k is at least 1.")
	g := strips{
		vectors: v, ldc: bytes("ldc"),
		aRow: bytes("aRow"), aCol: bytes("aCol"), bRow: bytes("bRow"), bStrip: bytes("bStrip"),
	}
	for r := range g.sums {
		for range v.groups[0] * 64 / v.bytes {
			g.sums[r] = append(g.sums[r], v.make())
		}
	}
	left := GP64()
	Label("columns")
	Load(Param("strips"), left)
	for _, n := range v.groups[:len(v.groups)-1] {
		CMPQ(left, Imm(uint64(n)))
		JGE(LabelRef(g.name(n)))
	}
	for i := len(v.groups) - 1; i >= 0; i-- {
		g.group(v.groups[i])
		JG(LabelRef("columns"))
		ret()
	}
}

// bytes loads a number of floats as bytes.
func bytes(name string) reg.Register {
	n := Load(Param(name), GP64())
	SHLQ(Imm(2), n)
	return n
}

func address(name string) Mem {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}

// strips are the distances, in bytes, that multiplyRows goes by, and its register tile.
type strips struct {
	vectors
	ldc, aRow, aCol, bRow, bStrip reg.Register
	sums                          [tileRows][]reg.VecVirtual
}

func (g strips) name(n int) string { return "strips" + string(rune('0'+n)) }

// group emits the loops over all rows for n strips and moves the parameters past them. It
// leaves the flags of the number of strips left.
func (g strips) group(n int) {
	Label(g.name(n))
	c, a, rows := Load(Param("c"), GP64()), Load(Param("a"), GP64()), Load(Param("rows"), GP64())
	row := g.name(n) + "row"
	Label(row)
	sums := g.start(n, c)
	g.products(sums, a, n)
	to := GP64()
	MOVQ(c, to)
	for r := range sums {
		for i, s := range sums[r] {
			VMOVUPS(s, Mem{Base: to, Disp: i * g.bytes})
		}
		ADDQ(g.ldc, to)
	}
	MOVQ(to, c)
	for range 2 {
		LEAQ(Mem{Base: a, Index: g.aRow, Scale: 2}, a)
		ADDQ(g.aRow, a)
	}
	SUBQ(Imm(tileRows), rows)
	JG(LabelRef(row))
	ADDQ(U32(64*n), address("c"))
	skip := GP64()
	IMUL3Q(U8(n), g.bStrip, skip)
	ADDQ(skip, address("b"))
	SUBQ(Imm(uint64(n)), address("strips"))
}

// start returns the sums of 6 rows: 0, or with add what c holds.
func (g strips) start(n int, c reg.Register) (sums [tileRows][]reg.VecVirtual) {
	for r := range sums {
		sums[r] = g.sums[r][:n*64/g.bytes]
		for _, s := range sums[r] {
			g.clear(s)
		}
	}
	products := g.name(n) + "products"
	add := Load(Param("add"), GP8())
	TESTB(add, add)
	JZ(LabelRef(products))
	from := GP64()
	MOVQ(c, from)
	for r := range sums {
		for i, s := range sums[r] {
			VMOVUPS(Mem{Base: from, Disp: i * g.bytes}, s)
		}
		ADDQ(g.ldc, from)
	}
	Label(products)
	return sums
}

// products adds the products of 6 rows of A by n strips of B to the sums.
func (g strips) products(sums [tileRows][]reg.VecVirtual, a reg.Register, n int) {
	k := Load(Param("k"), GP64())
	var as, bs [2]reg.Register // the first of 3 rows, the first of 3 strips
	as[0], bs[0] = GP64(), Load(Param("b"), GP64())
	MOVQ(a, as[0])
	as[1] = third(as[0], g.aRow)
	if n > 3 {
		bs[1] = third(bs[0], g.bStrip)
	}
	loop := g.name(n) + "loop"
	Label(loop)
	var b []reg.VecVirtual
	for i := range n * 64 / g.bytes {
		strip, part := i*g.bytes/64, i*g.bytes%64
		b = append(b, g.load(nth(bs, g.bStrip, strip).Offset(part)))
	}
	for r := range sums {
		x := g.broadcast(nth(as, g.aRow, r))
		for i, s := range sums[r] {
			VFMADD231PS(b[i], x, s)
		}
	}
	for i := range 2 {
		ADDQ(g.aCol, as[i])
		if bs[i] != nil {
			ADDQ(g.bRow, bs[i])
		}
	}
	DECQ(k)
	JNZ(LabelRef(loop))
}

// third returns x + 3*step.
func third(x, step reg.Register) reg.Register {
	y := GP64()
	LEAQ(Mem{Base: x, Index: step, Scale: 2}, y)
	ADDQ(step, y)
	return y
}

// nth is the operand i steps on.
func nth(bases [2]reg.Register, step reg.Register, i int) Mem {
	m := Mem{Base: bases[i/3]}
	if i%3 > 0 {
		m.Index, m.Scale = step, uint8(i%3)
	}
	return m
}

// blocks emits loops over n > 0 floats, a multiple of 16, at each pointer: unroll vectors
// and then one at a time.
func (v vectors) blocks(n reg.Register, unroll int, body func(u int), pointers ...reg.Register) {
	left := GP64()
	MOVQ(n, left)
	per := v.bytes / 4
	for _, times := range []int{unroll, 1} {
		loop, end := label("loop"), label("end")
		SUBQ(U32(per*times), left)
		JL(LabelRef(end))
		Label(loop)
		for u := range times {
			body(u)
		}
		for _, p := range pointers {
			ADDQ(U32(v.bytes*times), p)
		}
		SUBQ(U32(per*times), left)
		JGE(LabelRef(loop))
		Label(end)
		ADDQ(U32(per*times), left)
	}
}

func (v vectors) weighScores() {
	function("topScore"+v.suffix, "func(s *float32, n int) float32",
		"topScore"+v.suffix+" returns the largest of n scores, a multiple of 16.")
	s, n := Load(Param("s"), GP64()), Load(Param("n"), GP64())
	least := v.broadcast(v.constantBits("minusInfinity", 0xff800000))
	var tops, sums []reg.VecVirtual
	for range 4 {
		t := v.make()
		VMOVAPS(least, t)
		tops = append(tops, t)
	}
	v.blocks(n, 4, func(u int) {
		VMAXPS(Mem{Base: s, Disp: u * v.bytes}, tops[u], tops[u])
	}, s)
	Store(v.fold(tops, maxLanes).AsX(), ReturnIndex(0))
	ret()

	function("weighScores"+v.suffix, "func(s *float32, n int, scale, top float32) float32",
		"weighScores"+v.suffix+" turns n scores, a multiple of 16, into weights s[i] = exp(scale*s[i] - top) and returns",
		"their sum. top is at least scale*s[i].")
	s, n = Load(Param("s"), GP64()), Load(Param("n"), GP64())
	scale, top, exp := v.scalar("scale"), v.scalar("top"), v.exponential(true)
	for range 4 {
		z := v.make()
		v.clear(z)
		sums = append(sums, z)
	}
	v.blocks(n, 4, func(u int) {
		at := Mem{Base: s, Disp: u * v.bytes}
		x := v.load(at)
		VFMSUB213PS(top, scale, x)
		e := exp(x)
		VADDPS(e, sums[u], sums[u])
		VMOVUPS(e, at)
	}, s)
	Store(v.fold(sums, addLanes).AsX(), ReturnIndex(0))
	ret()
}

func (v vectors) gradScores() {
	function("gradScores"+v.suffix, "func(p, ds *float32, n int, scale, lse, delta float32)",
		"gradScores"+v.suffix+" turns n scores p, a multiple of 16, into probabilities exp(scale*p[i] - lse), and their",
		"gradients ds into those of the scores, scale*p[i]*(ds[i] - delta).")
	p, ds, n := Load(Param("p"), GP64()), Load(Param("ds"), GP64()), Load(Param("n"), GP64())
	scale, lse, delta := v.scalar("scale"), v.scalar("lse"), v.scalar("delta")
	exp := v.exponential(true)
	v.blocks(n, 4, func(u int) {
		x := v.load(Mem{Base: p, Disp: u * v.bytes})
		VFMSUB213PS(lse, scale, x)
		e := exp(x)
		VMOVUPS(e, Mem{Base: p, Disp: u * v.bytes})
		d := v.load(Mem{Base: ds, Disp: u * v.bytes})
		VSUBPS(delta, d, d)
		VMULPS(scale, e, e)
		VMULPS(e, d, d)
		VMOVUPS(d, Mem{Base: ds, Disp: u * v.bytes})
	}, p, ds)
	ret()
}

func scaleRow() {
	function("scaleRow8", "func(dst, x []float32, s float32)",
		"scaleRow8 computes dst[i] = s*x[i].")
	dst, x, s := base("dst"), base("x"), ymm.scalar("s")
	ymm.forEach(length("dst"), 4, func(l lanes, _ int) {
		v := l.load(x)
		VMULPS(s, v, v)
		l.store(v, dst)
	})
	ret()
}

func dot() {
	function("dot8", "func(x, y []float32) float32",
		"dot8 returns the sum of x[i]*y[i].")
	x, y := base("x"), base("y")
	sums := ymm.zeros(4)
	ymm.forEach(length("x"), 4, func(l lanes, u int) { VFMADD231PS(l.load(x), l.load(y), sums[u]) })
	Store(ymm.fold(sums, addLanes).AsX(), ReturnIndex(0))
	ret()
}
