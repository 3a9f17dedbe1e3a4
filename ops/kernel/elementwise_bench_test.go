package kernel

import "testing"

// BenchmarkElements reports nanoseconds an element on one thread, for slices that stay in
// the second-level cache.
func BenchmarkElements(b *testing.B) {
	const n, width = 1 << 14, 256
	slice := func() []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i%100)/25 - 2
		}
		return x
	}
	x, y, z, v, w := slice(), slice(), slice(), slice(), slice()
	for i := range v {
		v[i] *= v[i]
	}
	small := make([]float32, width)
	mod := Modulation{Mod: make([]float32, 6*width), Width: 6 * width}
	step := AdamWStep{LR: 1e-6, Beta1: .9, Beta2: .95, Eps: 1e-8, Bias1: 1, Bias2: 1, GradScale: 1, EMADecay: .9}
	rows := n / width
	mean, rstd := make([]float32, rows), make([]float32, rows)
	keep, ids := slice(), make([]int32, rows)
	rotary := Rotary{Cos: make([]float32, n/2), Sin: make([]float32, n/2)}
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Exp", func() { Exp(y, x) }},
		{"GELU", func() { GELU(y, x) }},
		{"GELUBackward", func() { GELUBackward(y, x, z) }},
		{"SiLU", func() { SiLU(y, x) }},
		{"SiLUBackward", func() { SiLUBackward(y, x, z) }},
		{"SoftmaxRow", func() { SoftmaxRow(y, x) }},
		{"Weigh", func() { Weigh(y) }},
		{"AdamW", func() { AdamW(y, z, v, nil, x, step) }},
		{"AdamWEMA", func() { AdamW(y, z, v, w, x, step) }},
		{"SumSquares", func() { SumSquares(x) }},
		{"LayerNormModulate", func() { LayerNormModulate(y, mean, rstd, x, small, mod, 1, rows, width) }},
		{"LayerNormModulateBackward", func() {
			LayerNormModulateBackward(y, small, mod.Mod, z, x, mean, rstd, small, mod, 1, rows, width, false)
		}},
		{"GatedResidual", func() { GatedResidual(y, x, z, mod, keep, 1, rows, width) }},
		{"GatedResidualBackward", func() { GatedResidualBackward(y, mod.Mod, x, z, mod, keep, 1, rows, width) }},
		{"Rotary", func() {
			for i := 0; i < n; i += 64 {
				rotary.turn(y[i:][:64], x[i:][:64], i/64, false)
			}
		}},
		{"Embed", func() { Embed(y, x, ids, width) }},
		{"EmbedBackward", func() { EmbedBackward(z, x, ids, rows, width, false) }},
		{"DropoutKeep", func() { DropoutKeep(keep, []uint64{1}, 2, n, .1) }},
		{"ColumnSum", func() { ColumnSum(small, x, rows, width, rows, false) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			defer SetThreads(0)
			SetThreads(1)
			for b.Loop() {
				k.run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
	}
}
