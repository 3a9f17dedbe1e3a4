package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fsdfm/cmd/internal/cli"
	"fsdfm/flow"
	"fsdfm/sample"
)

// settings are the flags, checked.
type settings struct {
	model, teacher                      string
	n, length, threads                  int
	seed                                uint64
	prompt, suffix, infill, promptsFile string
	steps                               []int     // of each budget
	times                               []float64 // of the one budget; nil: steps
	teacherSteps                        int
	spacing                             float64 // 0: the model's
	solver                              string
	temperature                         float64
	truncation                          flow.Truncation
	bf16, asJSON, show                  bool
	html                                string
}

func parse(flags *flag.FlagSet, args []string) (settings, error) {
	var s settings
	flags.StringVar(&s.model, "model", "", "")
	flags.IntVar(&s.n, "n", 4, "")
	flags.Uint64Var(&s.seed, "seed", 1, "")
	flags.IntVar(&s.length, "length", 0, "")
	flags.StringVar(&s.prompt, "prompt", "", "")
	flags.StringVar(&s.suffix, "suffix", "", "")
	flags.StringVar(&s.infill, "infill", "", "")
	flags.StringVar(&s.promptsFile, "prompts", "", "")
	steps := flags.String("steps", "8", "")
	flags.Float64Var(&s.spacing, "spacing", 0, "")
	grid := flags.String("grid", "", "")
	flags.StringVar(&s.solver, "solver", "", "")
	flags.Float64Var(&s.temperature, "temperature", 0, "")
	flags.IntVar(&s.truncation.TopK, "top-k", 0, "")
	flags.Float64Var(&s.truncation.TopP, "top-p", 1, "")
	flags.BoolVar(&s.bf16, "bf16", false, "")
	flags.IntVar(&s.threads, "threads", 0, "")
	flags.BoolVar(&s.asJSON, "json", false, "")
	flags.BoolVar(&s.show, "show", false, "")
	flags.StringVar(&s.html, "html", "", "")
	flags.StringVar(&s.teacher, "teacher", "", "")
	flags.IntVar(&s.teacherSteps, "teacher-steps", 256, "")
	if err := cli.Parse(flags, args); err != nil {
		return s, err
	}
	if err := cli.Require(flags, "model"); err != nil {
		return s, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["n"] && (given["prompts"] || given["show"]) {
		s.n = 1
	}
	if err := s.check(given); err != nil {
		return s, err
	}
	if s.teacherSteps < 1 {
		return s, cli.Usagef("-teacher-steps %d: a text takes at least 1 step", s.teacherSteps)
	}
	var err error
	if *grid != "" {
		s.times, err = parseGrid(*grid)
		return s, err
	}
	s.steps, err = parseSteps(*steps)
	return s, err
}

// exclusive flags say the same thing in two ways.
var exclusive = [][2]string{
	{"steps", "grid"}, {"spacing", "grid"}, {"prompt", "infill"}, {"suffix", "infill"}, {"prompt", "prompts"}, {"suffix", "prompts"}, {"infill", "prompts"}, {"json", "show"},
}

func (s settings) check(given map[string]bool) error {
	for _, pair := range exclusive {
		if given[pair[0]] && given[pair[1]] {
			return cli.Usagef("-%s and -%s exclude each other: leave one out", pair[0], pair[1])
		}
	}
	switch {
	case s.n < 1:
		return cli.Usagef("-n %d: ask for at least 1 text", s.n)
	case given["temperature"] && !(s.temperature > 0):
		return cli.Usagef("-temperature %v: must be above 0; for the likeliest tokens, use -top-k 1", s.temperature)
	case !(s.spacing >= 0):
		return cli.Usagef("-spacing %v: must be above 0; 1 for even steps", s.spacing)
	case s.truncation.TopK < 0:
		return cli.Usagef("-top-k %d: must be at least 1, or 0 for all tokens", s.truncation.TopK)
	case !(s.truncation.TopP > 0 && s.truncation.TopP <= 1):
		return cli.Usagef("-top-p %v: must be above 0 and at most 1", s.truncation.TopP)
	case s.length < 0 || s.threads < 0:
		return cli.Usagef("-length %d and -threads %d must not be negative", s.length, s.threads)
	case given["teacher-steps"] && s.teacher == "":
		return cli.Usagef("-teacher-steps is given without -teacher: name the second model")
	}
	if s.html == "" {
		return nil
	}
	if folder, err := os.Stat(filepath.Dir(s.html)); err != nil || !folder.IsDir() {
		return cli.Usagef("-html %s: there is no folder %s: make it first", s.html, filepath.Dir(s.html))
	}
	return nil
}

// grids are the times of each budget of a generator.
func (s settings) grids(g *sample.Generator) [][]float64 {
	if s.times != nil {
		return [][]float64{s.times}
	}
	var grids [][]float64
	for _, n := range s.steps {
		grids = append(grids, g.Spacing.Grid(n))
	}
	return grids
}

func parseSteps(list string) ([]int, error) {
	var steps []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return nil, cli.Usagef("-steps %s: %q is not a number of steps", list, word)
		}
		if n < 1 {
			return nil, cli.Usagef("-steps %s: a text takes at least 1 step", list)
		}
		steps = append(steps, n)
	}
	return steps, nil
}

func parseGrid(list string) ([]float64, error) {
	var times []float64
	for word := range strings.SplitSeq(list, ",") {
		t, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil {
			return nil, cli.Usagef("-grid %s: %q is not a time", list, word)
		}
		if n := len(times); n > 0 && !(t > times[n-1]) {
			return nil, cli.Usagef("-grid %s: %v does not rise above %v: times must rise from 0 to 1", list, t, times[n-1])
		}
		times = append(times, t)
	}
	if n := len(times); n < 2 || times[0] != 0 || times[n-1] != 1 {
		return nil, cli.Usagef("-grid %s: times must rise from 0 to 1, as in 0,0.1,0.4,1", list)
	}
	return times, nil
}

// prompts are the texts to complete, each n times.
func (s settings) prompts() ([]sample.Prompt, error) {
	if s.promptsFile == "" {
		f, err := sample.Continue(s.prompt, s.suffix), error(nil)
		if s.infill != "" {
			f, err = sample.ParseInfill(s.infill)
		}
		return []sample.Prompt{{Infill: f}}, err
	}
	in := os.Stdin
	if s.promptsFile != "-" {
		file, err := os.Open(s.promptsFile)
		if err != nil {
			return nil, fmt.Errorf("reading the prompts: %w", err)
		}
		defer file.Close()
		in = file
	}
	prompts, err := sample.ReadPrompts(in, strings.HasSuffix(s.promptsFile, ".jsonl"))
	if err != nil {
		return nil, fmt.Errorf("prompts of %s: %w", s.promptsFile, err)
	}
	return prompts, nil
}
