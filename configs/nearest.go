package configs

import (
	"maps"
	"slices"
	"strings"
)

// suggest ends an "unknown key" line: the nearest known key or section, or,
// when nothing is near, the keys of the section it stands in.
func (t *table) suggest(path string) string {
	candidates := slices.Sorted(maps.Keys(t.sections))
	for _, k := range t.list {
		candidates = append(candidates, k.path)
	}
	if near, ok := nearest(path, candidates); ok {
		return "did you mean " + near + "?"
	}
	section, _ := splitPath(path)
	return "known here: " + strings.Join(t.children(section), ", ")
}

// suggestEnv is the same for a variable's name, whose underscores stand for dots
// as well.
func (t *table) suggestEnv(name string) string {
	path := strings.ToLower(strings.TrimPrefix(name, envPrefix))
	if near, ok := nearest(strings.Replace(path, "_", ".", 1), Known()); ok {
		return "did you mean " + t.byPath[near].env() + "?"
	}
	if near, ok := nearest(name, slices.Sorted(maps.Keys(t.byEnv))); ok {
		return "did you mean " + near + "?"
	}
	return "names are " + envPrefix + "SECTION_KEY, such as " + envPrefix + "PRETRAIN_OPTIM_LR"
}

// children lists the names directly inside a section ("": the root).
func (t *table) children(section string) []string {
	prefix := ""
	if section != "" {
		prefix = section + "."
	}
	var names []string
	for _, k := range t.list {
		rest, inside := strings.CutPrefix(k.path, prefix)
		name, _, _ := strings.Cut(rest, ".")
		if inside && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// nearest picks the candidate whose last name is most like that of path, then
// whose section is. It reports false when even the best last name is unlike.
func nearest(path string, candidates []string) (best string, ok bool) {
	const longest = 64 // bytes; nobody misspells a key into more
	if len(path) > longest {
		return "", false
	}
	section, name := splitPath(path)
	lowest := -1
	for _, c := range candidates {
		s, n := splitPath(c)
		d := distance(name, n)
		if d > max(1, min(len(name), len(n))/2) {
			continue
		}
		// The name weighs twice: pretrain.lr is pretrain.optim.lr, not pretrain.loss.
		if cost := 2*d + distance(section, s); lowest < 0 || cost < lowest {
			best, lowest = c, cost
		}
	}
	return best, lowest >= 0
}

// splitPath parts a.b.c into a.b and c.
func splitPath(path string) (section, name string) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour to turn a into b: optimal string alignment.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range len(b) {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
