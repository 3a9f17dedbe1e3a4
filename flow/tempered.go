package flow

// Tempered sharpens (below 1) or flattens (above 1) the posterior of a network.
type Tempered struct {
	Denoiser
	Temperature float64 // above 0
}

// Logits implements Denoiser.
func (d Tempered) Logits(x Tokens, t, h []float64) ([]float32, error) {
	logits, err := d.Denoiser.Logits(x, t, h)
	if d.Temperature != 1 {
		f := float32(1 / d.Temperature)
		for i := range logits {
			logits[i] *= f
		}
	}
	return logits, err
}
