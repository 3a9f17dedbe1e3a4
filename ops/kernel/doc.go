// Package kernel holds the float32 loops under the operations of package ops.
//
// Letters: B batch, L length (positions in a row), D width, H heads, N rows of a matrix.
// Every slice is row-major and contiguous, dst comes first, and nothing is allocated for
// results. Wrong lengths are bugs of the caller and panic with a "kernel: ..." string.
//
// Results do not depend on the number of threads: work is cut into pieces by shape alone
// and every sum over rows runs in a fixed order.
//
// Each inner loop exists in plain Go, which runs everywhere and says what is computed;
// the table in loops.go chooses between it and its faster twins at start. The environment
// variable FSDFM_KERNELS=plain, avx2 or avx512 chooses for comparisons: without it the
// last of these that the processor has is used, and so it is, after a line on standard
// error, when the variable names another. Results of two levels differ by roundings.
package kernel

//go:generate go -C gen run . -group gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group gemm512 -out ../gemm512_amd64.s -stubs ../gemm512_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group peak -out ../peak_amd64.s -stubs ../peak_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group activations -out ../activations_amd64.s -stubs ../activations_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group adamw -out ../adamw_amd64.s -stubs ../adamw_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group rows -out ../rows_amd64.s -stubs ../rows_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group attention -out ../attention_amd64.s -stubs ../attention_stubs_amd64.go -pkg kernel
//go:generate go -C gen run . -group dropout -out ../dropout_amd64.s -stubs ../dropout_stubs_amd64.go -pkg kernel
