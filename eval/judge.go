package eval

import "math"

// Judge is a fixed language model that scores rows.
type Judge interface {
	// Score returns the sum of -ln p over the tokens it scored, and how many
	// those were.
	Score(tokens []int32) (nll float64, n int)
}

// Perplexity of rows under a judge: pooled is exp(sum of -ln p / number of
// tokens), meanOfExp the mean over rows of each row's own, as the FS-DFM code
// reports it; single bad rows weigh more in it. Without a scored token both are
// NaN.
func Perplexity(judge Judge, rows [][]int32) (pooled, meanOfExp float64) {
	var nll, exps float64
	var tokens, scored int
	for _, row := range rows {
		s, n := judge.Score(row)
		if n == 0 {
			continue
		}
		nll, tokens = nll+s, tokens+n
		exps, scored = exps+math.Exp(s/float64(n)), scored+1
	}
	return math.Exp(nll / float64(tokens)), exps / float64(scored)
}

// BitsPerByte makes a negative log-likelihood in nats comparable across
// tokenizers: it spreads it over the bytes of the text that was scored.
func BitsPerByte(nll float64, bytes int) float64 { return nll / math.Ln2 / float64(bytes) }
