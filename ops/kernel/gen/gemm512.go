package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The register tile of AVX-512: 6 rows of op(A) by up to 4 vectors of 16 columns of op(B)
// keep 24 of 32 vector registers busy with sums. A row of B is 4 loads and a column of A 6
// for 24 multiply-adds, fewer than with taller tiles, so that B may stream from the
// second-level cache.
const (
	wideVectors = 4
	wideCols    = 16 * wideVectors
	wideUnroll  = 4
)

func gemm512() {
	gemmStrip64()
	packCopy6x16()
	packCopy64()
	packTranspose6x16()
	packTranspose16(float32s16, "packTranspose16", "*float32",
		"packTranspose16 packs n <= 16 rows of src [n, ld] into a quarter of a strip: dst[p*64 + i] = src[i*ld + p]; rows from n",
		"on repeat the last. It writes rows of dst up to a multiple of 16, 0 from k on.")
	packTranspose16(bfloat16s16, "packTranspose16BF16", "*uint16",
		"packTranspose16BF16 is packTranspose16 for bfloat16s, which become float32s.")
}

func gemmStrip64() {
	function("gemmStrip64", stripSignature,
		"gemmStrip64 computes a strip of cols <= 64 columns of C, for b packed in rows of 64 and bias of 64 elements:",
		"C[i, j] = bias[j] + (or C[i, j] +=, with accumulate) sum over p of a[i/6*aPanel + i%6*aRow + p*aCol] * b[p*64 + j].",
		"It reads all 6 rows of the last panel of a. k is at least 1.")
	s := strip512{
		c: Load(Param("c"), GP64()), ldc: bytes("ldc"),
		a: Load(Param("a"), GP64()), panel: bytes("aPanel"), row: bytes("aRow"), col: bytes("aCol"),
		rows: Load(Param("rows"), GP64()),
	}
	cols, last := Load(Param("cols"), GP64()), GP64() // of the last vector: 1 to 16
	LEAQ(Mem{Base: cols, Disp: -1}, last)
	ANDQ(Imm(15), last)
	INCQ(last)
	s.mask = maskFor(last)
	var labels [wideVectors + 1]string
	for v := 1; v < wideVectors; v++ {
		labels[v] = label("narrow")
		CMPQ(cols, Imm(uint64(16*v)))
		JLE(LabelRef(labels[v]))
	}
	for v := wideVectors; v > 0; v-- {
		if v < wideVectors {
			Label(labels[v])
		}
		s.run(v)
	}
}

// strip512 holds the operands of gemmStrip64.
type strip512 struct {
	c, ldc, a, panel, row, col, rows reg.Register
	mask                             reg.OpmaskVirtual // of the last vector of columns
}

// run emits the loop over panels for strips of so many vectors.
func (s *strip512) run(vectors int) {
	panel, fetch, loop, tail, tailLoop, store := label("panel"), label("fetch"), label("loop"), label("tail"), label("tailLoop"), label("store")
	Label(panel)
	a := [2]reg.Register{GP64(), nil} // the first of 3 rows
	MOVQ(s.a, a[0])
	a[1] = third(a[0], s.row)
	b, k, bias := Load(Param("b"), GP64()), Load(Param("k"), GP64()), Load(Param("bias"), GP64())
	sums := make([][]reg.VecVirtual, tileRows)
	for r := range sums {
		for v := range vectors {
			if r == 0 {
				sums[r] = append(sums[r], zmm.load(Mem{Base: bias, Disp: 64 * v}))
			} else {
				sums[r] = append(sums[r], zmm.copyOf(sums[0][v]))
			}
		}
	}
	step := func(times int) {
		for u := range times {
			s.outerProduct(sums, a, b, u)
		}
		ADDQ(U32(uint32(times*wideCols*4)), b)
	}
	// The first steps fetch a row of the tile of C each: all at once would keep B waiting.
	row, left := GP64(), GP64()
	MOVQ(s.c, row)
	MOVQ(U32(tileRows), left)
	SUBQ(Imm(wideUnroll), k)
	JL(LabelRef(tail))
	Label(fetch)
	for v := range vectors {
		PREFETCHT0(Mem{Base: row, Disp: 64 * v})
	}
	step(wideUnroll)
	ADDQ(s.ldc, row)
	SUBQ(Imm(wideUnroll), k)
	JL(LabelRef(tail))
	DECQ(left)
	JNZ(LabelRef(fetch))
	Label(loop)
	step(wideUnroll)
	SUBQ(Imm(wideUnroll), k)
	JGE(LabelRef(loop))
	Label(tail)
	ADDQ(Imm(wideUnroll), k)
	JZ(LabelRef(store))
	Label(tailLoop)
	step(1)
	DECQ(k)
	JNZ(LabelRef(tailLoop))
	Label(store)
	s.store(sums)
	ADDQ(s.panel, s.a)
	SUBQ(Imm(tileRows), s.rows)
	JG(LabelRef(panel))
	ret()
}

