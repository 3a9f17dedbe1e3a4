package configs

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// report notes a problem with the value or key at n.
type report func(n *yaml.Node, format string, args ...any)

// decode reads the node as exactly the key's type: no fraction or boolean for a
// whole number, no text for a number, no number for a text, no null. It reports
// what is wrong and then returns false.
func (k key) decode(n *yaml.Node, bad report) (any, bool) {
	if k.typ.Kind() != reflect.Slice {
		v, rule := decodeScalar(n, k.typ)
		if rule != "" {
			bad(n, "%s is %s: must be %s", k.path, describe(n), rule)
		}
		return v, rule == ""
	}
	if n.Kind != yaml.SequenceNode {
		bad(n, "%s is %s: must be a list, as in [a, b]", k.path, describe(n))
		return nil, false
	}
	list, ok := reflect.Zero(k.typ), true // an empty list stays nil
	for i, item := range n.Content {
		item = resolved(item)
		v, rule := decodeScalar(item, k.typ.Elem())
		if rule != "" {
			bad(item, "%s[%d] is %s: must be %s", k.path, i, describe(item), rule)
			ok = false
			continue
		}
		list = reflect.Append(list, reflect.ValueOf(v))
	}
	return list.Interface(), ok
}

// decodeScalar returns the value, or the rule that the node breaks.
func decodeScalar(n *yaml.Node, typ reflect.Type) (v any, rule string) {
	tag := ""
	if n.Kind == yaml.ScalarNode {
		tag = n.ShortTag()
	}
	target := reflect.New(typ)
	read := func() bool { return n.Decode(target.Interface()) == nil }
	switch typ.Kind() {
	case reflect.Int, reflect.Uint64:
		rule = "a whole 64-bit number without fraction or exponent"
		if typ.Kind() == reflect.Uint64 {
			rule = "a whole number from 0 to 18446744073709551615"
		}
		if tag != "!!int" || ambiguousOctal(n.Value) || !read() {
			return nil, rule
		}
	case reflect.Float64:
		if tag != "!!float" && tag != "!!int" || ambiguousOctal(n.Value) || !read() || !finite(target.Elem().Float()) {
			return nil, "a finite number"
		}
	case reflect.Bool:
		if tag != "!!bool" || !read() {
			return nil, "true or false"
		}
	case reflect.String:
		if tag != "!!str" || !utf8.ValidString(n.Value) {
			return nil, "a text in UTF-8 (put quotes around it if it looks like something else)"
		}
		target.Elem().SetString(n.Value)
	default:
		panic("configs: a Config field of a kind without a rule: " + typ.String())
	}
	return target.Elem().Interface(), ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// ambiguousOctal finds 010, which is 8 to YAML 1.1 and 10 to YAML 1.2.
func ambiguousOctal(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && (s[1] >= '0' && s[1] <= '9' || s[1] == '_')
}

// describe names a node's value in a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return strconv.Quote(shortened(n.Value))
	}
	return shown(n.Value)
}

// shown is s in a message: quoted if it could disturb a terminal.
func shown(s string) string {
	s = shortened(s)
	if q := strconv.Quote(s); len(q) != len(s)+2 || s == "" {
		return q
	}
	return s
}

func shortened(s string) string {
	const longest = 60
	if len(s) > longest {
		return s[:longest] + "..."
	}
	return s
}

// resolved follows an alias to its anchor. What is read through it stays
// bounded by the table of keys, so no alias bomb can grow.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
