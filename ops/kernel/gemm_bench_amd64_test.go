//go:build !noasm

package kernel

import (
	"fmt"
	"testing"
	"time"
)

// peak returns the GFLOP/s of a level's multiply-adds on registers of one core, best of
// several short runs.
func peak(level string) float64 {
	const rounds = 1 << 16
	run, lanes := fmaPeak, 8.0
	if level == "avx512" {
		run, lanes = fmaPeak512, 16
	}
	best := 0.0
	for range 20 {
		start := time.Now()
		run(rounds)
		best = max(best, rounds*12*lanes*2/float64(time.Since(start).Nanoseconds()))
	}
	return best
}

// BenchmarkGemm reports the best and mean speed and the best's share of the peak, measured
// just before, of as many cores as threads. "2048x256x1024 NT" is M x N x K.
func BenchmarkGemm(b *testing.B) {
	shapes := []struct {
		layout  Layout
		m, n, k int
	}{
		{NN, 2048, 256, 256}, {NT, 2048, 256, 256}, {NT, 2048, 1024, 256}, {NN, 2048, 256, 1024},
		{NT, 2048, 8192, 256}, {NN, 2048, 256, 8192}, {TN, 256, 256, 2048}, {TN, 256, 1024, 2048},
		{NT, 1024, 768, 768}, {NT, 1024, 3072, 768},
		{NT, 256, 8192, 256}, {NN, 256, 256, 8192}, {TN, 8192, 256, 256}, // a chunk of the output layer
		{TN, 2304, 768, 1024}, {TN, 768, 3072, 1024}, {NN, 1024, 3072, 768}, // of the large network
		{NT, 256, 50257, 768}, {NN, 256, 768, 50257}, {TN, 50257, 768, 256},
		{NT, 4096, 100, 256}, {NT, 8, 1536, 256}, {NN, 8, 256, 1536}, {TN, 1536, 256, 8}, {NT, 32, 100, 500}, {NT, 1, 256, 256},
	}
	defer func(was level) { use = was }(use)
	for _, use = range levels()[1:] {
		for _, threads := range []int{1, 2} {
			limit := float64(threads) * peak(use.name)
			for _, s := range shapes {
				name := fmt.Sprintf("%s/threads%d/%dx%dx%d_%s", use.name, threads, s.m, s.n, s.k, [...]string{"NN", "NT", "TN"}[s.layout])
				b.Run(name, func(b *testing.B) { benchGemm(b, s.layout, s.m, s.n, s.k, threads, limit) })
			}
		}
	}
}

func benchGemm(b *testing.B, layout Layout, m, n, k, threads int, limit float64) {
	defer SetThreads(0)
	SetThreads(threads)
	x, y, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	Gemm(layout, c, x, y, m, n, k, false, Epilogue{}) // touches every page
	best := 0.0
	for b.Loop() {
		start := time.Now()
		Gemm(layout, c, x, y, m, n, k, false, Epilogue{})
		best = max(best, 2*float64(m)*float64(n)*float64(k)/float64(time.Since(start).Nanoseconds()))
	}
	mean := 2 * float64(m) * float64(n) * float64(k) * float64(b.N) / float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(best, "best-GFLOP/s")
	b.ReportMetric(mean, "mean-GFLOP/s")
	b.ReportMetric(100*best/limit, "%peak")
}
