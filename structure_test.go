package fsdfm_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which packages of ours a package may import, and which outside
// modules (beside the standard library). A package that is not listed may not
// exist. Tests may import what they like.
var arrows = map[string]struct{ ours, outside string }{
	"checkpoints":             {"", ""},
	"checkpoints/pth":         {"checkpoints", ""},
	"cmd":                     {"", ""}, // tests only
	"cmd/fsdfm-data":          {"cmd/internal/cli data", ""},
	"cmd/fsdfm-eval":          {"checkpoints cmd/internal/cli cmd/internal/evaluation data data/tokenizer eval flow model ops sample", ""},
	"cmd/fsdfm-export":        {"checkpoints checkpoints/pth cmd/internal/cli data/tokenizer model sample", ""},
	"cmd/fsdfm-sample":        {"checkpoints cmd/internal/cli flow ops sample sample/watch", "golang.org/x/term"},
	"cmd/fsdfm-train":         {"checkpoints cmd/internal/cli cmd/internal/evaluation configs data data/tokenizer distill eval flow internal/machine model ops sample train", ""},
	"cmd/internal/evaluation": {"checkpoints cmd/internal/cli data eval flow model sample", ""},
	"cmd/internal/cli":        {"train", "github.com/cheggaaa/pb/v3 golang.org/x/term"},
	"configs":                 {"data/tokenizer distill flow model train", "github.com/spf13/viper github.com/go-viper/mapstructure/v2 go.yaml.in/yaml/v3"},
	"data":                    {"checkpoints data/tokenizer", "github.com/apache/arrow/go/v15 github.com/google/flatbuffers github.com/klauspost/compress"},
	"data/tokenizer":          {"", "golang.org/x/text"},
	"distill":                 {"flow loss model train", ""},
	"eval":                    {"flow", "gonum.org/v1/plot"},
	"eval/toy":                {"distill flow model ops train", ""},
	"flow":                    {"", ""},
	"flow/flowtest":           {"flow", ""},
	"internal/golden":         {"checkpoints model", ""},
	"internal/machine":        {"", ""},
	"internal/torture":        {"checkpoints data flow model optim train", ""},
	"loss":                    {"ops ops/kernel", "gorgonia.org/gorgonia gorgonia.org/tensor"},
	"model":                   {"flow ops", "gorgonia.org/gorgonia"},
	"ops":                     {"ops/kernel", "gorgonia.org/gorgonia gorgonia.org/tensor github.com/chewxy/hm go4.org/unsafe/assume-no-moving-gc"},
	"ops/kernel":              {"", "golang.org/x/sys"},
	"optim":                   {"ops/kernel", ""},
	"sample":                  {"checkpoints data data/tokenizer flow model", ""},
	"sample/watch":            {"", "github.com/mattn/go-runewidth"},
	"scripts/bench":           {"checkpoints distill flow loss model ops/kernel optim train", "gonum.org/v1/plot"},
	"train":                   {"checkpoints flow loss model ops optim", ""},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "fsdfm/")
		if p.ImportPath == "fsdfm" {
			continue // this test
		}
		seen[name] = true
		allowed, ok := arrows[name]
		if !ok {
			t.Errorf("package %s is not on the map: add it to arrows and to docs/DESIGN.md", name)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, "fsdfm/"); ok {
				if !slices.Contains(strings.Fields(allowed.ours), ours) {
					t.Errorf("%s imports %s, against the arrows", name, ours)
				}
			} else if strings.Contains(strings.Split(imported, "/")[0], ".") && !within(imported, allowed.outside) {
				t.Errorf("%s imports %s; it may import only [%s]", name, imported, allowed.outside)
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("package %s is on the map but does not exist", name)
		}
	}
}

// within reports whether a package belongs to one of the modules.
func within(imported, modules string) bool {
	return slices.ContainsFunc(strings.Fields(modules), func(m string) bool {
		return imported == m || strings.HasPrefix(imported, m+"/")
	})
}
