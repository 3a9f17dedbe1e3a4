package data

import (
	"math"

	"fsdfm/data/tokenizer"
)

// Lengths says how long the documents in rows are, in tokens with end of
// text. The one that the end of the rows cuts off does not count.
type Lengths struct {
	Ended             int
	Shortest, Longest int
	Mean              float64
}

// Lengths looks for the ends of text in all rows.
func (r *Rows) Lengths(endOfText int32) Lengths {
	d := Lengths{Shortest: math.MaxInt}
	size, sum := 0, 0
	for _, s := range r.segments {
		for _, id := range s.ids {
			if size++; id != endOfText {
				continue
			}
			d.Ended++
			d.Shortest, d.Longest = min(d.Shortest, size), max(d.Longest, size)
			sum += size
			size = 0
		}
	}
	d.Mean = float64(sum) / float64(d.Ended)
	return d
}

// BytesPerToken decodes up to 256 rows, spread over all, to say how much text a
// token stands for on average.
func (r *Rows) BytesPerToken(tok tokenizer.Tokenizer) float64 {
	n := min(256, r.Len())
	size := 0
	for i := range n {
		size += len(tok.Decode(r.Row(i * r.Len() / n)))
	}
	return float64(size) / float64(n*r.length)
}
