package flow

import "fmt"

// Denoiser evaluates a network.
type Denoiser interface {
	// Logits returns the unnormalised log-posterior of the clean token,
	// [B, L, V], for tokens x [B, L] at times t [B] with step sizes h [B]. The
	// caller may overwrite what is returned; the next call does.
	Logits(x Tokens, t, h []float64) ([]float32, error)
	// Vocab is the number of logits a position, the mask token included.
	Vocab() int
}

// Solver advances the jump process by one step.
//
// Move returns the token that a position holds after the step. A position whose
// logits are all NaN or -Inf keeps its token; a single NaN counts as -Inf. Move
// is called from several goroutines. A Stepper calls it for a batch.
type Solver interface {
	Move(p Position) int32
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
