package main

import (
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestPageHasTheUsage(t *testing.T) {
	page, err := os.ReadFile("../../docs/fsdfm-sample.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```\n"+strings.TrimLeft(usage, "\n")+"```\n") {
		t.Error("docs/fsdfm-sample.md does not have the text of -h: copy it there")
	}
}

func TestUsageHasEveryFlag(t *testing.T) {
	flags := flag.NewFlagSet("fsdfm-sample", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if _, err := parse(flags, []string{"-model", "x"}); err != nil {
		t.Fatal(err)
	}
	flags.VisitAll(func(f *flag.Flag) {
		if !regexp.MustCompile(`(?m)^  -` + f.Name + `\b`).MatchString(usage) {
			t.Errorf("-%s is not in the usage", f.Name)
		}
	})
}
