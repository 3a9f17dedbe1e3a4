package data

import (
	"fmt"
	"math/rand/v2"
)

// Reader serves an endless stream of rows in which each epoch is a fresh
// permutation of all of them, drawn from PCG(seed, epoch). What it serves
// depends on rows, seed and position alone, so the data position of a training
// run is one integer and resume is exact. Not for concurrent use.
type Reader struct {
	rows  *Rows
	seed  uint64
	epoch int64   // whose permutation order holds; -1: none yet
	order []int32 // [rows]
}

// NewReader returns a reader of rows.
func NewReader(rows *Rows, seed uint64) *Reader {
	return &Reader{rows: rows, seed: seed, epoch: -1, order: make([]int32, rows.Len())}
}

// Fill writes the rows position, position+1, ... of the stream to dst, [n, L]
// row-major.
func (r *Reader) Fill(dst []int32, position int64) error {
	length := r.rows.length
	if len(dst)%length != 0 {
		return fmt.Errorf("read rows: room for %d tokens is not a whole number of rows of %d", len(dst), length)
	}
	if position < 0 {
		return fmt.Errorf("read rows: position is %d: must not be negative", position)
	}
	for ; len(dst) > 0; dst = dst[length:] {
		copy(dst, r.rows.Row(r.at(position)))
		position++
	}
	return nil
}

// at is the row at a position of the stream.
func (r *Reader) at(position int64) int {
	n := int64(len(r.order))
	if epoch := position / n; epoch != r.epoch {
		r.shuffle(epoch)
	}
	return int(r.order[position%n])
}

// shuffle makes order the permutation of an epoch.
func (r *Reader) shuffle(epoch int64) {
	for i := range r.order {
		r.order[i] = int32(i)
	}
	rng := rand.New(rand.NewPCG(r.seed, uint64(epoch)))
	rng.Shuffle(len(r.order), func(i, j int) { r.order[i], r.order[j] = r.order[j], r.order[i] })
	r.epoch = epoch
}
