// Package machine asks the system what a run may use of it.
package machine

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// AvailableMemory is what may still be allocated without swapping, in bytes:
// the kernel's own estimate, or less where a control group (a container) holds
// the process to less. known is false on systems other than Linux.
func AvailableMemory() (bytes int64, known bool) { return available(os.DirFS("/")) }

func available(root fs.FS) (bytes int64, known bool) {
	free, known := field(root, "proc/meminfo", "MemAvailable:")
	free *= 1024 // the file counts in kB
	for _, g := range groups(root) {
		if left, limited := g.left(root); limited && (!known || left < free) {
			free, known = left, true
		}
	}
	return free, known
}

// group is one control group's folder and the names of its files.
type group struct{ dir, limit, used string }

// groups lists the memory groups that hold the process, innermost first, of
// both versions of control groups.
func groups(root fs.FS) []group {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var found []group
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // id:controllers:path
		if len(part) != 3 {
			continue
		}
		base, limit, used := "sys/fs/cgroup", "memory.max", "memory.current"
		switch {
		case strings.Contains(","+part[1]+",", ",memory,"):
			base, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
		case part[1] != "":
			continue
		}
		for dir := path.Clean("/" + part[2]); ; dir = path.Dir(dir) {
			found = append(found, group{path.Join(base, dir), limit, used})
			if dir == "/" {
				break
			}
		}
	}
	return found
}

// left is what the group may still take. Cached files that are not in use count
// as free: the kernel drops them first.
func (g group) left(root fs.FS) (bytes int64, limited bool) {
	limit, ok := number(root, path.Join(g.dir, g.limit))
	used, known := number(root, path.Join(g.dir, g.used))
	if !ok || !known {
		return 0, false // "max", or no such group here
	}
	cached, _ := field(root, path.Join(g.dir, "memory.stat"), "inactive_file")
	return max(0, limit-used+cached), true
}

// number reads a file that holds one.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// field reads the number after a word at the start of a line.
func field(root fs.FS, name, word string) (int64, bool) {
	file, err := root.Open(name)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == word {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
