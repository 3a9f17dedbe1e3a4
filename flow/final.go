package flow

// FinalStep ends a sampling run: every position is drawn from p, so a run of
// one step is one factorised draw. With a mask source only the positions still
// masked are drawn, and p(mask) is set to 0. x is [B, L], logits [B, L, V] are
// used up; one uniform is drawn a written position. As in a Solver, a position
// without a logit above -Inf keeps its token.
func FinalStep(x Tokens, logits []float32, src Source, rng []Rand) {
	checkRows(x, len(rng))
	mask := src.Mask()
	for i, r := range rng {
		eachPosition(x, i, logits, func(token *int32, logits []float32) {
			if mask >= 0 && *token != mask {
				return
			}
			_, total := exponentiate(logits, mask)
			*token = draw(logits, total, r.Float64(), *token)
		})
	}
}
