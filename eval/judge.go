package eval

import (
	"math"
	"unicode/utf8"
)

// Judge is a fixed language model that scores rows.
type Judge interface {
	// Score returns the sum of -ln p over the tokens it scored, and how many
	// those were.
	Score(tokens []int32) (nll float64, n int)
}

// Likelihood is what a judge says of one row. The characters and bytes are
// those of the text that it scored, so that judges and generators of any
// tokenizer can be compared.
type Likelihood struct {
	NLL               float64 // sum of -ln p, nats
	Tokens            int     // scored, in the judge's own tokens
	Characters, Bytes int     // of their text
}

// Score is what a judge says of all rows together. Without a scored token all
// of it is NaN.
type Score struct {
	Perplexity       float64 `json:"perplexity"`      // pooled: exp(sum of -ln p / number of tokens)
	MeanPerplexity   float64 `json:"mean_perplexity"` // mean of the rows' own, as the FS-DFM code reports it: single bad rows weigh more
	NatsPerToken     float64 `json:"nats_per_token"`
	NatsPerCharacter float64 `json:"nats_per_character"`
	BitsPerByte      float64 `json:"bits_per_byte"`
}

// NewScore pools the rows. Rows without a scored token do not count.
func NewScore(rows []Likelihood) Score {
	var sum Likelihood
	exps, scored := 0.0, 0
	for _, row := range rows {
		if row.Tokens == 0 {
			continue
		}
		sum.NLL, sum.Tokens = sum.NLL+row.NLL, sum.Tokens+row.Tokens
		sum.Characters, sum.Bytes = sum.Characters+row.Characters, sum.Bytes+row.Bytes
		exps, scored = exps+math.Exp(row.NLL/float64(row.Tokens)), scored+1
	}
	perToken := sum.NLL / float64(sum.Tokens)
	return Score{
		Perplexity: math.Exp(perToken), MeanPerplexity: exps / float64(scored), NatsPerToken: perToken,
		NatsPerCharacter: sum.NLL / float64(sum.Characters), BitsPerByte: BitsPerByte(sum.NLL, sum.Bytes),
	}
}

// Perplexity of rows under a judge; see Score for the two.
func Perplexity(judge Judge, rows [][]int32) (pooled, meanOfExp float64) {
	s := scoreRows(judge, rows, make([]string, len(rows)))
	return s.Perplexity, s.MeanPerplexity
}

// scoreRows asks a judge of the rows' own tokens; text is what each row says.
func scoreRows(judge Judge, rows [][]int32, text []string) Score {
	list := make([]Likelihood, len(rows))
	for i, row := range rows {
		nll, n := judge.Score(row)
		list[i] = Likelihood{nll, n, utf8.RuneCountInString(text[i]), len(text[i])}
	}
	return NewScore(list)
}

// BitsPerByte makes a negative log-likelihood in nats comparable across
// tokenizers: it spreads it over the bytes of the text that was scored.
func BitsPerByte(nll float64, bytes int) float64 { return nll / math.Ln2 / float64(bytes) }
