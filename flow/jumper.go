package flow

// Jumper takes a solver's step and asks the network where it led. With several
// Candidates it tries the step that often from the same state and keeps, row by
// row, the outcome that leaves the network least uncertain (after arXiv
// 2605.07924, whose teacher picks the most coherent of several jumps).
type Jumper struct {
	Denoiser   Denoiser
	Stepper    *Stepper
	Candidates int       // below 2: one jump
	Commonness []float32 // [V] of Stepper.Uncertainty, or nil

	given               []int32 // [B, L] what frozen positions keep
	frozen              []bool  // [B, L] or nil: none
	trial               Tokens
	logits, kept        []float32 // where the step starts, and of the states kept
	scratch             []float32
	uncertainty, lowest []float64 // [B]
}

// A Leg is a step from T with size H, and what the network is asked where it
// ends; all [B].
type Leg struct{ T, H, NextT, NextH []float64 }

func (l *Leg) resize(n int) {
	if len(l.T) != n {
		*l = Leg{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
	}
}

// set is the step from the first to the second of times for every row; the
// network is then asked for the step to the third, if there is one.
func (l *Leg) set(times []float64) {
	for i := range l.T {
		l.T[i], l.H[i] = times[0], times[1]-times[0]
		if len(times) > 2 {
			l.NextT[i], l.NextH[i] = times[1], times[2]-times[1]
		}
	}
}

// Jump moves x [B, L] in place by one step, given the network's logits
// [B, L, V] at its start, which are used up. It returns the network's logits
// for the state reached; they stay valid until the next call.
func (j *Jumper) Jump(solver Solver, x Tokens, logits []float32, leg Leg, rng []Rand) ([]float32, error) {
	if j.Candidates < 2 {
		return j.try(solver, x, logits, leg, rng)
	}
	j.resize(x, len(logits))
	copy(j.logits, logits)
	start := x.Clone()
	for k := range j.Candidates {
		copy(j.trial.IDs, start.IDs)
		copy(j.scratch, j.logits)
		answer, err := j.try(solver, j.trial, j.scratch, leg, rng)
		if err != nil {
			return nil, err
		}
		j.Stepper.Uncertainty(j.uncertainty, answer, j.scratch, j.Commonness, x.Length)
		for i, u := range j.uncertainty {
			if k == 0 || u < j.lowest[i] {
				j.keep(i, x, answer, u)
			}
		}
	}
	return j.kept, nil
}

// try is one jump.
func (j *Jumper) try(solver Solver, x Tokens, logits []float32, leg Leg, rng []Rand) ([]float32, error) {
	j.Stepper.Step(solver, x, logits, leg.T, leg.H, rng)
	j.settle(x)
	return j.Denoiser.Logits(x, leg.NextT, leg.NextH)
}

// settle restores the frozen positions.
func (j *Jumper) settle(x Tokens) {
	for i, keep := range j.frozen {
		if keep {
			x.IDs[i] = j.given[i]
		}
	}
}

// keep makes row i of the trial that of x.
func (j *Jumper) keep(i int, x Tokens, logits []float32, uncertainty float64) {
	copy(x.Row(i), j.trial.Row(i))
	size := len(logits) / x.Batch
	copy(j.kept[i*size:(i+1)*size], logits[i*size:])
	j.lowest[i] = uncertainty
}

func (j *Jumper) resize(x Tokens, size int) {
	if len(j.logits) == size && j.trial.Batch == x.Batch {
		return
	}
	j.trial = NewTokens(x.Batch, x.Length)
	j.logits, j.kept, j.scratch = make([]float32, size), make([]float32, size), make([]float32, size)
	j.uncertainty, j.lowest = make([]float64, x.Batch), make([]float64, x.Batch)
}
