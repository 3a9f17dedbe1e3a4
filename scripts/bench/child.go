package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// outcome is what a child tells of the figure it has measured.
type outcome struct {
	Result    result
	About     about
	Patience  time.Duration // that is left
	Disturbed int
}

// measure has a figure measured by a child, a process of its own: kernels are
// chosen at start, and no figure inherits another's memory.
func (b *bench) measure(args []string, figure, class int) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	args = append(slices.Clone(args), "-figure", strconv.Itoa(figure), "-class", strconv.Itoa(class), "-patience", b.quiet.patience.String())
	command := exec.CommandContext(b.ctx, self, args...)
	command.Env = append(os.Environ(), "FSDFM_KERNELS="+classes()[class].kernels)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return result{}, fmt.Errorf("%w: its message stands above", err)
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		return result{}, fmt.Errorf("reading its result: %w", err)
	}
	if o.About.Torch != "" && b.about.Torch == "" {
		b.about = o.About
	}
	b.quiet.patience, b.quiet.disturbed = o.Patience, b.quiet.disturbed+o.Disturbed
	return o.Result, nil
}

// answer measures a figure as a child.
func (b *bench) answer(w io.Writer, f figure) error {
	dir, err := os.MkdirTemp("", "fsdfm-bench-")
	if err != nil {
		return fmt.Errorf("folder for exchanged weights: %w", err)
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	r, err := f.measure(b)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(outcome{r, b.about, b.quiet.patience, b.quiet.disturbed})
}
