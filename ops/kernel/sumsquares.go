package kernel

// squaresChunk is the number of elements whose squares SumSquares adds up in one task.
const squaresChunk = 1 << 14

// SumSquares returns the sum of x[i]^2, added in float64 over fixed chunks in fixed order.
func SumSquares(x []float32) float64 {
	if len(x) <= squaresChunk {
		return use.sumSquares(x)
	}
	partial := make([]float64, (len(x)+squaresChunk-1)/squaresChunk)
	parallelRanges(len(x), squaresChunk, func(lo, hi int) {
		partial[lo/squaresChunk] = use.sumSquares(x[lo:hi])
	})
	var sum float64
	for _, s := range partial {
		sum += s
	}
	return sum
}

func sumSquaresPlain(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}