// outerProduct adds a column of A times row p of the B strip, and moves on to A's next
// column.
func (s *strip512) outerProduct(sums [][]reg.VecVirtual, a [2]reg.Register, b reg.Register, p int) {
	row := make([]reg.VecVirtual, len(sums[0]))
	for v := range row {
		row[v] = zmm.load(Mem{Base: b, Disp: (p*wideVectors + v) * 64})
	}
	for r := range sums {
		ar := zmm.broadcast(nth(a, s.row, r))
		for v := range row {
			VFMADD231PS(row[v], ar, sums[r][v])
		}
	}
	ADDQ(s.col, a[0])
	ADDQ(s.col, a[1])
}

// store writes or adds the tile to C and moves c down by its rows. Rows beyond rows are
// skipped.
func (s *strip512) store(sums [][]reg.VecVirtual) {
	add, next := label("add"), label("next")
	for _, adds := range []bool{false, true} {
		if adds {
			Label(add)
		} else {
			accumulate := Load(Param("accumulate"), GP8())
			TESTB(accumulate, accumulate)
			JNZ(LabelRef(add))
		}
		for r := range sums {
			for v, sum := range sums[r] {
				at := Mem{Base: s.c, Disp: 64 * v}
				switch last := v == len(sums[r])-1; {
				case last && adds:
					VADDPS(at, sum, s.mask, sum)
					VMOVUPS(sum, s.mask, at)
				case last:
					VMOVUPS(sum, s.mask, at)
				case adds:
					VADDPS(at, sum, sum)
					VMOVUPS(sum, at)
				default:
					VMOVUPS(sum, at)
				}
			}
			ADDQ(s.ldc, s.c)
			if r == tileRows-1 {
				JMP(LabelRef(next))
				break
			}
			CMPQ(s.rows, Imm(uint64(r+1)))
			JLE(LabelRef(next))
		}
	}
	Label(next)
}

