package configs

import (
	"reflect"
	"slices"
	"strings"
)

// key is one setting: its dotted path in a run file and its place in Config.
type key struct {
	path  string // distill.optim.lr
	index []int  // for reflect's FieldByIndex
	typ   reflect.Type
}

// in returns the setting's value in c.
func (k key) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// env is the variable that sets the key: FSDFM_DISTILL_OPTIM_LR.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// table is every key and section of a run file, read off Config's yaml tags.
type table struct {
	list     []key // in the order of the structs
	byPath   map[string]key
	byEnv    map[string]key
	sections map[string]bool // data, pretrain.optim, ...
}

var keys = newTable(reflect.TypeFor[Config]())

func newTable(typ reflect.Type) *table {
	t := &table{byPath: map[string]key{}, byEnv: map[string]key{}, sections: map[string]bool{}}
	t.add(typ, "", nil)
	for _, k := range t.list {
		t.byPath[k.path] = k
		t.byEnv[k.env()] = k
	}
	return t
}

func (t *table) add(typ reflect.Type, prefix string, index []int) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		at := append(slices.Clone(index), i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case option == "inline":
			t.add(f.Type, prefix, at)
		case f.Type.Kind() == reflect.Struct:
			t.sections[prefix+name] = true
			t.add(f.Type, prefix+name+".", at)
		default:
			t.list = append(t.list, key{path: prefix + name, index: at, typ: f.Type})
		}
	}
}

// Known lists the path of every key, in the order of the structs.
func Known() []string {
	paths := make([]string, len(keys.list))
	for i, k := range keys.list {
		paths[i] = k.path
	}
	return paths
}

// Changed lists the keys whose values differ, in the order of Known. An empty
// list equals a missing one.
func Changed(a, b Config) []string {
	var paths []string
	for _, k := range keys.list {
		x, y := k.in(&a), k.in(&b)
		bothEmpty := k.typ.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0
		if !bothEmpty && !reflect.DeepEqual(x.Interface(), y.Interface()) {
			paths = append(paths, k.path)
		}
	}
	return paths
}
