package model

// ForwardFLOPs is the floating-point operations of one forward pass a token,
// two for a multiply-add, with rows of length tokens. A training step takes
// three times as many.
func (c Config) ForwardFLOPs(length int) float64 {
	d := c.HiddenSize
	// What is computed once a row, or looked up, costs next to nothing a token.
	matrices := c.Blocks*(4*d*d+8*d*d) + d*c.Rows()
	attention := c.Blocks * 2 * d * length // q k^T and p v
	return 2 * float64(matrices+attention)
}

// The float32s a token that a graph holds, in units of D.
const (
	// Outputs that a block's backward pass reads: norm, q k v, attention,
	// branch, residual; norm, mlp (4), gelu (4), branch, residual.
	keptWidths = 18
	// What is alive beside that where a backward pass begins, or in a forward
	// pass: residual, mlp (4), gelu (4), or the gradients of these.
	passingWidths = 9
	// With recomputation a block keeps its output only; one of them is inside
	// its backward pass, with copies of its inputs and gradients.
	partWidths = 5
)

// Logits in training exist for a chunk of positions only: see loss.Head.
const (
	chunkFloats    = 1 << 21
	chunkPositions = 256
)

// TrainingBytes estimates the peak memory of training on micro-batches of rows
// of length tokens: weights, gradient, EMA, both moments, activations, a chunk
// of logits.
func (c Config) TrainingBytes(rows, length int, recompute bool) float64 {
	n, widths := rows*length, c.Blocks*keptWidths+passingWidths
	if recompute {
		widths = c.Blocks + keptWidths + passingWidths + partWidths
	}
	activations := n * c.HiddenSize * widths
	logits := min(n*c.Rows(), max(chunkFloats, chunkPositions*c.Rows()))
	return 4 * (5*float64(c.Parameters()) + float64(activations) + float64(logits))
}

// InferenceBytes estimates the memory of a forward pass: weights, one block's
// activations and the logits.
func (c Config) InferenceBytes(rows, length int) float64 {
	token := c.HiddenSize*passingWidths + c.Rows()
	return 4 * (float64(c.Parameters()) + float64(rows*length)*float64(token))
}
