package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"fsdfm/train"
)

// Every way a command can end has its exit code and its words.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		code int
		want string // standard error
	}{
		{"done", nil, ExitOK, ""},
		{"help", fmt.Errorf("parsing: %w", flag.ErrHelp), ExitOK, ""},
		{"error", errors.New("no room: make some"), ExitError, "try-it: no room: make some\n"},
		{"usage", fmt.Errorf("flags: %w", Usagef("-n %d: too few", 0)), ExitUsage, "try-it: flags: -n 0: too few\ntry try-it -h\n"},
		{"saved", fmt.Errorf("pretrain %w at step 3", train.ErrInterrupted), ExitInterrupted, "try-it: pretrain interrupted at step 3\n"},
		{"canceled", context.Canceled, ExitInterrupted, "try-it: interrupted\n"},
		{"canceled inside", fmt.Errorf("row 3: %w", context.Canceled), ExitInterrupted, "try-it: row 3: interrupted\n"},
	} {
		var stderr bytes.Buffer
		c := Command{Name: "try-it", Run: func(context.Context, *flag.FlagSet, []string) error { return test.err }}
		if code := c.run(context.Background(), nil, &stderr); code != test.code || stderr.String() != test.want {
			t.Errorf("%s: exit code %d and %q, want %d and %q", test.name, code, stderr.String(), test.code, test.want)
		}
	}
}

func TestRunPassesOn(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	c := Command{Name: "try-it", Run: func(got context.Context, flags *flag.FlagSet, args []string) error {
		if got != ctx || flags.Name() != "try-it" || strings.Join(args, " ") != "-a b" {
			t.Errorf("run with %v, flags %s, arguments %q", got, flags.Name(), args)
		}
		return nil
	}}
	c.run(ctx, []string{"-a", "b"}, new(bytes.Buffer))
}

// A panic is a bug of ours and looks like one, but not like a crash.
func TestRunPanic(t *testing.T) {
	var stderr bytes.Buffer
	c := Command{Name: "try-it", Run: func(context.Context, *flag.FlagSet, []string) error { panic("ops: shapes differ") }}
	code, want := c.run(context.Background(), nil, &stderr), "try-it: internal error: ops: shapes differ: please report it with the command you ran\n"
	if code != ExitError || stderr.String() != want {
		t.Errorf("exit code %d and %q, want %d and %q", code, stderr.String(), ExitError, want)
	}
}

func flags() (*flag.FlagSet, *string) {
	f := flag.NewFlagSet("try-it", flag.ContinueOnError)
	f.SetOutput(new(bytes.Buffer))
	f.Int("n", 1, "")
	return f, f.String("dir", "", "")
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // of the usage error, "": none
	}{
		{"-n 3 -dir x", ""},
		{"-m 3", "not defined: -m"},
		{"-n three", `invalid value "three" for flag -n`},
		{"-n 3 x -dir y", `unexpected argument "x"`},
	} {
		f, _ := flags()
		err := Parse(f, strings.Fields(test.args))
		var usage *UsageError
		if (err == nil) != (test.want == "") || err != nil && (!errors.As(err, &usage) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want a usage error with %q", test.args, err, test.want)
		}
	}
	for _, help := range []string{"-h", "-help", "--help"} {
		f, _ := flags()
		if err := Parse(f, []string{help}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: error %v, want %v", help, err, flag.ErrHelp)
		}
	}
}

func TestRequire(t *testing.T) {
	f, dir := flags()
	var usage *UsageError
	if err := Require(f, "n", "dir"); !errors.As(err, &usage) || err.Error() != "-dir is missing" {
		t.Errorf("error %v, want -dir is missing", err)
	}
	*dir = "x"
	if err := Require(f, "n", "dir"); err != nil {
		t.Error(err)
	}
}
