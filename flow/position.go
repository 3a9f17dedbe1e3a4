package flow

import "math"

// Position is one token of a batch and what a solver decides by.
type Position struct {
	Token  int32
	Logits []float32 // [V] of the posterior; used up
	T, H   float64   // the step goes from T to T+H
	// Two uniforms in [0, 1): whether to jump and where to.
	Whether, Where float64

	weigh      func([]float32) (float32, float64)
	truncation Truncation
}

// Weigh turns the logits into weights proportional to the posterior p, as
// truncated, in place, and returns their sum. A logit that is NaN counts as -Inf, +Inf takes
// all the mass. If no logit is above -Inf all weights are 0 and so is the sum.
func (p Position) Weigh() (sum float64) {
	_, sum = p.weigh(p.Logits)
	return p.truncation.cut(p.Logits, sum)
}

// Split is Weigh for all tokens but the position's own, whose weight becomes 0:
// it returns the weight that was to stay and the sum of the others. 1-p(x) =
// others/(stay+others), which decides whether to jump, loses no digits where
// p(x) is close to 1. Stay may be +Inf. A token outside the logits has weight 0.
func (p Position) Split() (stay, others float64) {
	if p.truncation.Active() {
		return p.splitTruncated()
	}
	own := math.Inf(-1)
	if p.Token >= 0 && int(p.Token) < len(p.Logits) {
		own = float64(p.Logits[p.Token])
		p.Logits[p.Token] = float32(math.Inf(-1))
	}
	top, others := p.weigh(p.Logits)
	switch {
	case math.IsNaN(own):
		return 0, others
	case own == float64(top): // also +Inf
		return 1, others
	}
	return math.Exp(own - float64(top)), others
}

// splitTruncated needs the own token's weight to rank it among the others.
func (p Position) splitTruncated() (stay, others float64) {
	p.Weigh()
	if p.Token >= 0 && int(p.Token) < len(p.Logits) {
		stay = float64(p.Logits[p.Token])
		p.Logits[p.Token] = 0
	}
	for _, w := range p.Logits {
		others += float64(w)
	}
	return stay, others
}

// Draw picks a token in proportion to weights that sum to total; without a
// positive one it keeps the token.
func (p Position) Draw(total float64) int32 { return draw(p.Logits, total, p.Where, p.Token) }
