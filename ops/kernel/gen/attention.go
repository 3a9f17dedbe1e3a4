package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Attention works on strips [rows, 16]: 16 queries side by side, a key a row.
func attention() {
	expColumns()
	gradColumns()
	stripToPanels()
	unpackTranspose8()
	dot()
}

// stripRow loads both halves of the row at s.
func stripRow(s reg.Register, row int) [2]reg.VecVirtual {
	var v [2]reg.VecVirtual
	for h := range v {
		v[h] = YMM()
		VMOVUPS(Mem{Base: s, Disp: row*tileCols*4 + 32*h}, v[h])
	}
	return v
}

// stripRows emits loops over the rows of strips, two and then one at a time, moving the
// pointers along.
func stripRows(rows reg.Register, body func(row int), pointers ...reg.Register) {
	left := GP64()
	MOVQ(rows, left)
	for _, times := range []int{2, 1} {
		loop, end := label("loop"), label("end")
		SUBQ(Imm(uint64(times)), left)
		JL(LabelRef(end))
		Label(loop)
		for row := range times {
			body(row)
		}
		for _, p := range pointers {
			ADDQ(U32(times*tileCols*4), p)
		}
		SUBQ(Imm(uint64(times)), left)
		JGE(LabelRef(loop))
		Label(end)
		ADDQ(Imm(uint64(times)), left)
	}
}

func expColumns() {
	function("expColumns", "func(s *float32, rows int, scale float32, top, sum *float32)",
		"expColumns turns scores s [rows, 16] into weights: for each column i, top[i] is scale times the largest",
		"s[j, i], s[j, i] becomes exp(scale*s[j, i] - top[i]) and sum[i] the sum of these.")
	rows, scale := Load(Param("rows"), GP64()), scalar("scale")
	s := Load(Param("s"), GP64())
	least := broadcast(constantBits("minusInfinity", 0xff800000))
	var tops [4]reg.VecVirtual // row 0 low, high, row 1 low, high
	for i := range tops {
		tops[i] = YMM()
		VMOVAPS(least, tops[i])
	}
	stripRows(rows, func(row int) {
		for h := range 2 {
			VMAXPS(Mem{Base: s, Disp: row*tileCols*4 + 32*h}, tops[2*row+h], tops[2*row+h])
		}
	}, s)
	top := Load(Param("top"), GP64())
	for h := range 2 {
		VMAXPS(tops[2+h], tops[h], tops[h])
		VMULPS(scale, tops[h], tops[h])
		VMOVUPS(tops[h], Mem{Base: top, Disp: 32 * h})
	}
	Load(Param("s"), s)
	sums := zeros(4)
	stripRows(rows, func(row int) {
		for h, v := range stripRow(s, row) {
			VFMSUB213PS(tops[h], scale, v)
			e := exp8(v, true)
			VADDPS(e, sums[2*row+h], sums[2*row+h])
			VMOVUPS(e, Mem{Base: s, Disp: row*tileCols*4 + 32*h})
		}
	}, s)
	sum := Load(Param("sum"), GP64())
	for h := range 2 {
		VADDPS(sums[2+h], sums[h], sums[h])
		VMOVUPS(sums[h], Mem{Base: sum, Disp: 32 * h})
	}
	ret()
}

func gradColumns() {
	function("gradColumns", "func(p, ds *float32, rows int, scale float32, lse, delta *float32)",
		"gradColumns turns scores p [rows, 16] into probabilities exp(scale*p - lse[i]), and their gradients ds into",
		"those of the scores, scale*p*(ds - delta[i]).")
	p, ds := Load(Param("p"), GP64()), Load(Param("ds"), GP64())
	rows, scale := Load(Param("rows"), GP64()), scalar("scale")
	lse, delta := stripRow(Load(Param("lse"), GP64()), 0), stripRow(Load(Param("delta"), GP64()), 0)
	stripRows(rows, func(row int) {
		for h, v := range stripRow(p, row) {
			at := row*tileCols*4 + 32*h
			VFMSUB213PS(lse[h], scale, v)
			e := exp8(v, true)
			VMOVUPS(e, Mem{Base: p, Disp: at})
			d := YMM()
			VMOVUPS(Mem{Base: ds, Disp: at}, d)
			VSUBPS(delta[h], d, d)
			VMULPS(scale, e, e)
			VMULPS(e, d, d)
			VMOVUPS(d, Mem{Base: ds, Disp: at})
		}
	}, p, ds)
	ret()
}

