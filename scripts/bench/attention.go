package main

import (
	"fmt"
	"math/rand/v2"

	"fsdfm/ops/kernel"
)

// attention compares softmax attention alone with queries, keys and values
// where each side wants them.
func attention(backward bool) func(*bench) (result, error) {
	const batch, length, heads, head = 8, 256, 4, 64
	rows, width := batch*length, heads*head
	milliseconds := func(seconds float64) string { return fmt.Sprintf("%.2f ms", 1e3*seconds) }
	request := request{"op": "attention", "batch": batch, "length": length, "heads": heads, "head": head, "backward": backward}
	return func(b *bench) (result, error) {
		rng := rand.New(rand.NewPCG(seed, 0))
		qkv, dqkv := make([]float32, rows*3*width), make([]float32, rows*3*width)
		out, dout, lse := make([]float32, rows*width), make([]float32, rows*width), make([]float32, rows*heads)
		for _, v := range [][]float32{qkv, dout} {
			for i := range v {
				v[i] = float32(rng.NormFloat64())
			}
		}
		do := func() error {
			if backward {
				kernel.AttentionBackward(dqkv, dout, out, qkv, lse, batch, length, heads, head, kernel.Rotary{}, kernel.Visible{})
			} else {
				kernel.Attention(out, lse, qkv, batch, length, heads, head, kernel.Rotary{}, kernel.Visible{})
			}
			return nil
		}
		kernel.Attention(out, lse, qkv, batch, length, heads, head, kernel.Rotary{}, kernel.Visible{})
		return b.versus(milliseconds, func() (comparison, error) {
			theirs, err := b.best(versions, request)
			if err != nil {
				return comparison{}, err
			}
			defer theirs.stop()
			seconds, err := b.alternate(stopwatch(do), theirs.timed(request))
			if err != nil {
				return comparison{}, err
			}
			return comparison{seconds[0], seconds[1], theirs.setting, ""}, nil
		})
	}
}
