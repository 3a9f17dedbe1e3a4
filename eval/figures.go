package eval

import "math"

// Figures are what is measured of a set of rows, all together, since each can
// be fooled alone.
type Figures struct {
	Score               // under the n-gram judge
	Transformer Score   `json:"transformer,omitzero"` // under the transformer judge, if there is one
	Entropy     float64 `json:"entropy"`              // of single tokens, mean of the rows' own, bits
	Distinct2   float64 `json:"distinct_2"`           // share, all rows together: the figure that sees mode collapse
	Distinct4   float64 `json:"distinct_4"`           //
	Repeated4   float64 `json:"repeated_4"`           // share, within a row
	Novelty     float64 `json:"novelty,omitempty"`    // share of Report.NoveltyN-grams not in the training text
	Divergence  float64 `json:"divergence,omitempty"` // Jensen-Shannon to held-out text, character Report.DivergenceN-grams, bits
	Seconds     float64 `json:"seconds,omitempty"`    // to sample all rows
}

// each lists every figure in a fixed order.
func (f *Figures) each() []*float64 {
	list := []*float64{&f.Entropy, &f.Distinct2, &f.Distinct4, &f.Repeated4, &f.Novelty, &f.Divergence, &f.Seconds}
	for _, s := range []*Score{&f.Score, &f.Transformer} {
		list = append(list, &s.Perplexity, &s.MeanPerplexity, &s.NatsPerToken, &s.NatsPerCharacter, &s.BitsPerByte)
	}
	return list
}

// Spread is the mean over seeds of every figure and its standard deviation,
// estimated from the sample (n-1) and 0 for one seed.
func Spread(seeds []Figures) (mean, deviation Figures) {
	n := float64(len(seeds))
	means, deviations := mean.each(), deviation.each()
	for _, seed := range seeds {
		for i, v := range seed.each() {
			*means[i] += *v / n
		}
	}
	if n < 2 {
		return mean, deviation
	}
	for _, seed := range seeds {
		for i, v := range seed.each() {
			*deviations[i] += (*v - *means[i]) * (*v - *means[i]) / (n - 1)
		}
	}
	for _, d := range deviations {
		*d = math.Sqrt(*d)
	}
	return mean, deviation
}
