// Package cli holds the lines that every command starts with, and its progress
// on the terminal.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fsdfm/train"
)

// Exit codes of all commands.
const (
	ExitOK          = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitInterrupted = 130 // stopped by a signal; what was done is saved
)

// Command is one program: Run parses args and does the work.
type Command struct {
	Name  string
	Usage string // like a man page, with examples
	Run   func(ctx context.Context, flags *flag.FlagSet, args []string) error
}

// Main runs a command and exits. The first SIGINT or SIGTERM ends ctx, a second
// one kills the process.
func Main(c Command) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // from now on the default: stop at once
	}()
	os.Exit(c.run(ctx, os.Args[1:], os.Stderr))
}

func (c Command) run(ctx context.Context, args []string, stderr io.Writer) (code int) {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "%s: internal error: %v: please report it with the command you ran\n", c.Name, r)
			code = ExitError
		}
	}()
	err := c.Run(ctx, flags, args)
	var usage *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(strings.TrimLeft(c.Usage, "\n"))
		return ExitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\ntry %s -h\n", c.Name, err, c.Name)
		return ExitUsage
	case errors.Is(err, train.ErrInterrupted), errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "%s: %s\n", c.Name, strings.Replace(err.Error(), context.Canceled.Error(), train.ErrInterrupted.Error(), 1))
		return ExitInterrupted
	}
	fmt.Fprintf(stderr, "%s: %v\n", c.Name, err)
	return ExitError
}

// UsageError is a mistake on the command line.
type UsageError struct{ message string }

func (e *UsageError) Error() string { return e.message }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// Parse parses flags and refuses arguments that are none.
func Parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return Usagef("%v", err)
	}
	if flags.NArg() > 0 {
		return Usagef("unexpected argument %q", flags.Arg(0))
	}
	return nil
}

// Require is a usage error unless every named flag has a value.
func Require(flags *flag.FlagSet, names ...string) error {
	for _, n := range names {
		if flags.Lookup(n).Value.String() == "" {
			return Usagef("-%s is missing", n)
		}
	}
	return nil
}
