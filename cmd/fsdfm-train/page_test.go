package main

import (
	"os"
	"strings"
	"testing"
)

func TestPageHasTheUsage(t *testing.T) {
	page, err := os.ReadFile("../../docs/fsdfm-train.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```\n"+strings.TrimLeft(usage, "\n")+"```\n") {
		t.Error("docs/fsdfm-train.md does not have the text of -h: copy it there")
	}
}
