package kernel

import (
	"reflect"
	"strings"
	"testing"
)

func TestChooseLevel(t *testing.T) {
	from := []level{{name: "plain"}, {name: "avx2"}}
	for _, c := range []struct{ name, want, problem string }{
		{"", "avx2", ""},
		{"plain", "plain", ""},
		{"avx2", "avx2", ""},
		{"avx512", "avx2", `FSDFM_KERNELS="avx512" is ignored: this build on this processor has plain avx2`},
		{"AVX2", "avx2", "is ignored"},
	} {
		got, problem := choose(from, c.name)
		if got.name != c.want || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("choose(%q) = %s, %q, want %s, %q", c.name, got.name, problem, c.want, c.problem)
		}
	}
}

// TestLevelsComplete wants every loop at every level.
func TestLevelsComplete(t *testing.T) {
	for _, l := range levels() {
		set := reflect.ValueOf(l.loops)
		for i := range set.NumField() {
			if set.Field(i).IsNil() {
				t.Errorf("%s has no %s", l.name, set.Type().Field(i).Name)
			}
		}
	}
}
