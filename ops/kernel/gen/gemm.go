package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The register tile: 6 rows of op(A) by 16 columns of op(B) keep 12 of 16 vector
// registers busy with sums, 2 with a row of B and 2 with elements of A.
const (
	tileRows = 6
	tileCols = 16
	unroll   = 8
)

func gemm() {
	gemmStrip()
	packCopy6()
	packCopy16()
	packTranspose6()
	packTranspose8()
	packTranspose8BF16()
}

const stripSignature = "func(c *float32, ldc int, a *float32, aPanel, aRow, aCol int, b, bias *float32, k, rows, cols int, accumulate bool)"

func gemmStrip() {
	function("gemmStrip", stripSignature,
		"gemmStrip computes a strip of cols <= 16 columns of C, for b packed in rows of 16 and bias of 16 elements:",
		"C[i, j] = bias[j] + (or C[i, j] +=, with accumulate) sum over p of a[i/6*aPanel + i%6*aRow + p*aCol] * b[p*16 + j].",
		"It reads all 6 rows of the last panel of a. k is at least 1.")
	c, ldc, rows := Load(Param("c"), GP64()), bytes("ldc"), Load(Param("rows"), GP64())
	aStart, aRow, aCol := Load(Param("a"), GP64()), bytes("aRow"), bytes("aCol")

	Label("panel")
	a := [2]reg.Register{GP64(), nil} // the first of 3 rows
	MOVQ(aStart, a[0])
	a[1] = third(a[0], aRow)
	b := Load(Param("b"), GP64())
	k := Load(Param("k"), GP64())
	sums := biasTile(Load(Param("bias"), GP64()))
	step := func(times int) {
		for u := range times {
			outerProduct(sums, a, aRow, aCol, b, u)
		}
		ADDQ(U32(uint32(times*tileCols*4)), b)
	}
	SUBQ(Imm(unroll), k)
	JL(LabelRef("tail"))
	Label("loop")
	step(unroll)
	SUBQ(Imm(unroll), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(unroll), k)
	JZ(LabelRef("store"))
	Label("tailLoop")
	step(1)
	DECQ(k)
	JNZ(LabelRef("tailLoop"))

	Label("store")
	storeTile(sums, c, ldc, rows)
	Label("next")
	ADDQ(bytes("aPanel"), aStart)
	SUBQ(Imm(tileRows), rows)
	JG(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

type tile [tileRows][2]reg.VecVirtual

// biasTile returns 6 rows of bias.
func biasTile(bias reg.Register) (sums tile) {
	for r := range sums {
		for h := range sums[r] {
			if r == 0 {
				sums[r][h] = ymm.load(Mem{Base: bias, Disp: 32 * h})
			} else {
				sums[r][h] = ymm.copyOf(sums[0][h])
			}
		}
	}
	return sums
}

// outerProduct adds a column of A times row p of the B strip, and moves on to A's next
// column.
func outerProduct(sums tile, a [2]reg.Register, aRow, aCol, b reg.Register, p int) {
	b0, b1 := ymm.load(Mem{Base: b, Disp: p * tileCols * 4}), ymm.load(Mem{Base: b, Disp: p*tileCols*4 + 32})
	for r := range sums {
		ar := ymm.broadcast(nth(a, aRow, r))
		VFMADD231PS(b0, ar, sums[r][0])
		VFMADD231PS(b1, ar, sums[r][1])
	}
	ADDQ(aCol, a[0])
	ADDQ(aCol, a[1])
}

// storeTile writes or adds the tile to C and moves c down by its rows. Columns beyond cols
// are masked, rows beyond rows are skipped.
func storeTile(sums tile, c, ldc, rows reg.Register) {
	cols := GP64()
	accumulate := GP64()
	Load(Param("cols"), cols)
	acc := Load(Param("accumulate"), GP8())
	MOVBQZX(acc, accumulate)
	CMPQ(cols, Imm(tileCols))
	JNE(LabelRef("masked"))
	for _, add := range []bool{false, true} {
		if add {
			Label("fullAdd")
		} else {
			TESTQ(accumulate, accumulate)
			JNZ(LabelRef("fullAdd"))
		}
		for r := range sums {
			if add {
				VADDPS(Mem{Base: c}, sums[r][0], sums[r][0])
				VADDPS(Mem{Base: c, Disp: 32}, sums[r][1], sums[r][1])
			}
			VMOVUPS(sums[r][0], Mem{Base: c})
			VMOVUPS(sums[r][1], Mem{Base: c, Disp: 32})
			endRow(r, c, ldc, rows)
		}
	}
	Label("masked")
	low, high := masksFor(laneMasks(), cols)
	for _, add := range []bool{false, true} {
		if add {
			Label("maskedAdd")
		} else {
			TESTQ(accumulate, accumulate)
			JNZ(LabelRef("maskedAdd"))
		}
		for r := range sums {
			if add {
				old := YMM()
				VMASKMOVPS(Mem{Base: c}, low, old)
				VADDPS(old, sums[r][0], sums[r][0])
				VMASKMOVPS(Mem{Base: c, Disp: 32}, high, old)
				VADDPS(old, sums[r][1], sums[r][1])
			}
			VMASKMOVPS(sums[r][0], low, Mem{Base: c})
			VMASKMOVPS(sums[r][1], high, Mem{Base: c, Disp: 32})
			endRow(r, c, ldc, rows)
		}
	}
}

// endRow moves c to the next row and leaves the tile after its last valid row.
func endRow(r int, c, ldc, rows reg.Register) {
	ADDQ(ldc, c)
	if r == tileRows-1 {
		JMP(LabelRef("next"))
		return
	}
	CMPQ(rows, Imm(uint64(r+1)))
	JLE(LabelRef("next"))
}

// The packers for an operand whose elements of one p are neighbours in memory.

func packCopy6() {
	function("packCopy6", "func(dst, src *float32, ld, k, n int)",
		"packCopy6 packs n <= 6 columns of src [k, ld]: dst[p*6 + i] = src[p*ld + i], 0 for i >= n.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	ld, k := Load(Param("ld"), GP64()), Load(Param("k"), GP64())
	SHLQ(U8(2), ld)
	mask, _ := masksFor(laneMasks(), Load(Param("n"), GP64()))
	TESTQ(k, k)
	JZ(LabelRef("done"))
	Label("loop")
	v, rest := YMM(), XMM()
	VMASKMOVPS(Mem{Base: src}, mask, v)
	VEXTRACTF128(Imm(1), v, rest)
	VMOVUPS(v.AsX(), Mem{Base: dst})
	VMOVLPS(rest, Mem{Base: dst, Disp: 16})
	ADDQ(ld, src)
	ADDQ(Imm(tileRows*4), dst)
	DECQ(k)
	JNZ(LabelRef("loop"))
	Label("done")
	ret()
}

func packCopy16() {
	function("packCopy16", "func(dst *float32, strip int, src *float32, ld, k, n int)",
		"packCopy16 packs n > 0 columns of src [k, ld] into strips: dst[i/16*strip + p*16 + i%16] = src[p*ld + i], and 0",
		"for i >= n. It goes through src row by row: a strip at a time would touch a page for every 64 bytes.")
	dst, strip := Load(Param("dst"), GP64()), Load(Param("strip"), GP64())
	src, ld := Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	k, n := Load(Param("k"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), strip)
	last := GP64() // columns of the last strip, 1 to 16
	LEAQ(Mem{Base: n, Disp: -1}, last)
	ANDQ(Imm(tileCols-1), last)
	INCQ(last)
	low, high := masksFor(laneMasks(), last)
	TESTQ(k, k)
	JZ(LabelRef("done"))
	from, to, left := GP64(), GP64(), GP64()
	v, w := YMM(), YMM()
	store := func() {
		VMOVUPS(v, Mem{Base: to})
		VMOVUPS(w, Mem{Base: to, Disp: 32})
	}
	Label("row")
	MOVQ(src, from)
	MOVQ(dst, to)
	MOVQ(n, left)
	JMP(LabelRef("check"))
	Label("full")
	VMOVUPS(Mem{Base: from}, v)
	VMOVUPS(Mem{Base: from, Disp: 32}, w)
	store()
	ADDQ(Imm(tileCols*4), from)
	ADDQ(strip, to)
	Label("check")
	SUBQ(Imm(tileCols), left)
	JG(LabelRef("full"))
	VMASKMOVPS(Mem{Base: from}, low, v)
	VMASKMOVPS(Mem{Base: from, Disp: 32}, high, w)
	store()
	ADDQ(ld, src)
	ADDQ(Imm(tileCols*4), dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	Label("done")
	ret()
}

// An element is what a packer reads: its size and how 8 of them or one become float32.
type element struct {
	log2Bytes int
	octet     func(Mem) reg.VecVirtual
	single    func(from, to Mem)
}

var float32s = element{2, move, func(from, to Mem) {
	v := XMM()
	VMOVSS(from, v)
	VMOVSS(v, to)
}}

// bfloat16s are the upper halves of float32s.
var bfloat16s = element{1, func(m Mem) reg.VecVirtual {
	v := YMM()
	VPMOVZXWD(m, v)
	VPSLLD(Imm(16), v, v)
	return v
}, func(from, to Mem) {
	v := GP32()
	MOVWLZX(from, v)
	SHLL(Imm(16), v)
	MOVL(v, to)
}}

// rowPointers returns pointers to rows 0 ... count-1 of src; rows from n on repeat the last.
func (e element) rowPointers(count int) []reg.GPVirtual {
	ld, n := Load(Param("ld"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(e.log2Bytes), ld)
	return pointers(count, Load(Param("src"), GP64()), ld, n)
}

// pointers returns first + r*ld (bytes) for r < count, repeating the last one from n on.
func pointers(count int, first, ld, n reg.Register) []reg.GPVirtual {
	rows := make([]reg.GPVirtual, count)
	rows[0] = first.(reg.GPVirtual)
	for r := 1; r < count; r++ {
		rows[r] = GP64()
		LEAQ(Mem{Base: rows[r-1], Index: ld, Scale: 1}, rows[r])
		CMPQ(n, Imm(uint64(r)))
		CMOVQLE(rows[r-1], rows[r])
	}
	return rows
}

// transposeLoop runs block for every 8 columns of src and single for each one left over.
func (e element) transposeLoop(step int, block, single func(at, dst reg.Register), at, dst reg.Register) {
	k := Load(Param("k"), GP64())
	SUBQ(Imm(8), k)
	JL(LabelRef("tail"))
	Label("loop")
	block(at, dst)
	ADDQ(Imm(8<<e.log2Bytes), at)
	ADDQ(U32(8*step*4), dst)
	SUBQ(Imm(8), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(8), k)
	JZ(LabelRef("done"))
	Label("single")
	single(at, dst)
	ADDQ(Imm(1<<e.log2Bytes), at)
	ADDQ(Imm(uint64(step*4)), dst)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
	VZEROUPPER()
	RET()
}

// quads turns rows 4x8 into columns: result[c] holds column c in its low and column c+4 in
// its high half.
func quads(rows []Mem, load func(Mem) reg.VecVirtual) [4]reg.VecVirtual {
	var x [4]reg.VecVirtual
	for r := range x {
		x[r] = load(rows[r])
	}
	return columnsOf(x, YMM)
}

// columnsOf turns 4 rows into columns within each lane of 4 elements: lane l of result[c]
// holds column 4l+c. The vectors are of the kind that vector makes.
func columnsOf(x [4]reg.VecVirtual, vector func() reg.VecVirtual) [4]reg.VecVirtual {
	t0, t1, t2, t3 := vector(), vector(), vector(), vector()
	VUNPCKLPS(x[1], x[0], t0)
	VUNPCKHPS(x[1], x[0], t1)
	VUNPCKLPS(x[3], x[2], t2)
	VUNPCKHPS(x[3], x[2], t3)
	VUNPCKLPD(t2, t0, x[0])
	VUNPCKHPD(t2, t0, x[1])
	VUNPCKLPD(t3, t1, x[2])
	VUNPCKHPD(t3, t1, x[3])
	return x
}

// move loads 8 elements.
func move(m Mem) reg.VecVirtual {
	v := YMM()
	VMOVUPS(m, v)
	return v
}

// octet turns rows 8x8 into columns.
func octet(rows []Mem, load func(Mem) reg.VecVirtual) (columns [8]reg.VecVirtual) {
	q, r := quads(rows[:4], load), quads(rows[4:], load)
	for c := range q {
		columns[c] = YMM()
		VINSERTF128(Imm(1), r[c].AsX(), q[c], columns[c])
		VPERM2F128(Imm(0x31), r[c], q[c], q[c])
		columns[c+4] = q[c]
	}
	return columns
}

// transpose6x8 writes rows 6x8 as 8 columns of 6 from dst on.
func transpose6x8(rows []Mem, dst Mem) {
	q := quads(rows[:4], move)
	x4, x5, low, high := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(rows[4], x4)
	VMOVUPS(rows[5], x5)
	VUNPCKLPS(x5, x4, low)  // columns 0 1 | 4 5
	VUNPCKHPS(x5, x4, high) // columns 2 3 | 6 7
	low2, high2 := XMM(), XMM()
	VEXTRACTF128(Imm(1), low, low2)
	VEXTRACTF128(Imm(1), high, high2)
	pairs := []Op{low.AsX(), high.AsX(), low2, high2}
	for c := range 8 {
		to := dst.Offset(c * tileRows * 4)
		if c < 4 {
			VMOVUPS(q[c].AsX(), to)
		} else {
			VEXTRACTF128(Imm(1), q[c-4], to)
		}
		if c%2 == 0 {
			VMOVLPS(pairs[c/2], to.Offset(16))
		} else {
			VMOVHPS(pairs[c/2], to.Offset(16))
		}
	}
}

// cells returns the operands of 8 elements of every row from at (bytes) on.
func cells(rows []reg.GPVirtual, at reg.Register) []Mem {
	m := make([]Mem, len(rows))
	for r := range m {
		m[r] = Mem{Base: rows[r], Index: at, Scale: 1}
	}
	return m
}

func packTranspose6() {
	function("packTranspose6", "func(dst, src *float32, ld, k, n int)",
		"packTranspose6 packs n <= 6 rows of src [n, ld]: dst[p*6 + i] = src[i*ld + p]; rows from n on repeat the last.")
	rows := float32s.rowPointers(tileRows)
	dst := Load(Param("dst"), GP64())
	at := GP64()
	XORQ(at, at)
	block := func(at, dst reg.Register) { transpose6x8(cells(rows, at), Mem{Base: dst}) }
	float32s.transposeLoop(tileRows, block, float32s.copyColumn(rows), at, dst)
}

func packTranspose8() {
	function("packTranspose8", "func(dst, src *float32, ld, k, n int)",
		"packTranspose8 packs n <= 8 rows of src [n, ld] into half a strip: dst[p*16 + i] = src[i*ld + p]; rows from n on repeat the last.")
	float32s.packTranspose8()
}

func packTranspose8BF16() {
	function("packTranspose8BF16", "func(dst *float32, src *uint16, ld, k, n int)",
		"packTranspose8BF16 is packTranspose8 for bfloat16s, which become float32s.")
	bfloat16s.packTranspose8()
}

func (e element) packTranspose8() {
	rows := e.rowPointers(8)
	dst := Load(Param("dst"), GP64())
	at := GP64()
	XORQ(at, at)
	block := func(at, dst reg.Register) {
		for c, v := range octet(cells(rows, at), e.octet) {
			VMOVUPS(v, Mem{Base: dst, Disp: c * tileCols * 4})
		}
	}
	e.transposeLoop(tileCols, block, e.copyColumn(rows), at, dst)
}

// copyColumn copies one element of every row.
func (e element) copyColumn(rows []reg.GPVirtual) func(at, dst reg.Register) {
	return func(at, dst reg.Register) {
		for r := range rows {
			e.single(Mem{Base: rows[r], Index: at, Scale: 1}, Mem{Base: dst, Disp: r * 4})
		}
	}
}
