//go:build unix

package cmd_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fsdfm/internal/golden"
)

// interrupt runs a command that would take very long and signals it; later and
// later, until it was not too early for the command to listen. It returns how
// the command ended.
func interrupt(t *testing.T, signals []syscall.Signal, args ...string) (state *os.ProcessState, stderr string) {
	t.Helper()
	for delay := 50 * time.Millisecond; delay < time.Minute; delay *= 2 {
		c := exec.Command(args[0], args[1:]...)
		var text bytes.Buffer
		c.Stderr = &text
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(delay)
		for _, s := range signals {
			c.Process.Signal(s) // fails if it has ended, which the caller sees
		}
		c.Wait() // the state says more than the error
		if status := c.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || len(signals) > 1 {
			return c.ProcessState, text.String()
		}
	}
	t.Fatal("every signal came before the command listened")
	return nil, ""
}

// endless are commands that run for seconds at least.
func endless(t *testing.T, dir string) map[string][]string {
	t.Helper()
	c := golden.Load(t, "dfm_forward_uniform")
	model := export(t, golden.Weights(c.Network(false), "", c))
	text := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat(strings.Repeat(sixty, 20)+"\n\f\n", 40)), 0o644); err != nil {
		t.Fatal(err)
	}
	shards := filepath.Join(dir, "shards")
	if out, err := exec.Command("fsdfm-data", "-in", text, "-out", shards, "-length", "16").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return map[string][]string{
		"sampling":   {"fsdfm-sample", "-model", model, "-steps", "1000000", "-n", "8"},
		"evaluation": {"fsdfm-eval", "-model", model, "-data", shards, "-steps", "1000000", "-n", "8", "-json", filepath.Join(dir, "report.json")},
		"text":       {"fsdfm-data", "-in", "austen", "-out", filepath.Join(dir, "out"), "-tokenizer", "bpe", "-vocab-size", "14000"},
	}
}

// The first signal ends every long command with code 130, in one line and
// without a trace.
func TestOneSignal(t *testing.T) {
	dir := t.TempDir()
	for name, args := range endless(t, dir) {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(name+" "+s.String(), func(t *testing.T) {
				state, stderr := interrupt(t, []syscall.Signal{s}, args...)
				lines := strings.Split(strings.TrimSpace(stderr), "\n")
				if last := lines[len(lines)-1]; state.ExitCode() != 130 || !strings.HasPrefix(last, args[0]+": ") || !strings.Contains(last, "interrupted") {
					t.Errorf("%v, standard error %q", state, stderr)
				}
			})
		}
	}
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if name := entry.Name(); err == nil && (strings.HasPrefix(name, ".") || name == "out" || name == "report.json") {
			t.Errorf("%s is left over", path)
		}
		return err
	})
}

// A second signal ends it at once, whatever it is at.
func TestTwoSignals(t *testing.T) {
	args := endless(t, t.TempDir())["sampling"]
	for _, second := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		state, stderr := interrupt(t, []syscall.Signal{syscall.SIGTERM, second}, args...)
		if status := state.Sys().(syscall.WaitStatus); !status.Signaled() && state.ExitCode() != 130 {
			t.Errorf("%v, standard error %q", state, stderr)
		}
	}
}
