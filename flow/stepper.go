package flow

// Stepper moves all positions of a batch by one step of a solver. The zero
// value uses one core and plain Go. It keeps its buffers between calls, so it is
// for one goroutine at a time.
type Stepper struct {
	// Parallel calls body(0) .. body(n-1), each once, in any order, and returns
	// when all are done. Default: one after the other.
	Parallel func(n int, body func(i int))
	// Weigh replaces logits by exp(logit - top), in place, top the largest of
	// them, and returns top and the sum. NaN counts as -Inf; if top is +Inf it
	// alone weighs 1; if it is -Inf, or there is no logit, all weights and the
	// sum are 0. Default: plain Go.
	Weigh func(logits []float32) (top float32, sum float64)
	// Truncation of the posterior before a solver uses it.
	Truncation Truncation

	work *stepWork
}

// stepWork is the step under way.
type stepWork struct {
	solver   Solver
	weigh    func([]float32) (float32, float64)
	truncate Truncation
	x        Tokens
	logits   []float32
	t, h     []float64
	uniforms []float64       // [B, L, 2] whether, where
	body     func(chunk int) // of this value
}

// positionGrain is the number of positions moved in one call of a body.
const positionGrain = 8

// Step moves x [B, L] in place from t to t+h, both [B], given the network's
// logits [B, L, V] at (x, t, h); t+h may lie beyond 1. The logits are used up:
// afterwards they hold nothing of use. Every position takes two uniforms of its
// row's stream, in order, so that what is drawn depends neither on the logits
// nor on who moves which position.
func (s *Stepper) Step(solver Solver, x Tokens, logits []float32, t, h []float64, rng []Rand) {
	checkStep(x, logits, t, h, rng)
	if s.work == nil {
		s.work = new(stepWork)
		s.work.body = s.work.move
	}
	w := s.work
	w.solver, w.weigh, w.truncate, w.x, w.logits, w.t, w.h = solver, s.Weigh, s.Truncation, x, logits, t, h
	if w.weigh == nil {
		w.weigh = weigh
	}
	w.draw(rng)
	chunks := (len(x.IDs) + positionGrain - 1) / positionGrain
	if s.Parallel != nil {
		s.Parallel(chunks, w.body)
		return
	}
	for i := range chunks {
		w.move(i)
	}
}

// draw takes the uniforms of all positions.
func (w *stepWork) draw(rng []Rand) {
	w.uniforms = w.uniforms[:0]
	for _, r := range rng {
		for range 2 * w.x.Length {
			w.uniforms = append(w.uniforms, r.Float64())
		}
	}
}

// move moves the positions of one chunk.
func (w *stepWork) move(chunk int) {
	n := len(w.x.IDs)
	v := len(w.logits) / n
	for i := chunk * positionGrain; i < min((chunk+1)*positionGrain, n); i++ {
		row := i / w.x.Length
		w.x.IDs[i] = w.solver.Move(Position{
			Token: w.x.IDs[i], Logits: w.logits[i*v : (i+1)*v], T: w.t[row], H: w.h[row],
			Whether: w.uniforms[2*i], Where: w.uniforms[2*i+1], weigh: w.weigh, truncation: w.truncate,
		})
	}
}

func checkStep(x Tokens, logits []float32, t, h []float64, rng []Rand) {
	checkRows(x, len(rng))
	if len(t) != x.Batch || len(h) != x.Batch {
		panic("flow: Step needs one time and one step size a row")
	}
	if len(logits) < len(x.IDs) || len(logits)%max(1, len(x.IDs)) != 0 {
		panic("flow: logits must be [B, L, V]")
	}
}
