package flow

import "fmt"

// Denoiser evaluates a network.
type Denoiser interface {
	// Logits writes the unnormalised log-posterior of the clean token, [B, L, V],
	// for tokens x [B, L] at times t [B] with step sizes h [B].
	Logits(dst []float32, x Tokens, t, h []float64) error
	// Vocab is the number of logits a position, the mask token included.
	Vocab() int
}

// Solver advances the jump process by one step.
//
// Step moves x [B, L] in place from t to t+h, both [B], given the network's
// logits [B, L, V] at (x, t, h); t+h may lie beyond 1. The logits are used up:
// afterwards they hold nothing of use. Each position draws from its row's
// stream the uniform that decides whether to jump, then, only if it jumps, the
// one that chooses the destination. A position whose logits are all NaN or -Inf
// keeps its token; a single NaN counts as -Inf.
type Solver interface {
	Step(x Tokens, logits []float32, t, h []float64, rng []Rand)
}

var solvers = []struct {
	name string
	make func(Scheduler, Source) Solver
}{
	{"euler_cumulative", func(s Scheduler, _ Source) Solver { return EulerCumulative{s} }},
	{"euler", func(s Scheduler, _ Source) Solver { return Euler{s} }},
	{"ancestral", func(s Scheduler, _ Source) Solver { return Ancestral{s} }},
	{"mixture_euler", func(_ Scheduler, src Source) Solver { return MixtureEuler{src.Mask()} }},
}

// SolverNames lists what NewSolver knows, the default first.
func SolverNames() []string {
	names := make([]string, len(solvers))
	for i, s := range solvers {
		names[i] = s.name
	}
	return names
}

// NewSolver returns the named solver for a path from src to the data.
func NewSolver(name string, sched Scheduler, src Source) (Solver, error) {
	for _, s := range solvers {
		if s.name == name {
			return s.make(sched, src), nil
		}
	}
	return nil, fmt.Errorf("flow: unknown solver %q: must be one of %v", name, SolverNames())
}

// eachPosition calls f with the token and the logits [V] of every position of
// row i.
func eachPosition(x Tokens, i int, logits []float32, f func(token *int32, logits []float32)) {
	v := len(logits) / max(1, len(x.IDs))
	for j := i * x.Length; j < (i+1)*x.Length; j++ {
		f(&x.IDs[j], logits[j*v:(j+1)*v])
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
