package distill

import (
	"fmt"
	"math"

	"fsdfm/flow"
	"fsdfm/loss"
	"fsdfm/model"
	"fsdfm/train"
)

// Trajectories are rolled-out runs of the many-step teacher.
type Trajectories interface {
	Len() int
	State(i, k int) []int32 // [L] tokens of trajectory i after k/Grid of its steps
}

// Objective is stage 2. Each row is routed to one loss:
//   - the smallest step size ties the student to real data (path loss on x_1),
//   - other step sizes match the shortcut teacher's logits,
//   - a share of the rows starts from a state of a rolled-out trajectory and
//     learns where that trajectory stands at t+h.
//
// Teacher evaluations are spent only on the rows that use them.
type Objective struct {
	Config     Config
	Learner    *train.Learner
	EMA        *model.Denoiser
	Teacher    Teacher
	Pretrained flow.Denoiser // logits for trajectory rows; nil if Config.Trajectory.KL is 0
	Path       flow.MixturePath
	Source     flow.Source
	Budgets    flow.Budgets
	Rollouts   Trajectories // nil unless Config.UsesTrajectories
	Grid       int          // of the trajectories: their states stand after k/Grid of the steps
	Spacing    flow.Spacing // of the times of a budget: Budgets draws shares of the steps
	Seed       uint64

	rows
	shortcut, rolled routed
}

// rows are the inputs of the student's next pass.
type rows struct {
	batch  loss.Batch
	x0, xt flow.Tokens
	t, h   []float64
	seeds  []uint64
	clean  []int32 // [N] x_1, or a trajectory's end
	next   []int32 // [N] a trajectory's state at t+h
	target []float32
}

// routed are the rows of one batch that a teacher is asked about.
type routed struct {
	index []int
	x     flow.Tokens
	t, h  []float64
	rng   []flow.Rand
	dst   []float32
}

var _ train.Objective = (*Objective)(nil)

// Loss implements train.Objective.
func (o *Objective) Loss(m train.Micro) (float64, error) {
	if err := o.prepare(m, "distill"); err != nil {
		return 0, err
	}
	err := o.Learner.Backward(o.xt, o.t, o.h, o.seeds, &o.batch, m.Accumulate)
	return train.Sum(o.batch.Values), err
}

// Evaluate implements train.Objective.
func (o *Objective) Evaluate(m train.Micro) (float64, error) {
	if err := o.prepare(m, "distill evaluation"); err != nil {
		return 0, err
	}
	logits, err := o.EMA.Logits(o.xt, o.t, o.h)
	if err != nil {
		return 0, err
	}
	err = o.batch.Evaluate(nil, logits)
	return train.Sum(o.batch.Values), err
}

// prepare draws every row's t, h and state, and asks the teachers.
func (o *Objective) prepare(m train.Micro, purpose string) error {
	n := m.X1.Batch
	o.resize(n, m.X1.Length)
	streams := flow.Streams(o.Seed, purpose, m.First, n)
	o.batch.Reset(n)
	copy(o.clean, m.X1.IDs)
	copy(o.next, m.X1.IDs)
	for i, r := range streams {
		o.seeds[i] = train.DropoutSeed(r)
		if o.Config.TrajectoryShare > 0 && r.Float64() < o.Config.TrajectoryShare {
			o.drawTrajectory(i, r)
		} else {
			o.drawPath(i, r)
		}
	}
	o.batch.XT, o.batch.X1, o.batch.Next, o.batch.Target = o.xt.IDs, o.clean, o.next, o.target
	o.batch.Scale = 1 / float64(m.Total)
	return o.askTeachers(streams)
}

func (o *Objective) resize(n, length int) {
	o.shortcut.index, o.rolled.index = o.shortcut.index[:0], o.rolled.index[:0]
	if o.xt.Batch == n && o.xt.Length == length {
		return
	}
	size := n * length
	o.rows = rows{
		x0: flow.NewTokens(n, length), xt: flow.NewTokens(n, length), t: make([]float64, n), h: make([]float64, n),
		seeds: make([]uint64, n), clean: make([]int32, size), next: make([]int32, size),
		target: make([]float32, size*o.Learner.Weights.Config.Rows()),
	}
}

// drawPath sets row i to a state of the path at a random time: from noise to its
// text, or from one end of a random trajectory to the other.
func (o *Objective) drawPath(i int, r flow.Rand) {
	u, du := o.Budgets.Draw(r)
	o.t[i], o.h[i] = o.Spacing.Leg(u, du)
	one := func(t flow.Tokens) flow.Tokens { return flow.Tokens{Batch: 1, Length: t.Length, IDs: t.Row(i)} }
	x0, clean := one(o.x0), one(flow.Tokens{Length: o.xt.Length, IDs: o.clean})
	streams := []flow.Rand{r}
	if o.Config.CouplingShare > 0 && r.Float64() < o.Config.CouplingShare {
		id := o.anyTrajectory(r)
		copy(x0.IDs, o.Rollouts.State(id, 0))
		copy(clean.IDs, o.Rollouts.State(id, o.Grid))
	} else {
		o.Source.Sample(x0, streams)
	}
	o.Path.Sample(one(o.xt), x0, clean, o.t[i:i+1], streams)
	o.routeData(i, du)
}

