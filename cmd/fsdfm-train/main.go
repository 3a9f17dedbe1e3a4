// Command fsdfm-train runs the whole pipeline of a YAML file: pretrain a
// denoiser, roll out its many-step trajectories, distil the few-step student,
// evaluate both and export the student.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"fsdfm/cmd/internal/cli"
	"fsdfm/configs"
	"fsdfm/ops"
	"fsdfm/train"
)

const usage = `
Usage: fsdfm-train -config FILE [flags]

Runs the stages pretrain, rollout, distill, evaluate, export in this order in
the folder runs/NAME. A stage that is complete is skipped; one that was
interrupted goes on with -resume, to exactly the weights it would have had.

  -config FILE    YAML run file
  -set KEY=VALUE  override a setting, such as -set distill.optim.lr=1e-4; may be
                  given several times. The variable FSDFM_DISTILL_OPTIM_LR does
                  the same, less strongly; the file is weaker than both.
  -run NAME       name of the run's folder (default: run in the file)
  -runs DIR       where run folders stand (default: runs)
  -stage STAGE    only this stage
  -resume         go on with an interrupted run
  -allow-changed  go on although settings changed that the weights depend on
  -ignore-limits  start although memory or disk look too small
  -dry-run        print parameters, memory, steps, tokens, disk and an estimated
                  time, then stop
  -print-config   print the resolved settings, then stop

The first Ctrl-C saves and stops (exit code 130), a second one stops at once.
Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted.

Examples:
  fsdfm-train -config configs/quickstart.yaml
  fsdfm-train -config configs/quickstart.yaml -run mine -set distill.teacher=heun
  fsdfm-train -config configs/quickstart.yaml -run mine -resume
  fsdfm-train -config configs/fsdfm-169m.yaml -dry-run
`

func main() { cli.Main(cli.Command{Name: "fsdfm-train", Usage: usage, Run: run}) }

type settings []string

func (s *settings) String() string     { return strings.Join(*s, " ") }
func (s *settings) Set(v string) error { *s = append(*s, v); return nil }

func run(ctx context.Context, flags *flag.FlagSet, args []string) error {
	var set settings
	file := flags.String("config", "", "")
	name := flags.String("run", "", "")
	runs := flags.String("runs", "runs", "")
	only := flags.String("stage", "", "")
	var o options
	flags.BoolVar(&o.resume, "resume", false, "")
	flags.BoolVar(&o.allowChanged, "allow-changed", false, "")
	flags.BoolVar(&o.ignoreLimits, "ignore-limits", false, "")
	dry := flags.Bool("dry-run", false, "")
	show := flags.Bool("print-config", false, "")
	flags.Var(&set, "set", "")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := cli.Require(flags, "config"); err != nil {
		return err
	}
	if *only != "" && !slices.Contains(stageNames(), *only) {
		return cli.Usagef("-stage %q is not one of %s", *only, strings.Join(stageNames(), ", "))
	}
	config, err := configs.Load(*file, set, os.Environ())
	if err != nil {
		return err
	}
	if *name != "" {
		config.Run = *name
	}
	ops.SetThreads(config.Threads)
	if *show {
		text, err := config.Marshal()
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(text)
		return err
	}
	if *dry {
		return dryRun(ctx, os.Stdout, config)
	}
	r, err := openRun(ctx, *runs, config, o)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.stages(ctx, *only); err != nil {
		if errors.Is(err, train.ErrInterrupted) {
			return fmt.Errorf("%w: everything is saved; go on with: fsdfm-train -config %s -runs %s -resume", err, r.path("config.yaml"), *runs)
		}
		return err
	}
	return nil
}
