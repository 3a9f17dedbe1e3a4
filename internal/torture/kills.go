package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"fsdfm/checkpoints"
)

//go:embed small.yaml
var small []byte

// outcome is what a complete pipeline made: the SHA-256 of every file.
type outcome map[string]string

// exported is the file that matters most.
const exported = "export/model.safetensors"

// differs names the files that are not the same.
func (o outcome) differs(other outcome) error {
	names := maps.Clone(o)
	maps.Copy(names, other)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if o[name] != other[name] {
			found = append(found, name)
		}
	}
	if found == nil {
		return nil
	}
	return fmt.Errorf("not the same as undisturbed: %s", strings.Join(found, ", "))
}

// killing is one folder in which pipelines are killed.
type killing struct {
	*torture
	dir  string
	want outcome
	took time.Duration // without a kill
	rng  *rand.Rand
}

// kills runs a small pipeline again and again, killing it at random times and
// going on, until n kills are done. Whenever it comes to its end, everything it
// made must be what an undisturbed pipeline makes.
func (t *torture) kills(n int) error {
	if t.program == "" {
		return errors.New("-program is missing: name the fsdfm-train to kill")
	}
	k := &killing{torture: t, dir: filepath.Join(t.dir, "kills"), rng: rand.New(rand.NewPCG(t.seed, 0))}
	if err := k.prepare(); err != nil {
		return err
	}
	t.say("kills: an undisturbed pipeline takes %v, SHA-256 of its model %s", k.took.Round(time.Millisecond), k.want[exported])
	killed, signalled, compared := 0, 0, 0
	for killed < n {
		twice := (killed+signalled+compared)%6 == 5 // now and then the two signals of a hasty user
		ended, err := k.disturb(twice)
		if err != nil {
			return fmt.Errorf("kill %d: %w", killed+1, err)
		}
		switch {
		case ended:
			compared++
			if err := k.compare(); err != nil {
				return fmt.Errorf("after %d kills: %w", killed, err)
			}
		case twice:
			signalled++
		default:
			killed++
		}
	}
	if err := k.finish(); err != nil {
		return fmt.Errorf("after %d kills: %w", killed, err)
	}
	t.say("kills: %d of %d kill -9 and %d double signals; %d complete pipelines, all of the same SHA-256", killed, n, signalled, compared+1)
	return nil
}

// prepare runs the pipeline undisturbed.
func (k *killing) prepare() error {
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"small.yaml": small, "text.txt": text()} {
		if err := os.WriteFile(filepath.Join(k.dir, name), content, 0o644); err != nil {
			return err
		}
	}
	if err := k.complete("whole"); err != nil { // also brings the program into the cache
		return err
	}
	begun := time.Now()
	err := k.complete("again")
	k.took = time.Since(begun)
	if err == nil {
		k.want, err = k.outcome("whole")
	}
	if err != nil {
		return err
	}
	again, err := k.outcome("again")
	return errors.Join(err, k.want.differs(again))
}

// text is a few documents of words from a small vocabulary.
func text() []byte {
	rng, words := rand.New(rand.NewPCG(7, 7)), strings.Fields("a cat and a dog sat on the mat then the dog ran off with that hat")
	var b bytes.Buffer
	for range 24 {
		for range 60 {
			b.WriteString(words[rng.IntN(len(words))] + " ")
		}
		b.WriteString("\n\f\n")
	}
	return b.Bytes()
}

func (k *killing) command(run string) (*exec.Cmd, *bytes.Buffer) {
	c := exec.Command(k.program, "-config", "small.yaml", "-runs", run, "-resume")
	stderr := new(bytes.Buffer)
	c.Dir, c.Stderr = k.dir, stderr
	return c, stderr
}

// complete runs a pipeline to its end.
func (k *killing) complete(run string) error {
	c, stderr := k.command(run)
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, stderr)
	}
	return nil
}

// disturb goes on with the pipeline and stops it after a random time, up to
// half of what all of it takes. ended says that it was faster.
func (k *killing) disturb(twice bool) (ended bool, err error) {
	c, stderr := k.command("killed")
	if err := c.Start(); err != nil {
		return false, err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	delay := time.Duration(k.rng.Int64N(int64(k.took / 2)))
	select {
	case err := <-done:
		return true, wrap(err, stderr)
	case <-time.After(delay):
	}
	signals := []os.Signal{syscall.SIGKILL}
	if twice {
		signals = []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	for _, s := range signals {
		if err := c.Process.Signal(s); errors.Is(err, os.ErrProcessDone) {
			break
		} else if err != nil {
			return false, err
		}
		time.Sleep(time.Duration(k.rng.IntN(5)) * time.Millisecond)
	}
	err = <-done
	k.note("stopped after %v with %v: %v", delay, signals, err)
	if err == nil {
		return true, nil
	}
	if code := c.ProcessState.ExitCode(); code == 1 || code == 2 {
		return false, wrap(err, stderr)
	}
	return false, k.whole()
}

func wrap(err error, stderr *bytes.Buffer) error {
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr)
	}
	return err
}

// whole fails if a save that has its name is not whole.
func (k *killing) whole() error {
	saves, err := filepath.Glob(filepath.Join(k.path("killed"), "*", "step-*"))
	for _, save := range saves {
		err = errors.Join(err, checkpoints.Verify(save))
	}
	return err
}

// finish lets the killed pipeline come to its end.
func (k *killing) finish() error {
	if err := k.complete("killed"); err != nil {
		return err
	}
	return k.compare()
}

// compare checks the complete pipeline and removes it.
func (k *killing) compare() error {
	got, err := k.outcome("killed")
	if err != nil {
		return err
	}
	if err := k.want.differs(got); err != nil {
		return err
	}
	return os.RemoveAll(k.path("killed"))
}

func (k *killing) path(run string) string { return filepath.Join(k.dir, run, "small") }

// outcome sums what a complete pipeline made, but for what tells the time: the
// evaluation, the model card, the speed of training; and for saves before the
// last, of which an interruption makes others. Nothing half-done may stand in
// its folder.
func (k *killing) outcome(run string) (outcome, error) {
	o := outcome{}
	err := filepath.WalkDir(k.path(run), func(path string, entry fs.DirEntry, err error) error {
		rest, _ := filepath.Rel(k.path(run), path)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".lock":
			return fmt.Errorf("%s is left over", path)
		case entry.IsDir() && (rest == "evaluate" || olderSave(path)):
			return filepath.SkipDir
		case entry.IsDir() || entry.Name() == "README.md":
			return nil
		}
		content, err := content(path)
		o[filepath.ToSlash(rest)] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	return o, err
}

// olderSave reports whether path is a save with a newer one beside it.
func olderSave(path string) bool {
	saves, err := filepath.Glob(filepath.Join(filepath.Dir(path), "step-*")) // in order
	return err == nil && slices.Contains(saves, path) && path != saves[len(saves)-1]
}

// content reads a file of a run, without what tells the time.
func content(path string) ([]byte, error) {
	if filepath.Base(path) == "metrics.jsonl" {
		return metrics(path)
	}
	return os.ReadFile(path)
}
