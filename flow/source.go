package flow

import "fmt"

// Source is the distribution of x_0, the tokens at t = 0.
type Source interface {
	// Sample fills dst, row i from rng[i].
	Sample(dst Tokens, rng []Rand)
	// Mask is the id of the mask token, -1 if the source has none.
	Mask() int32
	// Rows is the number of token ids there are, the mask included: the
	// embedding rows and the outputs of a network for this source.
	Rows() int
}

var (
	_ Source = Uniform{}
	_ Source = Mask{}
)

// NewSource returns the named source over vocab data tokens: "uniform" or
// "mask".
func NewSource(name string, vocab int) (Source, error) {
	if vocab < 1 {
		return nil, fmt.Errorf("flow: %s source over %d tokens: the vocabulary needs at least 1", name, vocab)
	}
	switch name {
	case "uniform":
		return Uniform{vocab}, nil
	case "mask":
		return Mask{vocab}, nil
	}
	return nil, fmt.Errorf("flow: unknown source %q: must be one of [uniform mask]", name)
}

// Uniform draws every token with equal probability.
type Uniform struct {
	Vocab int // V
}

// Sample implements Source.
func (s Uniform) Sample(dst Tokens, rng []Rand) {
	checkRows(dst, len(rng))
	for i, r := range rng {
		row := dst.Row(i)
		for j := range row {
			row[j] = int32(below(r, s.Vocab))
		}
	}
}

// Mask implements Source.
func (Uniform) Mask() int32 { return -1 }

// Rows implements Source.
func (s Uniform) Rows() int { return s.Vocab }

// Mask starts from a token outside the data, whose id is Vocab.
type Mask struct {
	Vocab int // V
}

// Sample implements Source. It draws nothing.
func (s Mask) Sample(dst Tokens, rng []Rand) {
	checkRows(dst, len(rng))
	for i := range dst.IDs {
		dst.IDs[i] = int32(s.Vocab)
	}
}

// Mask implements Source.
func (s Mask) Mask() int32 { return int32(s.Vocab) }

// Rows implements Source.
func (s Mask) Rows() int { return s.Vocab + 1 }

// below draws an integer of [0, n).
func below(r Rand, n int) int { return min(int(r.Float64()*float64(n)), n-1) }

func checkRows(x Tokens, n int) {
	if x.Batch != n || len(x.IDs) != x.Batch*x.Length {
		panic("flow: tokens must be [B, L], with one time, step size and stream a row")
	}
}
