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
Usage: bench -kernels FILE [flags]    the table of figures
       bench -profile                 where a training step's time goes
       bench -growth FOLDER           time and memory of a training step, as plots

  -kernels FILE    test binary of ops/kernel, whose benchmarks measure the peak
                   and sgemm (go test -c -o FILE ./ops/kernel)
  -reference FILE  the PyTorch side (default: scripts/reference.py)
  -python FILE     a Python that has torch (default: /usr/bin/python3)
  -only REGEXP     only the figures whose name matches
  -quick           fewer repeats and settings of PyTorch and, without -only, fewer
                   figures
  -profile         profile pretraining steps by kernel (needs the go command)
  -growth FOLDER   write SVG plots over L, D, V, B and threads; a table to stdout

Results go to stdout as Markdown, progress to stderr. FSDFM_KERNELS=avx2 makes
-profile and -growth use AVX2 only. Exit codes: 0 done, 1 error.

Examples:
  scripts/bench_vs_pytorch.sh -quick
  scripts/bench_vs_pytorch.sh -only 'attention|sampler' >table.md
  go run ./scripts/bench -profile
  go run ./scripts/bench -growth docs/performance
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
	b := &bench{ctx: ctx}
	flags.StringVar(&b.kernels, "kernels", "", "")
	flags.StringVar(&b.reference, "reference", "scripts/reference.py", "")
	flags.StringVar(&b.python, "python", "/usr/bin/python3", "")
	flags.BoolVar(&b.quick, "quick", false, "")
	only := flags.String("only", "", "")
	profile := flags.Bool("profile", false, "")
	growth := flags.String("growth", "", "")
	// Of a child:
	figure, class := flags.Int("figure", -1, ""), flags.Int("class", 0, "")
	flags.DurationVar(&b.quiet.patience, "patience", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is an argument too much: try -h", flags.Arg(0))
	case *profile:
		return writeProfile(ctx, os.Stdout)
	case *growth != "":
		return writeGrowth(ctx, os.Stdout, *growth)
	case b.kernels == "":
		return errors.New("-kernels FILE is missing: try -h")
	}
	if *figure < 0 {
		return b.measureAll(args, *only)
	}
	if *figure >= len(figures) || *class >= len(classes()) {
		return errors.New("-figure and -class are for children of this command only")
	}
	b.class = classes()[*class]
	return b.answer(os.Stdout, figures[*figure])
}

// measureAll prints the figures whose name matches only, each to the error stream
// as soon as it is measured and all of them as the table at the end.
func (b *bench) measureAll(args []string, only string) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b.quiet.patience = 5 * time.Minute
	if b.quick {
		b.quiet.patience = 20 * time.Second
	}
	for i, f := range figures {
		if b.quick && f.full && only == "" || !wanted.MatchString(f.name) {
			continue
		}
		l := line{figure: f}
		for c, class := range classes() {
			if c > 0 && f.once {
				break
			}
			fmt.Fprintf(os.Stderr, "%s, %s\n", f.name, class.name)
			r, err := b.measure(args, i, c)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.name, class.name, err)
			}
			l.results = append(l.results, r)
		}
		b.lines = append(b.lines, l)
		fmt.Fprint(os.Stderr, markdownRow(l.row()))
	}
	return b.write(os.Stdout)
}
