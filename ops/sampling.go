package ops

import "fsdfm/ops/kernel"

// What package flow's sampler needs besides a network.

// Parallel calls body(0) .. body(n-1), each once, in any order, on the kernels'
// threads, and returns when all are done.
func Parallel(n int, body func(i int)) { kernel.Parallel(n, body) }

// Weigh replaces logits by exp(logit - top), in place, top the largest of them,
// and returns top and the sum; see kernel.Weigh for what is not finite.
func Weigh(logits []float32) (top float32, sum float64) { return kernel.Weigh(logits) }
