package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fsdfm/checkpoints"
)

// Record is one line of metrics.jsonl.
type Record struct {
	Stage           string   `json:"stage"`
	Step            int      `json:"step"`
	Loss            float64  `json:"loss,omitempty"`      // mean of the steps since the last line
	GradNorm        float64  `json:"grad_norm,omitempty"` // mean of the steps since the last line, before the clip
	LR              float64  `json:"lr,omitempty"`
	TokensPerSecond float64  `json:"tokens_per_second,omitempty"`
	EvalLoss        *float64 `json:"eval_loss,omitempty"` // of the EMA weights on held-out rows
	Event           string   `json:"event,omitempty"`     // what else happened in this step
}

// Metrics appends to a run's metrics.jsonl. A nil Metrics writes nothing.
type Metrics struct{ path string }

// NewMetrics writes to the file at path, made when first needed.
func NewMetrics(path string) *Metrics { return &Metrics{path} }

// Write appends one line.
func (m *Metrics) Write(r Record) error {
	if m == nil {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("train: writing metrics: %w", err)
	}
	f, err := os.OpenFile(m.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("train: writing metrics: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("train: writing metrics: %w", err)
	}
	return nil
}

// Sync makes the lines written so far durable.
func (m *Metrics) Sync() error {
	if m == nil {
		return nil
	}
	f, err := os.OpenFile(m.path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), checkpoints.Disk{}.SyncDir(filepath.Dir(m.path)))
	}
	if err != nil {
		return fmt.Errorf("train: flushing metrics: %w", err)
	}
	return nil
}

// Truncate drops a stage's lines after step, and a last line cut short, so that
// a resumed run writes each line once.
func (m *Metrics) Truncate(stage string, step int) error {
	if m == nil {
		return nil
	}
	old, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: reading metrics: %w", err)
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(old) {
		var r Record
		if json.Unmarshal(line, &r) == nil && line[len(line)-1] == '\n' && (r.Stage != stage || r.Step <= step) {
			kept.Write(line)
		}
	}
	if bytes.Equal(kept.Bytes(), old) {
		return nil
	}
	return checkpoints.WriteFileAtomic(m.path, kept.Bytes())
}
