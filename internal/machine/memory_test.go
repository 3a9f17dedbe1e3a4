package machine

import (
	"runtime"
	"testing"
	"testing/fstest"
)

// system is a file system with these files.
func system(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal:       8000 kB\nMemFree:  100 kB\nMemAvailable:    4000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
		known bool
	}{
		"another system": {nil, 0, false},
		"no groups":      {map[string]string{"proc/meminfo": meminfo}, 4000 << 10, true},
		"unlimited": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.current": "5\n",
		}, 4000 << 10, true},
		"version 2, limited above": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n",
			"sys/fs/cgroup/a/memory.current": "600000\n", "sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 50000\n",
		}, 450000, true},
		"version 1": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "3:cpu:/x\n2:hugetlb,memory:/x\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9000", "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "10000",
		}, 0, true},
		"version 1, no limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "2:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes": "10000",
		}, 4000 << 10, true},
		"damaged": {map[string]string{"proc/meminfo": "MemAvailable: lots\n", "proc/self/cgroup": "nonsense"}, 0, false},
	} {
		got, known := available(system(c.files))
		if got != c.want || known != c.known {
			t.Errorf("%s: %d, known %v; want %d, %v", name, got, known, c.want, c.known)
		}
	}
}

func TestAvailableHere(t *testing.T) {
	if n, known := AvailableMemory(); runtime.GOOS == "linux" && (!known || n <= 0) {
		t.Errorf("%d bytes, known %v", n, known)
	}
}
