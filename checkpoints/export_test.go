package checkpoints

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func exampleModel(card string) Model {
	return Model{Tensors: small()[1:2], Config: []byte(`{"n_blocks": 1}`), Tokenizer: []byte(`{"model": {}}`), Card: card}
}

// isModel fails unless dir holds exampleModel(card).
func isModel(t *testing.T, dir, card string) {
	t.Helper()
	m, err := OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := exampleModel(card)
	got := blank(want.Tensors)
	if err := m.Weights.Load(got); err != nil || !sameTensors(got, want.Tensors) {
		t.Errorf("weights %v, %v", got, err)
	}
	if string(m.Config) != string(want.Config) || string(m.Tokenizer) != string(want.Tokenizer) {
		t.Errorf("config %s, tokenizer %s", m.Config, m.Tokenizer)
	}
	if text, err := os.ReadFile(filepath.Join(dir, cardName)); string(text) != card {
		t.Errorf("card %q, %v; expected %q", text, err, card)
	}
}

func TestExport(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "models", "tiny")
	if err := Export(path, exampleModel("one")); err != nil {
		t.Fatal(err)
	}
	isModel(t, path, "one")
	if left := names(t, path); len(left) != 4 {
		t.Errorf("the model holds %v", left)
	}
	again := exampleModel("two")
	if err := Export(path, again); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("error %v", err)
	}
	isModel(t, path, "one")
	again.Overwrite = true
	if err := Export(path, again); err != nil {
		t.Fatal(err)
	}
	isModel(t, path, "two")
	noLeftovers(t, filepath.Dir(path))
	if err := Export(t.TempDir(), exampleModel("three")); err != nil {
		t.Errorf("an empty folder was refused: %v", err)
	}
}

func TestExportRefusesToReplace(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"notes": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "notes"), nil, 0o644) }, "holds notes"},
		"foreign": {func(dir string) error {
			data, err := os.ReadFile("testdata/generator.safetensors")
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, modelName), data, 0o644)
		}, "not exported by fsdfm"},
		"no weights": {func(dir string) error { return os.Remove(filepath.Join(dir, modelName)) }, "not an exported model"},
		"file":       {func(dir string) error { return replaceByFile(dir) }, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "m")
			if err := export(sound(), dir, exampleModel("one")); err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			again := exampleModel("two")
			again.Overwrite = true
			if err := export(sound(), dir, again); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected %q", err, c.want)
			}
			if text, _ := os.ReadFile(filepath.Join(dir, cardName)); string(text) == "two" {
				t.Error("it was replaced all the same")
			}
		})
	}
}

func replaceByFile(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.WriteFile(dir, nil, 0o644)
}

func TestExportSurvivesEveryFault(t *testing.T) {
	eachFault(t, func(t *testing.T, disk *faulty) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "m")
		if err := export(sound(), dir, exampleModel("one")); err != nil {
			t.Fatal(err)
		}
		again := exampleModel("two")
		again.Overwrite = true
		err := export(disk, dir, again)
		if faulted := disk.count > disk.failAt; faulted != (err != nil) {
			t.Errorf("error %v, with a fault: %t", err, faulted)
		}
		if disk.err == syscall.ENOSPC && !exists(dir) {
			t.Error("a full disk cost the earlier model")
		}
		if err := export(sound(), dir, again); err != nil { // the user tries again
			t.Error(err)
		}
		isModel(t, dir, "two")
	})
}

func TestExportRefusesBadJSON(t *testing.T) {
	m := exampleModel("one")
	m.Tokenizer = nil
	if err := Export(filepath.Join(t.TempDir(), "m"), m); err == nil || !strings.Contains(err.Error(), tokenizerName) {
		t.Errorf("error %v", err)
	}
}

func TestOpenModelNamesWhatIsMissing(t *testing.T) {
	for _, name := range []string{configName, tokenizerName, modelName} {
		dir := filepath.Join(t.TempDir(), "m")
		if err := export(sound(), dir, exampleModel("one")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenModel(dir); err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("error %v, expected it to miss %s", err, name)
		}
	}
	if _, err := OpenModel(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("error %v", err)
	}
	save, err := SaveState(t.TempDir(), exampleState(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenModel(save); err == nil || !strings.Contains(err.Error(), "training save") {
		t.Errorf("error %v", err)
	}
}