func packCopy6x16() {
	function("packCopy6x16", "func(dst *float32, panel int, src *float32, ld, k, n int)",
		"packCopy6x16 packs n > 0 columns of src [k, ld] into panels: dst[i/6*panel + p*6 + i%6] = src[p*ld + i], and 0 for",
		"i >= n. It goes through src row by row, like packCopy16, and writes 2 floats after the last of a panel.")
	dst, panel := Load(Param("dst"), GP64()), Load(Param("panel"), GP64())
	src, ld := Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	k, n := Load(Param("k"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), panel)
	six := GP64()
	MOVQ(U32(tileRows), six)
	full := maskFor(six)
	last := GP64() // columns of the last panel, 1 to 6
	MOVQ(n, last)
	Label("less")
	SUBQ(Imm(tileRows), last)
	JG(LabelRef("less"))
	ADDQ(Imm(tileRows), last)
	rest := maskFor(last)
	TESTQ(k, k)
	JZ(LabelRef("done"))
	ahead := GP64() // 8 rows: the next lines are far apart, so that no hardware foresees them
	MOVQ(ld, ahead)
	SHLQ(U8(3), ahead)
	from, to, left, v := GP64(), GP64(), GP64(), YMM()
	Label("row")
	MOVQ(src, from)
	MOVQ(dst, to)
	MOVQ(n, left)
	JMP(LabelRef("check"))
	Label("full")
	VMOVUPS_Z(Mem{Base: from}, full, v)
	PREFETCHT0(Mem{Base: from, Index: ahead, Scale: 1})
	VMOVUPS(v, Mem{Base: to})
	ADDQ(Imm(tileRows*4), from)
	ADDQ(panel, to)
	Label("check")
	SUBQ(Imm(tileRows), left)
	JG(LabelRef("full"))
	VMOVUPS_Z(Mem{Base: from}, rest, v)
	VMOVUPS(v, Mem{Base: to})
	ADDQ(ld, src)
	ADDQ(Imm(tileRows*4), dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	Label("done")
	ret()
}

func packCopy64() {
	function("packCopy64", "func(dst *float32, strip int, src *float32, ld, k, n int)",
		"packCopy64 packs n > 0 columns of src [k, ld] into strips, row by row: dst[i/64*strip + p*64 + i%64] = src[p*ld + i].",
		"Of columns from n on it writes at most 15, as 0.")
	dst, strip := Load(Param("dst"), GP64()), Load(Param("strip"), GP64())
	src, ld := Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	k, n := Load(Param("k"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(2), ld)
	SHLQ(U8(2), strip)
	last := GP64() // columns of the last vector, 1 to 16
	LEAQ(Mem{Base: n, Disp: -1}, last)
	ANDQ(Imm(15), last)
	INCQ(last)
	mask := maskFor(last)
	TESTQ(k, k)
	JZ(LabelRef("done"))
	ahead := GP64() // 8 rows, as in packCopy6x16
	MOVQ(ld, ahead)
	SHLQ(U8(3), ahead)
	from, to, left := GP64(), GP64(), GP64()
	Label("row")
	MOVQ(src, from)
	MOVQ(dst, to)
	MOVQ(n, left)
	JMP(LabelRef("check"))
	Label("full")
	var v [wideVectors]reg.VecVirtual
	for i := range v {
		v[i] = ZMM()
		VMOVUPS(Mem{Base: from, Disp: 64 * i}, v[i])
		PREFETCHT0(Mem{Base: from, Index: ahead, Scale: 1, Disp: 64 * i})
	}
	for i := range v {
		VMOVUPS(v[i], Mem{Base: to, Disp: 64 * i})
	}
	ADDQ(U32(wideCols*4), from)
	ADDQ(strip, to)
	Label("check")
	SUBQ(Imm(wideCols), left)
	JG(LabelRef("full"))
	ADDQ(Imm(wideCols), left)
	x := ZMM()
	JMP(LabelRef("checkVector"))
	Label("vector")
	VMOVUPS(Mem{Base: from}, x)
	PREFETCHT0(Mem{Base: from, Index: ahead, Scale: 1})
	VMOVUPS(x, Mem{Base: to})
	ADDQ(Imm(64), from)
	ADDQ(Imm(64), to)
	Label("checkVector")
	SUBQ(Imm(16), left)
	JG(LabelRef("vector"))
	VMOVUPS_Z(Mem{Base: from}, mask, x)
	PREFETCHT0(Mem{Base: from, Index: ahead, Scale: 1})
	VMOVUPS(x, Mem{Base: to})
	ADDQ(ld, src)
	ADDQ(U32(wideCols*4), dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	Label("done")
	ret()
}

// An element512 is what a packer reads: its size and how 16 of them become float32, those
// beyond the mask 0.
type element512 struct {
	log2Bytes int
	load      func(from Mem, mask reg.OpmaskVirtual, to reg.VecVirtual)
}

var float32s16 = element512{2, func(from Mem, mask reg.OpmaskVirtual, to reg.VecVirtual) { VMOVUPS_Z(from, mask, to) }}

var bfloat16s16 = element512{1, func(from Mem, mask reg.OpmaskVirtual, to reg.VecVirtual) {
	VMOVDQU16_Z(from, mask, to.AsY())
	VPMOVZXWD(to.AsY(), to)
	VPSLLD(Imm(16), to, to)
}}

// columns16 emits a loop that runs body over 16 columns at a time of rows of so many bytes
// an element, with a mask of those that exist, and moves the pointer at along.
func columns16(k, at reg.Register, log2Bytes int, body func(mask reg.OpmaskVirtual)) {
	left := GP64()
	MOVQ(k, left)
	TESTQ(left, left)
	JZ(LabelRef("done"))
	Label("loop")
	body(maskFor(left))
	ADDQ(Imm(16<<log2Bytes), at)
	SUBQ(Imm(16), left)
	JG(LabelRef("loop"))
	Label("done")
	ret()
}

func packTranspose16(e element512, name, src string, doc ...string) {
	function(name, "func(dst *float32, src "+src+", ld, k, n int)", doc...)
	row, ld, n := Load(Param("src"), GP64()), Load(Param("ld"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(e.log2Bytes), ld)
	rows := AllocLocal(16 * 8) // more pointers than registers
	MOVQ(row, rows)
	for r := 1; r < 16; r++ {
		next := GP64()
		LEAQ(Mem{Base: row, Index: ld, Scale: 1}, next)
		CMPQ(n, Imm(uint64(r)))
		CMOVQGT(next, row)
		MOVQ(row, rows.Offset(8*r))
	}
	dst, at := Load(Param("dst"), GP64()), GP64()
	XORQ(at, at)
	ahead := GP64() // the same columns of the next rows
	MOVQ(ld, ahead)
	SHLQ(U8(4), ahead)
	columns16(Load(Param("k"), GP64()), at, e.log2Bytes, func(mask reg.OpmaskVirtual) {
		var quarters [4][4]reg.VecVirtual
		for g := range quarters {
			var x [4]reg.VecVirtual
			for i := range x {
				p := GP64()
				MOVQ(rows.Offset(8*(4*g+i)), p)
				x[i] = ZMM()
				e.load(Mem{Base: p, Index: at, Scale: 1}, mask, x[i])
				PREFETCHT0(Mem{Base: p, Index: ahead, Scale: 1})
			}
			quarters[g] = columnsOf(x, ZMM)
		}
		for c := range 4 {
			t := [4]reg.VecVirtual{ZMM(), ZMM(), ZMM(), ZMM()}
			for h, halves := range []uint64{0x44, 0xee} {
				VSHUFF32X4(Imm(halves), quarters[1][c], quarters[0][c], t[2*h])
				VSHUFF32X4(Imm(halves), quarters[3][c], quarters[2][c], t[2*h+1])
			}
			for l := range 4 {
				column := ZMM()
				VSHUFF32X4(Imm([]uint64{0x88, 0xdd}[l%2]), t[l/2*2+1], t[l/2*2], column)
				VMOVUPS(column, Mem{Base: dst, Disp: (4*l + c) * wideCols * 4})
			}
		}
		ADDQ(U32(16*wideCols*4), dst)
		ADDQ(Imm(uint64(16<<e.log2Bytes)), ahead)
	})
}

func packTranspose6x16() {
	function("packTranspose6x16", "func(dst, src *float32, ld, k, n int)",
		"packTranspose6x16 packs n <= 6 rows of src [n, ld]: dst[p*6 + i] = src[i*ld + p]; rows from n on repeat the last. It",
		"writes columns of dst up to a multiple of 16, 0 from k on.")
	rows := float32s.rowPointers(tileRows)
	dst, at := Load(Param("dst"), GP64()), GP64()
	XORQ(at, at)
	ahead := Load(Param("ld"), GP64()) // the same columns of the next panel
	LEAQ(Mem{Base: ahead, Index: ahead, Scale: 2}, ahead)
	SHLQ(U8(3), ahead)
	// Rows become pairs of elements from two rows, 8 of them (one half of the columns) in a
	// vector; of the three pairs of a column each vector of the result takes 8 in turn.
	var pairs [2]reg.VecVirtual
	var ab, c [3]reg.VecVirtual
	for h := range pairs {
		var w [16]uint32
		for i := range w {
			w[i] = uint32(8*h + i/2 + i%2*16)
		}
		pairs[h] = index(w[:])
	}
	for j := range 3 {
		var first, second [16]uint32
		for i := range 8 {
			column, pair := uint32((8*j+i)/3), (8*j+i)%3
			first[2*i] = column + 8*uint32(pair%2)
			second[2*i] = uint32(i)
			if pair == 2 {
				second[2*i] = 8 + column
			}
		}
		ab[j], c[j] = index(first[:]), index(second[:])
	}
	columns16(Load(Param("k"), GP64()), at, 2, func(mask reg.OpmaskVirtual) {
		var p [3][2]reg.VecVirtual
		for i := range p {
			x, y, low := ZMM(), ZMM(), ZMM()
			float32s16.load(Mem{Base: rows[2*i], Index: at, Scale: 1}, mask, x)
			float32s16.load(Mem{Base: rows[2*i+1], Index: at, Scale: 1}, mask, y)
			PREFETCHT0(Mem{Base: rows[2*i], Index: ahead, Scale: 1})
			PREFETCHT0(Mem{Base: rows[2*i+1], Index: ahead, Scale: 1})
			VMOVAPS(x, low)
			VPERMT2PS(y, pairs[0], low)
			VPERMT2PS(y, pairs[1], x)
			p[i] = [2]reg.VecVirtual{low, x}
		}
		for h := range 2 {
			for j := range 3 {
				v := ZMM()
				VMOVAPS(p[0][h], v)
				VPERMT2PD(p[1][h], ab[j], v)
				VPERMT2PD(p[2][h], c[j], v)
				VMOVUPS(v, Mem{Base: dst, Disp: (3*h + j) * 64})
			}
		}
		ADDQ(U32(16*tileRows*4), dst)
		ADDQ(Imm(64), ahead)
	})
}

// index loads a table of 16 words into a register.
func index(words []uint32) reg.VecVirtual {
	v := ZMM()
	VMOVUPS(table(label("index"), words), v)
	return v
}
