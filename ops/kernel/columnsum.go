package kernel

// columnBlock is the number of columns one task of a sum over rows owns, sumChunk the
// number of rows added up before they join the total: short sums lose fewer digits.
const (
	columnBlock = 128
	sumChunk    = 64
)

// ColumnSum computes dst[j] = sum over i of x[i, j], or dst[j] += with accumulate: the
// gradient of a bias. x is [rows, cols], dst [cols]. Rows are summed up in groups as in
// GemmTN; group divides rows.
func ColumnSum(dst, x []float32, rows, cols, group int, accumulate bool) {
	if len(dst) != cols || len(x) != rows*cols {
		panic("kernel: ColumnSum: a slice's length does not match rows, cols")
	}
	if group < 1 || rows%group != 0 {
		panic("kernel: ColumnSum: the groups do not fill rows")
	}
	if !accumulate {
		clear(dst)
	}
	parallelRanges(cols, columnBlock, func(j0, j1 int) {
		sum := borrow(j1 - j0)
		defer giveBack(sum)
		for i0, i1 := 0, 0; i0 < rows; i0 = i1 {
			clear(sum)
			i1 = i0 + min(sumChunk, group-i0%group)
			for i := i0; i < i1; i++ {
				use.addRow(sum, x[i*cols+j0:i*cols+j1])
			}
			use.addRow(dst[j0:j1], sum)
		}
	})
}

func addRowPlain(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}
