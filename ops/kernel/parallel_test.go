package kernel

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestParallelRunsEveryIndexOnce(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 3, 8} {
		SetThreads(threads)
		for _, n := range []int{0, 1, 2, 7, 100} {
			counts := make([]atomic.Int32, n)
			Parallel(n, func(i int) { counts[i].Add(1) })
			for i := range counts {
				if c := counts[i].Load(); c != 1 {
					t.Fatalf("threads %d, n %d: index %d ran %d times", threads, n, i, c)
				}
			}
		}
	}
}

func TestParallelNestedAndConcurrent(t *testing.T) {
	defer SetThreads(0)
	SetThreads(3)
	var total atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				Parallel(5, func(int) { Parallel(4, func(j int) { total.Add(int64(j)) }) })
			}
		})
	}
	wg.Wait()
	if got, want := total.Load(), int64(4*200*5*6); got != want {
		t.Fatalf("total %d, want %d", got, want)
	}
}

func TestParallelWakesParkedWorkers(t *testing.T) {
	defer SetThreads(0)
	SetThreads(4)
	for range 5 {
		time.Sleep(2 * spin)
		seen := make([]int32, 50)
		Parallel(len(seen), func(i int) { seen[i]++; time.Sleep(time.Microsecond) })
		if slices.Contains(seen, 0) {
			t.Fatal("an index was left out")
		}
	}
}

func TestParallelPassesPanicOn(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 8} {
		SetThreads(threads)
		for bad := range 10 {
			mustPanic(t, "boom", func() {
				Parallel(10, func(i int) {
					if i == bad {
						panic("boom")
					}
				})
			})
		}
		ran := 0
		Parallel(1, func(int) { ran++ })
		if ran != 1 {
			t.Fatal("Parallel does not work after a panic")
		}
	}
}

func BenchmarkParallelEmpty(b *testing.B) {
	for b.Loop() {
		Parallel(2, func(int) {})
	}
}
