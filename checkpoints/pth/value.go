package pth

import (
	"fmt"
	"maps"
	"slices"
)

// What a checkpoint's pickle is made of, beside nil, bool, int64, float64 and
// string. A value may contain itself: nothing here walks or prints one deeper
// than it has to.
type (
	tuple  []any
	list   struct{} // its items are of no use
	global string   // "module name"
	dict   struct{ pairs []pair }
	pair   struct{ key, value any }
	// storage is a member data/KEY of n elements.
	storage struct {
		dtype string
		key   string
		n     int64
	}
	// tensor is a view of a storage, unchecked.
	tensor struct {
		storage       storage
		offset        int64 // elements
		shape, stride tuple
	}
)

// The globals that are known: two functions and the storage classes.
const (
	rebuild = global("torch._utils _rebuild_tensor_v2")
	ordered = global("collections OrderedDict")
)

// storages are PyTorch's storage classes, with the names that safetensors has
// for their elements and their size in bytes.
var storages = map[global]struct {
	dtype string
	size  int64
}{
	"torch FloatStorage": {"F32", 4}, "torch BFloat16Storage": {"BF16", 2}, "torch HalfStorage": {"F16", 2}, "torch DoubleStorage": {"F64", 8},
	"torch LongStorage": {"I64", 8}, "torch IntStorage": {"I32", 4}, "torch ShortStorage": {"I16", 2}, "torch CharStorage": {"I8", 1},
	"torch ByteStorage": {"U8", 1}, "torch BoolStorage": {"BOOL", 1},
}

// class is the storage class of a data type.
func class(dtype string) (global, int64) {
	for g, s := range storages {
		if s.dtype == dtype {
			return g, s.size
		}
	}
	return "", 0
}

func known(g global) bool {
	_, isStorage := storages[g]
	return g == rebuild || g == ordered || isStorage
}

// knownGlobals lists them for messages.
func knownGlobals() []global {
	return append([]global{rebuild, ordered}, slices.Sorted(maps.Keys(storages))...)
}

// kind names a value's type for messages.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "a truth value"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case string:
		return "text"
	case tuple:
		return "a tuple"
	case *list:
		return "a list"
	case *dict:
		return "a dictionary"
	case global:
		return "a class or function"
	case storage:
		return "a storage"
	case *tensor:
		return "a tensor"
	}
	return "something unknown"
}

// get is the value of a key; the last one counts, as in Python.
func (d *dict) get(key string) (any, bool) {
	for _, p := range slices.Backward(d.pairs) {
		if p.key == key {
			return p.value, true
		}
	}
	return nil, false
}

// integers is a tuple of numbers that may be a shape or strides.
func integers(t tuple) ([]int, error) {
	const maxRank = 8
	if len(t) > maxRank {
		return nil, fmt.Errorf("%d dimensions, at most %d are supported", len(t), maxRank)
	}
	out := make([]int, len(t))
	for i, v := range t {
		n, ok := v.(int64)
		if !ok || n < 0 || int64(int(n)) != n {
			return nil, fmt.Errorf("a dimension that is %s or negative", kind(v))
		}
		out[i] = int(n)
	}
	return out, nil
}
