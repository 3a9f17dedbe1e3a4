package main

import (
	"fsdfm/flow"
	"fsdfm/train"
)

// Chain is a walk on a ring of V tokens: the first token is uniform, and token
// a is followed by a+j (mod V) with probability Step[j]. A transition whose
// probability is 0 is not valid; of single tokens all are equally likely.
type Chain struct {
	Step []float64 // [V], sums to 1
}

var (
	// Long has 8 tokens of which 2 may follow: independent tokens make a quarter
	// of the transitions valid.
	Long = Chain{[]float64{0, 0.6, 0, 0.4, 0, 0, 0, 0}}
	// Small has 3 tokens of which 2 may follow, to be enumerated.
	Small = Chain{[]float64{0, 0.75, 0.25}}
)

// Vocab is V.
func (c Chain) Vocab() int { return len(c.Step) }

// Next is the probability that b follows a.
func (c Chain) Next(a, b int32) float64 {
	v := int32(len(c.Step))
	return c.Step[((b-a)%v+v)%v]
}

// Valid is the share of transitions in rows that the chain can make. A token
// outside [0, V), such as a mask that was left, makes none.
func (c Chain) Valid(rows [][]int32) float64 {
	valid, all := 0, 0
	for _, row := range rows {
		for i := 1; i < len(row); i++ {
			all++
			if c.has(row[i-1]) && c.has(row[i]) && c.Next(row[i-1], row[i]) > 0 {
				valid++
			}
		}
	}
	return float64(valid) / float64(all)
}

func (c Chain) has(a int32) bool { return a >= 0 && int(a) < len(c.Step) }

// PairDistance is the total variation between the pairs of neighbours in rows
// and those of the chain: unlike Valid, it also sees a sampler that is right
// because it always says the same.
func (c Chain) PairDistance(rows [][]int32) float64 {
	v := c.Vocab()
	seen, all := make(map[[2]int32]float64), 0.0
	for _, row := range rows {
		for i := 1; i < len(row); i++ {
			seen[[2]int32{row[i-1], row[i]}]++
			all++
		}
	}
	inside, distance := 0.0, 0.0
	for a := range int32(v) {
		for b := range int32(v) {
			share := seen[[2]int32{a, b}] / all
			inside += share
			distance += abs(share-c.Next(a, b)/float64(v)) / 2
		}
	}
	return distance + (1-inside)/2
}

func abs(x float64) float64 { return max(x, -x) }

// data is an endless stream of the chain's rows.
type data struct {
	chain  Chain
	length int
	seed   uint64
}

var _ train.Rows = data{}

// Fill implements train.Rows.
func (d data) Fill(dst []int32, position int64) error {
	for i, r := range flow.Streams(d.seed, "chain", position, len(dst)/d.length) {
		row := dst[i*d.length : (i+1)*d.length]
		row[0] = int32(r.Float64() * float64(d.chain.Vocab()))
		for j := 1; j < len(row); j++ {
			row[j] = (row[j-1] + d.chain.draw(r.Float64())) % int32(d.chain.Vocab())
		}
	}
	return nil
}

// draw is the step whose cumulative probability exceeds u.
func (c Chain) draw(u float64) int32 {
	last := int32(0)
	for j, p := range c.Step {
		if p == 0 {
			continue
		}
		last = int32(j)
		if u -= p; u < 0 {
			break
		}
	}
	return last
}
