package checkpoints

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// deep is JSON of a million arrays inside each other.
var deep = strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6)

// Hostile texts end in an error of one line, wherever they stand.
func TestHostileTexts(t *testing.T) {
	for name, text := range map[string]string{
		"deep": deep, "deep value": `{"format":1,"files":` + deep + `}`, "empty": "", "not text": "\x00\xff", "null": "null",
		"size": `{"format":1,"files":[{"name":"a","size":1e99,"sha256":""}]}`, "twice": `{"format":1,"files":[]}{}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{manifestName, stateName} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, _, loaded := LoadState(dir)
			_, parsed := parseHeader([]byte(text))
			for what, err := range map[string]error{"manifest": Verify(dir), "state": loaded, "header": parsed} {
				if err == nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
					t.Errorf("%s: error %.1000v", what, err)
				}
			}
		})
	}
}

func TestTextsAreBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, manifestName)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil { // a hole, it takes no room
		t.Skip(err)
	}
	if err := Verify(dir); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("error %v", err)
	}
}

// FuzzManifest: whatever stands in manifest.json, only the text that was
// written for the files that stand there passes.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	save, err := SaveOn(sound(), dir, "step-1", files("one"))
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(save, manifestName))
	if err != nil {
		f.Fatal(err)
	}
	empty, err := manifest{Format: manifestFormat, Files: []manifestFile{}}.bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(empty)
	f.Add([]byte(`{"format":1,"files":[{"name":"../a","size":-1,"sha256":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(save, manifestName), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Verify(save); err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		var m manifest
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		for _, file := range m.Files {
			info, err := os.Stat(filepath.Join(save, file.Name))
			if err != nil || info.Size() != file.Size {
				t.Errorf("%q passed for %+v", text, file)
			}
		}
	})
}
