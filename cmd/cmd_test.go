// Package cmd_test tests the commands as commands: it builds them and runs the
// scripts of testdata/script.
package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fsdfm/data"
	"fsdfm/data/tokenizer"
)

func TestMain(m *testing.M) {
	testscript.Main(commands{m}, map[string]func(){"until": until, "first": first})
}

// commands runs the tests with the five commands on the PATH.
type commands struct{ tests *testing.M }

func (c commands) Run() int {
	dir, err := os.MkdirTemp("", "fsdfm-commands")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./fsdfm-...")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the commands: %v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return c.tests.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "sums": sums, "truncate": truncate, "transpose": transpose, "tensors": tensors, "lock": lock,
		},
	})
}

// setup gives every script a small text, a run file for it, and the folders of
// the run files that are shipped and of the Parquet files that data tests.
func setup(env *testscript.Env) error {
	shipped, err := filepath.Abs("../configs")
	if err != nil {
		return err
	}
	env.Setenv("CONFIGS", shipped)
	parquet, err := filepath.Abs("../data/testdata")
	if err != nil {
		return err
	}
	env.Setenv("DATA", parquet)
	book, err := book()
	if err != nil {
		return err
	}
	tiny, err := os.ReadFile("testdata/tiny.yaml")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"book.txt": book, "tiny.yaml": tiny} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// book is twelve documents of 400 characters.
var book = sync.OnceValues(func() ([]byte, error) {
	text, err := data.Austen()
	if err != nil {
		return nil, err
	}
	docs := data.Documents(text)[:12]
	for i, d := range docs {
		docs[i] = strings.TrimSpace(d[:400])
	}
	return []byte(strings.Join(docs, tokenizer.DocumentBreak) + "\n"), nil
})

// condition knows [root]: permissions do not bind.
func condition(name string) (bool, error) {
	if name != "root" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return os.Geteuid() == 0, nil
}
