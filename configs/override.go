package configs

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "FSDFM_"

// readOverrides reads the "key=value" texts of -set; a later one wins.
func readOverrides(overrides []string) (values map[string]any, problems []error) {
	values = map[string]any{}
	for _, o := range overrides {
		bad := func(_ *yaml.Node, format string, args ...any) {
			problems = append(problems, fmt.Errorf("-set %s: %s", shown(o), fmt.Sprintf(format, args...)))
		}
		path, text, found := strings.Cut(o, "=")
		k, isKey := keys.byPath[path]
		switch {
		case !found:
			bad(nil, "no = in it: write key=value")
		case isKey:
			k.override(values, text, bad)
		case keys.sections[path]:
			bad(nil, "%s is a section: set its keys, such as %s.%s", path, path, keys.children(path)[0])
		default:
			bad(nil, "unknown key %s: %s", shown(path), keys.suggest(path))
		}
	}
	return values, problems
}

// readEnv reads the FSDFM_* variables among "NAME=value" texts.
func readEnv(env []string) (values map[string]any, problems []error) {
	values = map[string]any{}
	for _, e := range env {
		name, text, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		bad := func(_ *yaml.Node, format string, args ...any) {
			problems = append(problems, fmt.Errorf("%s: %s", shown(name), fmt.Sprintf(format, args...)))
		}
		if k, ok := keys.byEnv[name]; ok {
			k.override(values, text, bad)
			continue
		}
		bad(nil, "unknown variable: %s", keys.suggestEnv(name))
	}
	return values, problems
}

// override reads a value from outside a file: YAML, but that a text needs no
// quotes and a list no brackets.
func (k key) override(values map[string]any, text string, bad report) {
	n, err := k.parse(text)
	if err != nil {
		bad(nil, "%s is %s: %v", k.path, shown(text), err)
		return
	}
	if v, ok := k.decode(n, bad); ok {
		values[k.path] = v
	}
}

func (k key) parse(text string) (*yaml.Node, error) {
	if k.typ.Kind() != reflect.Slice || strings.HasPrefix(strings.TrimSpace(text), "[") {
		return parseText(text, k.typ.Kind() == reflect.String)
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if text == "" {
		return list, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		n, err := parseText(strings.TrimSpace(item), k.typ.Elem().Kind() == reflect.String)
		if err != nil {
			return nil, err
		}
		list.Content = append(list.Content, n)
	}
	return list, nil
}

// parseText reads a value as YAML; a text outside quotes is taken as it stands.
func parseText(s string, isText bool) (*yaml.Node, error) {
	if isText && !strings.HasPrefix(s, `"`) && !strings.HasPrefix(s, `'`) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}, nil
	}
	n, err := parseYAML([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("not a value: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if n == nil {
		n = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return n, nil
}
