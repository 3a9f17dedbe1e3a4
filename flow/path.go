package flow

// MixturePath joins source and data: at time t each position is its data token
// with probability kappa(t), else its source token.
type MixturePath struct {
	Scheduler Scheduler
}

// Sample draws x_t into dst, one uniform r a position: x_0 where
// r < 1 - kappa(t), else x_1. All tokens are [B, L] and may share memory; t and
// rng are [B].
func (p MixturePath) Sample(dst, x0, x1 Tokens, t []float64, rng []Rand) {
	for _, x := range []Tokens{dst, x0, x1} {
		checkRows(x, len(rng))
	}
	for i, r := range rng {
		noise := 1 - p.Scheduler.Kappa(t[i])
		row, source, data := dst.Row(i), x0.Row(i), x1.Row(i)
		for j := range row {
			if r.Float64() < noise {
				row[j] = source[j]
			} else {
				row[j] = data[j]
			}
		}
	}
}
