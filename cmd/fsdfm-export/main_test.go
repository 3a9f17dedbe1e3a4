package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestPageHasTheUsage(t *testing.T) {
	page, err := os.ReadFile("../../docs/fsdfm-export.md")
	must(t, err)
	if !strings.Contains(string(page), "```\n"+strings.TrimLeft(usage, "\n")+"```\n") {
		t.Error("docs/fsdfm-export.md does not have the text of -h: copy it there")
	}
}

func TestUsageHasEveryFlag(t *testing.T) {
	flags := flag.NewFlagSet("fsdfm-export", flag.ContinueOnError)
	if _, err := parse(flags, []string{"-from", "x", "-to", "y"}); err != nil {
		t.Fatal(err)
	}
	flags.VisitAll(func(f *flag.Flag) {
		if !regexp.MustCompile(`(?m)^  -` + f.Name + `\b`).MatchString(usage) {
			t.Errorf("-%s is not in the usage", f.Name)
		}
	})
}
