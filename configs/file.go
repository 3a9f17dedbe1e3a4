package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxFileSize = 1 << 20 // bytes of one run file
	maxProblems = 100     // listed of one file
)

// file is one run file, checked key by key.
type file struct {
	name     string
	values   map[string]any // by key path, each of its key's exact type
	extends  string         // the file below this one, as written; "": none
	extended int            // the line that says so
	problems []error
}

// readFiles returns the file and those it extends, strongest last, or every
// problem of all of them.
func readFiles(path string) ([]file, error) {
	var chain []file
	var seen []os.FileInfo
	var problems []error
	from := "" // who extends the file at path, for messages
	for {
		data, info, err := readLimited(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s%w", from, err))
			break
		}
		for _, earlier := range seen {
			if os.SameFile(earlier, info) {
				problems = append(problems, fmt.Errorf("%s%s closes a circle: a file cannot extend itself", from, path))
				return nil, errors.Join(problems...)
			}
		}
		f := parseFile(path, data)
		chain, seen, problems = append([]file{f}, chain...), append(seen, info), append(problems, f.problems...)
		if f.extends == "" {
			break
		}
		from = fmt.Sprintf("%s:%d: extends: ", f.name, f.extended)
		path = f.extends
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.name), path)
		}
	}
	return chain, errors.Join(problems...)
}

// readLimited reads a file that is small enough to be a run file.
func readLimited(path string) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the run file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the run file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the run file: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, nil, fmt.Errorf("%s: larger than %d bytes: is this a run file?", path, maxFileSize)
	}
	return data, info, nil
}

// parseFile checks the bytes of a run file against the table of keys.
func parseFile(name string, data []byte) file {
	f := file{name: name, values: map[string]any{}}
	root, err := parseYAML(data)
	switch {
	case err != nil:
		f.problems = []error{f.located(err)}
		return f
	case root == nil: // nothing but comments: all defaults
		return f
	}
	f.walk(root, "", func(n *yaml.Node, format string, args ...any) {
		f.problems = append(f.problems, fmt.Errorf("%s:%d: %s", name, n.Line, fmt.Sprintf(format, args...)))
	})
	if len(f.problems) > maxProblems {
		f.problems = append(f.problems[:maxProblems], fmt.Errorf("%s: and more problems below these", name))
	}
	return f
}

// secondDocument is the error of a file with more than one YAML document.
type secondDocument struct{ line int }

func (e secondDocument) Error() string {
	return fmt.Sprintf("yaml: line %d: a second document begins: a run file holds one", e.line)
}

// parseYAML returns the root of the only document, nil if there is none. The
// parser has a history of panics on hostile input; they become errors.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: the parser cannot read this: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := d.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := d.Decode(&second); err == nil {
		return nil, secondDocument{second.Line}
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return first.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// located turns "yaml: line 3: ..." into "name:3: ...".
func (f *file) located(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: %s", f.name, m[1], text[len(m[0]):])
	}
	return fmt.Errorf("%s: %s", f.name, strings.TrimPrefix(text, "yaml: "))
}

// walk checks a section ("": the root) and keeps its values.
func (f *file) walk(n *yaml.Node, section string, bad report) {
	if n.Kind != yaml.MappingNode {
		what := "the file"
		if section != "" {
			what = section
		}
		bad(n, "%s is %s: must be a section with keys: %s", what, describe(n), strings.Join(keys.children(section), ", "))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content) && len(f.problems) <= maxProblems; i += 2 {
		name, value := resolved(n.Content[i]), resolved(n.Content[i+1])
		if name.Kind != yaml.ScalarNode {
			bad(name, "a key is %s: keys are plain names", describe(name))
			continue
		}
		path := name.Value
		if section != "" {
			path = section + "." + path
		}
		if first, twice := lines[path]; twice {
			bad(n.Content[i], "%s is set twice, first on line %d", shown(path), first)
			continue
		}
		lines[path] = name.Line
		f.entry(n.Content[i], value, path, bad)
	}
}

// entry takes one key of a section with its value.
func (f *file) entry(name, value *yaml.Node, path string, bad report) {
	k, isKey := keys.byPath[path]
	switch {
	case (isKey || keys.sections[path]) && strings.Contains(resolved(name).Value, "."):
		bad(name, "%s is written with a dot: write sections, each with its keys indented below", path)
	case isKey:
		if v, ok := k.decode(value, bad); ok {
			f.values[path] = v
		}
	case keys.sections[path]:
		f.walk(value, path, bad)
	case path == "extends":
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || value.Value == "" {
			bad(value, "extends is %s: must name one run file, relative to this one", describe(value))
			return
		}
		f.extends, f.extended = value.Value, name.Line
	case name.ShortTag() == "!!merge":
		bad(name, "merge keys (<<) are not read: write the keys out, or put them into a file to extend")
	default:
		bad(name, "unknown key %s: %s", shown(path), keys.suggest(path))
	}
}
