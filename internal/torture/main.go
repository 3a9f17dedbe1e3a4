// Command torture treats runs as badly as machines do and checks that nothing
// is lost: kill -9 at random times, and file systems that fail. It prints what
// it did and ends with code 1 if any promise of docs/RELIABILITY.md was broken.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const usage = `
Usage: torture [flags]

  -kills N       kill N times -9 during a small pipeline and go on (default 10)
  -program FILE  the fsdfm-train to kill; needed for -kills
  -faults N      fail N times in a save, or damage one, and go on (default 50)
  -steps N       train N small steps twice and measure the memory of the second
                 time (default 0)
  -seed N        of the times, the operations and the bytes (default 1)
  -dir DIR       where to work (default: a temporary folder, removed at the end)
  -v             tell of every trial
`

// torture is one call of the program.
type torture struct {
	program string
	dir     string
	seed    uint64
	out     io.Writer
	verbose bool
}

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, strings.TrimLeft(usage, "\n")) }
	t := torture{out: os.Stdout}
	kills := flag.Int("kills", 10, "")
	faults := flag.Int("faults", 50, "")
	steps := flag.Int("steps", 0, "")
	flag.StringVar(&t.program, "program", "", "")
	flag.Uint64Var(&t.seed, "seed", 1, "")
	flag.StringVar(&t.dir, "dir", "", "")
	flag.BoolVar(&t.verbose, "v", false, "")
	flag.Parse()
	if err := t.run(*kills, *faults, *steps); err != nil {
		fmt.Fprintf(os.Stderr, "torture: %v\n", err)
		os.Exit(1)
	}
}

func (t *torture) run(kills, faults, steps int) error {
	if t.dir == "" {
		dir, err := os.MkdirTemp("", "torture")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		t.dir = dir
	}
	if faults > 0 {
		if err := t.faults(faults); err != nil {
			return err
		}
	}
	if kills > 0 {
		if err := t.kills(kills); err != nil {
			return err
		}
	}
	if steps > 0 {
		return t.memory(steps)
	}
	return nil
}

// note tells of one trial.
func (t *torture) note(format string, args ...any) {
	if t.verbose {
		t.say(format, args...)
	}
}

func (t *torture) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }
