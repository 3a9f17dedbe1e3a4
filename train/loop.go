package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fsdfm/checkpoints"
	"fsdfm/flow"
	"fsdfm/model"
	"fsdfm/optim"
)

// ErrInterrupted says that a loop was asked to stop, has saved and can be
// resumed.
var ErrInterrupted = errors.New("interrupted")

// Rows is an endless stream of data rows in which every row has a number, so
// that the place in it is one integer.
type Rows interface {
	Fill(dst []int32, position int64) error // dst [n*L]: rows position, position+1, ...
}

// Observer is told how a loop goes on.
type Observer interface {
	Step(step, total int, loss, tokensPerSecond float64)
	Note(format string, args ...any)
}

// Loop trains one network: micro-batches, clip, AdamW, EMA, held-out losses,
// metrics and saves. All its randomness is a function of the seed and the row
// number, so a save needs no generator's state to go on exactly.
type Loop struct {
	Kind      string // pretrain or distill: names the saves, the metrics and the random streams
	Dir       string // folder of the saves
	Config    Config
	RunConfig json.RawMessage // stored in every save
	Seed      uint64
	Length    int

	Learner   *Learner
	EMA       []float32
	Optimizer *optim.AdamW
	Objective Objective
	Train     Rows
	HeldOut   Rows // nil: no held-out losses
	Metrics   *Metrics
	Observer  Observer
	Disk      checkpoints.FS // where saves go; New: the system's
	Changed   bool           // resume although the seed is another

	step   int
	window window
	guard  guard
	due    bool // the step's held-out loss is not written yet
	saved  int  // the last step with a save
}

// window averages the loss between two lines of metrics.jsonl.
type window struct {
	loss, norm float64
	steps      int
	since      time.Time
}

// New makes a loop that trains w from step 0, its EMA a copy.
func New(c Config, w *model.Weights) *Loop {
	learner := NewLearner(w)
	learner.Recompute = c.Recompute
	return &Loop{
		Config: c, Learner: learner, EMA: append([]float32(nil), w.Data...),
		Optimizer: optim.NewAdamW(c.Optim, len(w.Data)), Disk: checkpoints.Disk{}, saved: -1,
	}
}

// Step is the number of steps done.
func (l *Loop) Step() int { return l.step }

// Run trains to the last step. When ctx ends it saves, tells how to go on and
// returns ErrInterrupted; a step that was under way is discarded, so that the
// rest of the run is the same as without the interruption.
func (l *Loop) Run(ctx context.Context) error {
	x1 := flow.NewTokens(l.Config.Batch, l.Length)
	l.window.since = time.Now()
	err := l.catchUp(ctx)
	for err == nil && l.step < l.Config.Steps {
		if err = l.trainStep(ctx, x1); err == nil {
			err = l.afterStep(ctx)
		}
	}
	switch {
	case err != nil && errors.Is(err, ctx.Err()):
		return l.interrupt()
	case err == nil && l.saved != l.step:
		return l.Save()
	}
	return err
}

// catchUp does what an interruption left out after the last step.
func (l *Loop) catchUp(ctx context.Context) error {
	if !l.due || l.HeldOut == nil {
		return nil
	}
	if err := l.evaluate(ctx); err != nil {
		return err
	}
	l.saved = -1 // the save says that it is due
	return nil
}

func (l *Loop) interrupt() error {
	if l.saved != l.step {
		if err := l.Save(); err != nil {
			return err
		}
	}
	return ErrInterrupted
}

// trainStep does one optimizer step, or none of it.
func (l *Loop) trainStep(ctx context.Context, x1 flow.Tokens) error {
	c, first := l.Config, int64(l.step)*int64(l.Config.Batch)
	if err := l.Train.Fill(x1.IDs, first); err != nil {
		return err
	}
	sum := 0.0
	for at := 0; at < c.Batch; at += c.Micro() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v, err := l.Objective.Loss(l.micro(x1, at, first, at > 0))
		if err != nil {
			return err
		}
		sum += v
	}
	step := l.step + 1
	if !finite(sum) {
		return l.lost(step, "loss", sum)
	}
	lr := c.Optim.LearningRate(step, c.Steps)
	norm, err := l.Optimizer.Step(l.Learner.Weights.Data, l.Learner.Grad, l.EMA, step, lr, c.EMADecay)
	if !finite(norm) {
		return l.lost(step, "gradient norm", norm)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.Kind, err)
	}
	l.step = step
	l.window.loss += sum / float64(c.Batch)
	l.window.norm += norm
	l.window.steps++
	if usual := l.guard.mean; l.guard.spike(norm) {
		return l.event(norm, "the gradient norm is %.3g, usual is %.3g", norm, usual)
	}
	return nil
}

// micro is the part of a batch's rows that starts at row at.
func (l *Loop) micro(x1 flow.Tokens, at int, first int64, accumulate bool) Micro {
	n := min(l.Config.Micro(), x1.Batch-at)
	return Micro{
		X1:    flow.Tokens{Batch: n, Length: l.Length, IDs: x1.IDs[at*l.Length : (at+n)*l.Length]},
		First: first + int64(at), Total: x1.Batch, Accumulate: accumulate,
	}
}

// afterStep logs, evaluates and saves where the step number says so.
func (l *Loop) afterStep(ctx context.Context) error {
	c := l.Config
	last := l.step == c.Steps
	if l.step%c.LogEvery == 0 || last {
		if err := l.log(); err != nil {
			return err
		}
	}
	if l.due = c.EvalEvery > 0 && l.HeldOut != nil && (l.step%c.EvalEvery == 0 || last); l.due {
		if err := l.evaluate(ctx); err != nil {
			return err
		}
	}
	if l.step%c.CheckpointEvery == 0 || last {
		return l.Save()
	}
	return nil
}

