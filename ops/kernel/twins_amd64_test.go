//go:build !noasm

package kernel

import "testing"

// rowLoops run one inner loop each on operands of n elements; outputs come first.
var rowLoops = []struct {
	name    string
	outputs int
	run     func(l *loops, x [][]float32)
}{
	{"exp", 1, func(l *loops, x [][]float32) { l.exp(x[0], x[1]) }},
	{"silu", 1, func(l *loops, x [][]float32) { l.silu(x[0], x[1]) }},
	{"siluBackward", 1, func(l *loops, x [][]float32) { l.siluBackward(x[0], x[1], x[2]) }},
	{"gelu", 1, func(l *loops, x [][]float32) { l.gelu(x[0], x[1]) }},
	{"geluBackward", 1, func(l *loops, x [][]float32) { l.geluBackward(x[0], x[1], x[2]) }},
	{"addRow", 1, func(l *loops, x [][]float32) { l.addRow(x[0], x[1]) }},
	{"axpy", 1, func(l *loops, x [][]float32) { l.axpy(x[0], -1.5, x[1]) }},
	{"gateRow", 1, func(l *loops, x [][]float32) { l.gateRow(x[0], x[1], x[2], x[3], x[4]) }},
	{"gateRow without keep", 1, func(l *loops, x [][]float32) { l.gateRow(x[0], x[1], x[2], x[3], nil) }},
	{"gateBackRow", 2, func(l *loops, x [][]float32) { l.gateBackRow(x[0], x[1], x[2], x[3], x[4], x[5]) }},
	{"gateBackRow without keep", 2, func(l *loops, x [][]float32) { l.gateBackRow(x[0], x[1], x[2], x[3], x[4], nil) }},
	{"softmaxRow", 1, func(l *loops, x [][]float32) {
		if len(x[0]) > 0 {
			x[0][0] += l.softmaxRow(x[0], x[1])
		}
	}},
	{"weigh", 1, func(l *loops, x [][]float32) {
		top := l.topRow(x[0])
		if sum := l.weighRow(x[0], top); len(x[0]) > 0 {
			x[0][0] += top + float32(sum)
		}
	}},
	{"sumSquares", 1, func(l *loops, x [][]float32) {
		if len(x[0]) > 0 {
			x[0][0] = float32(l.sumSquares(x[1]))
		}
	}},
	{"layerNormRow", 1, func(l *loops, x [][]float32) {
		if len(x[0]) > 1 {
			mean, rstd := l.layerNormRow(x[0], x[1], x[2], x[3])
			x[0][0], x[0][1] = x[0][0]+mean, x[0][1]+rstd
		}
	}},
	{"layerNormBackwardRow", 3, func(l *loops, x [][]float32) {
		l.layerNormBackwardRow(x[0], x[1], x[2], x[3], x[4], x[5], .25, 1.5)
	}},
	{"rotate", 1, func(l *loops, x [][]float32) {
		half := len(x[0]) / 2
		l.rotate(x[0][:2*half], x[1][:2*half], x[2][:half], x[3][:half], half%3 == 0)
	}},
	{"keepRow", 1, func(l *loops, x [][]float32) { l.keepRow(x[0], 0x9abcdef0, 0x12345678, 77, 1<<31+5, 2) }},
	{"adamW", 4, func(l *loops, x [][]float32) {
		c := adamWConstants{.5, .9, .1, .95, .05, .99, .01, 1.2, 1e-3, .02}
		copy(x[2], x[5]) // second moments, at least 0
		for i, v := range x[2] {
			x[2][i] = v * v
		}
		l.adamW(x[0], x[1], x[2], x[3], x[4], &c)
	}},
}

// FuzzRowLoops compares every assembly loop with its plain twin on the same input.
func FuzzRowLoops(f *testing.F) {
	for _, n := range lengths[:len(lengths)-1] {
		f.Add(uint16(n), uint64(n))
	}
	f.Fuzz(func(t *testing.T, n uint16, seed uint64) {
		for _, fast := range levels()[1:] {
			for _, loop := range rowLoops {
				// Equal seeds give equal operands; outputs hold numbers too, for loops that add.
				b, c := newBench(t, seed), newBench(t, seed)
				var x, y [6][]float32
				for i := range x {
					x[i], y[i] = b.normal(int(n%2048)), c.normal(int(n%2048))
				}
				loop.run(&fast.loops, x[:])
				loop.run(&plain, y[:])
				b.checkGuards()
				c.checkGuards()
				for i := range x {
					tol := 1e-5 // roundings of a few operations, sums of up to 2,048 terms
					if i >= loop.outputs {
						tol = 0 // inputs stay as they are
					}
					b.near(fast.name+" "+loop.name, x[i], widen(y[i]), tol)
				}
			}
		}
	})
}
