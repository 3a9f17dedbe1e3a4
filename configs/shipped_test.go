package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fsdfm/model"
)

// shipped lists the run files of this folder.
func shipped(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("*.yaml")
	if err != nil || len(names) < 4 {
		t.Fatalf("found %v (%v), want at least 4 run files", names, err)
	}
	return names
}

func TestShippedFiles(t *testing.T) {
	for _, name := range shipped(t) {
		c, err := Load(name, nil, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := strings.TrimSuffix(name, ".yaml"); c.Run != want {
			t.Errorf("%s runs as %s, want %s", name, c.Run, want)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if how := "go run ./cmd/fsdfm-train -config configs/" + name; !strings.HasPrefix(string(data), "# ") || !strings.Contains(string(data), how) {
			t.Errorf("%s does not begin with what it is for and %q", name, how)
		}
		text, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(write(t, string(text)), nil, nil)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s changed on the way through Marshal: %v %v", name, Changed(again, c), err)
		}
	}
}

// A run file says only what differs from the defaults or from the file it
// extends.
func TestShippedFilesRepeatNoDefault(t *testing.T) {
	for _, name := range shipped(t) {
		files, err := readFiles(name)
		if err != nil {
			t.Fatal(err)
		}
		top := len(files) - 1
		below, err := resolve(files[:top], nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for path, v := range files[top].values {
			if old := keys.byPath[path].in(&below).Interface(); reflect.DeepEqual(v, old) {
				t.Errorf("%s: %s is %v already", name, path, old)
			}
		}
	}
}

// parameters counts those of the network before distillation.
func parameters(c model.Config) int {
	d, cond := c.HiddenSize, c.CondDim
	block := 12*d*d + 5*d + 2*d + (cond+1)*6*d // matrices, MLP biases, norms, modulation
	out := d + (cond+1)*2*d + c.Rows()*(d+1)
	embedding := c.Rows()*d + (256+1)*cond + (cond+1)*cond
	return c.Blocks*block + out + embedding
}

// The sizes that the files' comments claim.
func TestShippedSizes(t *testing.T) {
	for _, c := range []struct {
		name  string
		vocab int // of a tokenizer trained on the text
		want  float64
	}{{"quickstart.yaml", 1024, 1.29e6}, {"text-small.yaml", 2048, 4.19e6}, {"fsdfm-169m.yaml", 0, 169.6e6}, {"fsdfm-1.3b.yaml", 0, 1.33e9}} {
		cfg, err := Load(c.name, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.vocab != 0 {
			cfg.Model.VocabSize = c.vocab
		}
		if got := float64(parameters(cfg.Model)); got < 0.98*c.want || got > 1.02*c.want {
			t.Errorf("%s has %.4g parameters, want about %.4g", c.name, got, c.want)
		}
	}
}

func TestPaperSettings(t *testing.T) {
	for _, name := range []string{"fsdfm-169m.yaml", "fsdfm-1.3b.yaml"} {
		c, err := Load(name, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Pretrain; p.Loss != "gkl" || p.Optim.LR != 3e-4 || p.Optim.Warmup != 10000 || p.EMADecay != 0.9995 || p.Optim.WeightDecay != 0.03 {
			t.Errorf("%s: pretraining is not the reference's: %+v", name, p)
		}
		if d := c.Distill; d.Budgets != "doubling" || d.Teacher != "rk4" || d.MaxBudget != 1024 || d.Optim.LR != 3e-4 || d.EMADecay != 0.9995 {
			t.Errorf("%s: distillation is not the reference's: %+v", name, d)
		}
		if c.Flow.Source != "uniform" || c.Model.StepConditioning != model.Fused || c.Model.Dropout != 0.1 || c.Data.Length != 1024 {
			t.Errorf("%s: flow or model is not the reference's: %+v %+v", name, c.Flow, c.Model)
		}
	}
}
