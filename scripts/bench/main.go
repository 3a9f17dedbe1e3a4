// Command bench measures fsdfm against PyTorch on the same network, weights and
// cores, and prints the figures as a Markdown table. scripts/bench_vs_pytorch.sh
// builds and starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const usage = `
Usage: bench -kernels FILE [flags]

  -kernels FILE    test binary of ops/kernel, whose benchmarks measure the peak
                   and sgemm (go test -c -o FILE ./ops/kernel)
  -reference FILE  the PyTorch side (default: scripts/reference.py)
  -python FILE     a Python that has torch (default: /usr/bin/python3)
  -only REGEXP     only the figures whose name matches
  -quick           fewer figures, repeats and settings of PyTorch
  -profile FILE    write a CPU profile of the measured passes of fsdfm

The table goes to stdout, progress to stderr. Exit codes: 0 done, 1 error,
2 wrong usage.

Examples:
  scripts/bench_vs_pytorch.sh -quick
  scripts/bench_vs_pytorch.sh -only 'attention|sampler' >table.md
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(strings.TrimLeft(usage, "\n"))
	default:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	b := &bench{ctx: ctx, quiet: quiet{patience: 5 * time.Minute}, sgemm: make(map[int]gemmFigures)}
	flags.StringVar(&b.kernels, "kernels", "", "")
	flags.StringVar(&b.reference, "reference", "scripts/reference.py", "")
	flags.StringVar(&b.python, "python", "/usr/bin/python3", "")
	flags.BoolVar(&b.quick, "quick", false, "")
	only := flags.String("only", "", "")
	profile := flags.String("profile", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.kernels == "" || flags.NArg() > 0 {
		return fmt.Errorf("-kernels FILE is missing, or an argument too much: try -h")
	}
	if b.quick {
		b.quiet.patience = 20 * time.Second
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b.dir, err = os.MkdirTemp("", "fsdfm-bench-")
	if err != nil {
		return fmt.Errorf("folder for exchanged weights: %w", err)
	}
	defer os.RemoveAll(b.dir)
	if *profile != "" {
		stop, err := startProfile(*profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	for _, f := range figures {
		if b.quick && f.full || !wanted.MatchString(f.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", f.name)
		r, err := f.measure(b)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		b.lines = append(b.lines, line{f, r})
	}
	return b.write(os.Stdout)
}