func (o *Objective) anyTrajectory(r flow.Rand) int {
	return int(r.Float64() * float64(o.Rollouts.Len()))
}

// routeData gives a data row, of a budget of 1/du steps, its loss: the smallest
// step learns from the data, every other from the shortcut teacher.
func (o *Objective) routeData(i int, du float64) {
	if du >= 1/(float64(o.Config.MaxBudget)/2+1) {
		o.shortcut.index = append(o.shortcut.index, i)
		o.addKL(i, 1)
		return
	}
	if o.Config.PathLoss == "ce" {
		o.add(i, loss.CrossEntropy{}, 1)
		return
	}
	rate := flow.Instantaneous
	if o.Config.PathScale == "cumulative" {
		rate = flow.Cumulative
	}
	o.add(i, loss.GeneralizedKL{Rate: rate(o.Path.Scheduler, o.t[i], o.h[i])}, 1)
}

// addKL gives row i the divergence from its teacher's logits.
func (o *Objective) addKL(i int, weight float64) {
	f := loss.ForwardKL{TopK: o.Config.KLTopK, TopP: o.Config.KLTopP, Confidence: o.Config.KLConfidence}
	if o.Config.KLTemperature != 1 {
		f.Temperature = o.Config.KLTemperature
	}
	switch o.Config.KL {
	case "reverse":
		o.add(i, loss.ReverseKL{}, weight)
	case "mixed":
		o.add(i, f, weight/2)
		o.add(i, loss.ReverseKL{}, weight/2)
	default:
		o.add(i, f, weight)
	}
}

func (o *Objective) add(i int, l loss.Loss, weight float64) {
	if weight > 0 {
		o.batch.Rows[i] = append(o.batch.Rows[i], loss.Term{Loss: l, Weight: weight})
	}
}

// drawTrajectory sets row i to a random trajectory's state at t and gives it
// the losses that match the state at t+h.
func (o *Objective) drawTrajectory(i int, r flow.Rand) {
	grid, length := o.Grid, o.xt.Length
	id := o.anyTrajectory(r)
	u, du := o.Budgets.UpTo(grid).Draw(r)
	o.t[i], o.h[i] = o.Spacing.Leg(u, du)
	from := int(math.Round(u * float64(grid)))
	to := int(math.Round((u + du) * float64(grid)))
	row := func(ids []int32) []int32 { return ids[i*length : (i+1)*length] }
	copy(row(o.xt.IDs), o.Rollouts.State(id, from))
	copy(row(o.next), o.Rollouts.State(id, to))
	copy(row(o.clean), o.Rollouts.State(id, grid))
	w := o.Config.Trajectory
	if to == grid { // the last step of a run does not jump, it draws
		o.add(i, loss.FinalDraw{Mask: o.Source.Mask()}, w.Jump)
	} else {
		o.add(i, loss.Jump{Hazard: o.h[i] * flow.Cumulative(o.Path.Scheduler, o.t[i], o.h[i])}, w.Jump)
	}
	o.add(i, loss.CrossEntropy{}, w.End)
	o.addKL(i, w.KL)
	if w.KL > 0 {
		o.rolled.index = append(o.rolled.index, i)
	}
}

// askTeachers fills the target logits of the rows that use them: the shortcut
// teacher at (x_t, t, h), or the pretrained network at the trajectory's state
// at t+h.
func (o *Objective) askTeachers(streams []flow.Rand) error {
	if err := o.ask(&o.shortcut, o.xt.IDs, o.t, streams, o.Teacher.Target); err != nil {
		return fmt.Errorf("distill: shortcut teacher: %w", err)
	}
	later := make([]float64, len(o.t))
	for i := range later {
		later[i] = min(1, o.t[i]+o.h[i])
	}
	pretrained := func(dst []float32, x flow.Tokens, t, h []float64, _ []flow.Rand) error {
		logits, err := o.Pretrained.Logits(x, t, h)
		copy(dst, logits)
		return err
	}
	if err := o.ask(&o.rolled, o.next, later, streams, pretrained); err != nil {
		return fmt.Errorf("distill: pretrained network: %w", err)
	}
	return nil
}

// ask gathers the routed rows, asks for their logits and scatters these.
func (o *Objective) ask(r *routed, ids []int32, t []float64, streams []flow.Rand, target func([]float32, flow.Tokens, []float64, []float64, []flow.Rand) error) error {
	if len(r.index) == 0 {
		return nil
	}
	length := o.xt.Length
	r.t, r.h, r.rng = r.t[:0], r.h[:0], r.rng[:0]
	r.x = flow.Tokens{Batch: len(r.index), Length: length, IDs: r.x.IDs[:0]}
	for _, i := range r.index {
		r.x.IDs = append(r.x.IDs, ids[i*length:(i+1)*length]...)
		r.t, r.h, r.rng = append(r.t, t[i]), append(r.h, o.h[i]), append(r.rng, streams[i])
	}
	size := len(o.target) / len(o.t)
	dst := train.Grow(&r.dst, len(r.index)*size)
	if err := target(dst, r.x, r.t, r.h, r.rng); err != nil {
		return err
	}
	for k, i := range r.index {
		copy(o.target[i*size:(i+1)*size], dst[k*size:(k+1)*size])
	}
	return nil
}