func stripToPanels() {
	function("stripToPanels", "func(dst *float32, panel int, src *float32, rows int)",
		"stripToPanels packs a strip src [rows, 16] into panels: dst[j/6*panel + i*6 + j%6] = src[j*16 + i].",
		"It reads up to 5 rows after the last.")
	dst, panel := Load(Param("dst"), GP64()), Load(Param("panel"), GP64())
	SHLQ(Imm(2), panel)
	src, rows := Load(Param("src"), GP64()), Load(Param("rows"), GP64())
	Label("loop")
	for half := range 2 {
		var from []Mem
		for r := range tileRows {
			from = append(from, Mem{Base: src, Disp: r*tileCols*4 + 32*half})
		}
		transpose6x8(from, Mem{Base: dst, Disp: half * 8 * tileRows * 4})
	}
	ADDQ(panel, dst)
	ADDQ(U32(tileRows*tileCols*4), src)
	SUBQ(Imm(tileRows), rows)
	JG(LabelRef("loop"))
	ret()
}

func unpackTranspose8() {
	function("unpackTranspose8", "func(dst *float32, ld int, src *float32, k, n int, scale *float32)",
		"unpackTranspose8 writes n <= 8 columns of half a strip as rows: dst[i*ld + p] = scale[i] * src[p*16 + i].")
	src, k := Load(Param("src"), GP64()), Load(Param("k"), GP64())
	ld, n := Load(Param("ld"), GP64()), Load(Param("n"), GP64())
	SHLQ(U8(2), ld)
	rows := pointers(8, Load(Param("dst"), GP64()), ld, n)
	scale := YMM()
	VMOVUPS(Mem{Base: Load(Param("scale"), GP64())}, scale)
	at := GP64()
	XORQ(at, at)
	SUBQ(Imm(8), k)
	JL(LabelRef("tail"))
	Label("loop")
	var from []Mem
	for p := range 8 {
		from = append(from, Mem{Base: src, Disp: p * tileCols * 4})
	}
	columns := octet(from, func(m Mem) reg.VecVirtual {
		v := YMM()
		VMULPS(m, scale, v)
		return v
	})
	// Rows from n on repeat row n-1, so it is written last.
	for r := 7; r >= 0; r-- {
		VMOVUPS(columns[r], Mem{Base: rows[r], Index: at, Scale: 1})
	}
	ADDQ(Imm(32), at)
	ADDQ(U32(8*tileCols*4), src)
	SUBQ(Imm(8), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(Imm(8), k)
	JZ(LabelRef("done"))
	Label("single")
	scales := Load(Param("scale"), GP64())
	for r := 7; r >= 0; r-- {
		x := XMM()
		VMOVSS(Mem{Base: src, Disp: 4 * r}, x)
		VMULSS(Mem{Base: scales, Disp: 4 * r}, x, x)
		VMOVSS(x, Mem{Base: rows[r], Index: at, Scale: 1})
	}
	ADDQ(Imm(4), at)
	ADDQ(Imm(tileCols*4), src)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
	ret()
}

func dot() {
	function("dotAVX2", "func(x, y []float32) float32",
		"dotAVX2 returns the sum of x[i]*y[i].")
	x, y := base("x"), base("y")
	sums := zeros(4)
	forEach(length("x"), 4, func(l lanes, u int) { VFMADD231PS(l.load(x), l.load(y), sums[u]) })
	Store(fold(sums, addLanes).AsX(), ReturnIndex(0))
	ret()
}
