package flow

import "slices"

// Tokens are B rows of L token ids.
type Tokens struct {
	Batch, Length int
	IDs           []int32 // [B, L] row-major
}

// NewTokens allocates b rows of l zeros.
func NewTokens(b, l int) Tokens {
	return Tokens{Batch: b, Length: l, IDs: make([]int32, b*l)}
}

// Row is row i, sharing memory with x.
func (x Tokens) Row(i int) []int32 { return x.IDs[i*x.Length : (i+1)*x.Length] }

// Clone copies x.
func (x Tokens) Clone() Tokens {
	x.IDs = slices.Clone(x.IDs)
	return x
}
