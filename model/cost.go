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

// The float32s a token that a training graph keeps: outputs of the forward
// operations of a block and of their gradients, in units of D.
const (
	forwardWidths  = 21 // norm, qkv (3), rotary (3), attention, branch, residual; norm, mlp (4), gelu (4), branch, residual
	backwardWidths = 26 // the same but for the sums, with one more for each fan-in
)

// TrainingBytes estimates the peak memory of training on micro-batches of rows
// of length tokens: weights, gradient, EMA, both moments, activations, logits.
func (c Config) TrainingBytes(rows, length int) float64 {
	dropout := 0
	if c.Dropout > 0 {
		dropout = 2
	}
	token := c.Blocks*c.HiddenSize*(forwardWidths+backwardWidths+dropout) + 4*c.HiddenSize + 3*c.Rows()
	return 4 * (5*float64(c.Parameters()) + float64(rows*length)*float64(token))
}

// InferenceBytes estimates the memory of a forward pass: weights, one block's
// activations and the logits.
func (c Config) InferenceBytes(rows, length int) float64 {
	token := c.HiddenSize*forwardWidths + c.Rows()
	return 4 * (float64(c.Parameters()) + float64(rows*length)*float64(token))
}