func (l *Loop) log() error {
	w := l.window
	n, seconds := float64(w.steps), time.Since(w.since).Seconds()
	speed := n * float64(l.Config.Batch*l.Length) / seconds
	l.window = window{since: time.Now()}
	if w.steps == 0 {
		return nil // all were left out
	}
	if l.Observer != nil {
		l.Observer.Step(l.step, l.Config.Steps, w.loss/n, speed)
	}
	return l.Metrics.Write(Record{
		Stage: l.Kind, Step: l.step, Loss: w.loss / n, GradNorm: w.norm / n,
		LR: l.Config.Optim.LearningRate(l.step, l.Config.Steps), TokensPerSecond: speed,
	})
}

// evaluate writes the EMA weights' loss on the first held-out rows.
func (l *Loop) evaluate(ctx context.Context) error {
	n := l.Config.EvalRows
	x1 := flow.NewTokens(n, l.Length)
	if err := l.HeldOut.Fill(x1.IDs, 0); err != nil {
		return err
	}
	sum := 0.0
	for at := 0; at < n; at += l.Config.Micro() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v, err := l.Objective.Evaluate(l.micro(x1, at, 0, false))
		if err != nil {
			return err
		}
		sum += v
	}
	mean := sum / float64(n)
	if !finite(mean) {
		return fmt.Errorf("%s: the held-out loss after step %d is %v: lower the learning rate; the last save is untouched", l.Kind, l.step, mean)
	}
	l.due = false
	if l.Observer != nil {
		l.Observer.Note("%s step %d: held-out loss %.4f", l.Kind, l.step, mean)
	}
	return l.Metrics.Write(Record{Stage: l.Kind, Step: l.step, EvalLoss: &mean})
}

// Save writes everything needed to go on, then drops the oldest saves.
func (l *Loop) Save() error {
	if err := errors.Join(l.checkWeights(), l.Metrics.Sync()); err != nil {
		return err
	}
	state := checkpoints.State{
		Kind: l.Kind, Step: l.step, Rows: int64(l.step) * int64(l.Config.Batch), Seed: l.Seed, Config: l.RunConfig,
		Extra: l.extra(),
	}
	groups := make(map[string][]checkpoints.Tensor)
	for name, flat := range l.groups() {
		groups[name] = Tensors(l.Learner.Weights, flat)
	}
	if _, err := checkpoints.SaveStateOn(l.Disk, l.Dir, state, groups); err != nil {
		return err
	}
	l.saved = l.step
	return checkpoints.RotateOn(l.Disk, l.Dir, l.Config.Keep)
}

// Resume loads the newest save that verifies; without one it leaves the loop at
// step 0. Broken saves are named to the observer.
func (l *Loop) Resume() error {
	path, skipped, err := checkpoints.Latest(l.Dir)
	for _, bad := range skipped {
		if l.Observer != nil {
			l.Observer.Note("skipping a broken save: %v", bad)
		}
	}
	if errors.Is(err, checkpoints.ErrNoSave) {
		return l.Metrics.Truncate(l.Kind, 0)
	}
	if err != nil {
		return err
	}
	state, group, err := checkpoints.LoadState(path)
	if err != nil {
		return err
	}
	if state.Kind != l.Kind || state.Seed != l.Seed && !l.Changed || state.Step > l.Config.Steps {
		return fmt.Errorf("%s holds step %d of a %s run with seed %d; expected a %s run of %d steps with seed %d: start a new run or restore the settings",
			path, state.Step, state.Kind, state.Seed, l.Kind, l.Config.Steps, l.Seed)
	}
	w := l.Learner.Weights
	for name, flat := range l.groups() {
		if err := load(group, name, Tensors(w, flat)); err != nil {
			return err
		}
	}
	l.step, l.saved = state.Step, state.Step
	l.restore(state.Extra)
	if l.Observer != nil {
		l.Observer.Note("%s: resuming at step %d of %d from %s", l.Kind, l.step, l.Config.Steps, path)
	}
	return l.Metrics.Truncate(l.Kind, l.step)
}

// extra is what a save holds beside its vectors and the step.
func (l *Loop) extra() map[string]float64 {
	due := 0.0
	if l.due {
		due = 1
	}
	return map[string]float64{
		"window_loss": l.window.loss, "window_norm": l.window.norm, "window_steps": float64(l.window.steps),
		"norm_mean": l.guard.mean, "norms": float64(l.guard.seen), "skipped": float64(l.guard.skipped), "evaluation_due": due,
	}
}

// restore is the inverse of extra.
func (l *Loop) restore(extra map[string]float64) {
	l.window = window{loss: extra["window_loss"], norm: extra["window_norm"], steps: int(extra["window_steps"])}
	l.guard = guard{mean: extra["norm_mean"], seen: int(extra["norms"]), skipped: int(extra["skipped"])}
	l.due = extra["evaluation_due"] > 0
}

// groups are the vectors that a save holds.
func (l *Loop) groups() map[string][]float32 {
	return map[string][]float32{
		"weights": l.Learner.Weights.Data, "ema": l.EMA,
		"moment1": l.Optimizer.Moment1, "moment2": l.Optimizer.Moment2,
	}
}

func load(open func(string) (*checkpoints.Safetensors, error), group string, tensors []checkpoints.Tensor) error {
	file, err := open(group)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Load(tensors)
}
