package cmd_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fsdfm/checkpoints"
)

// exits CODE PROGRAM [ARGS]: the program ends with this code, and unless it is
// 0, with one line of its own on standard error that is no crash.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS]")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	program := args[1+slices.IndexFunc(args[1:], func(a string) bool { return strings.HasPrefix(a, "fsdfm-") })]
	if problem := badMessage(code, program, ts.ReadFile("stderr")); problem != "" {
		ts.Fatalf("standard error: %s", problem)
	}
}

// badMessage says what is wrong with a command's last words.
func badMessage(code int, program, stderr string) string {
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if code == 2 {
		if lines[len(lines)-1] != "try "+program+" -h" {
			return "it does not end with the way to the usage"
		}
		lines = lines[:len(lines)-1]
	}
	own := 0
	for _, l := range lines {
		if strings.HasPrefix(l, program+": ") {
			own++
		}
	}
	switch {
	case strings.Contains(stderr, "internal error") || strings.Contains(stderr, "goroutine "):
		return "it tells of a crash"
	case code == 0 && own > 0:
		return "an error, but the exit code is 0"
	case code != 0 && (own != 1 || !strings.HasPrefix(lines[len(lines)-1], program+": ")):
		return "the error is not the one last line"
	}
	return ""
}

// until is a program: until PATH PROGRAM [ARGS] runs the program, interrupts it
// once PATH exists, and ends with its exit code.
func until() {
	child := exec.Command(os.Args[2], os.Args[3:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			if _, err := os.Stat(os.Args[1]); err == nil {
				child.Process.Signal(os.Interrupt)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	child.Wait() // the exit code says more than the error
	os.Exit(child.ProcessState.ExitCode())
}

// first is a program: first close|interrupt PROGRAM [ARGS] runs the program and
// prints its first line. Then it closes the pipe, as head does, or interrupts
// the program. It ends with the program's exit code, 0 if the closed pipe ended
// it.
func first() {
	child := exec.Command(os.Args[2], os.Args[3:]...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewReader(out)
	line, _ := lines.ReadString('\n')
	fmt.Print(line)
	if os.Args[1] == "close" {
		out.Close()
	} else {
		child.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, lines)
	}
	child.Wait() // the state says more than the error
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGPIPE {
		os.Exit(0)
	}
	os.Exit(child.ProcessState.ExitCode())
}

// sums DIR FILE writes the SHA-256 of every file of a folder to FILE.
func sums(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sums DIR FILE")
	}
	var list strings.Builder
	root := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(content), filepath.ToSlash(name))
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(list.String()), 0o644))
}

// truncate FILE... cuts files to half their size.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: truncate FILE...")
	}
	for _, name := range args {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(os.Truncate(ts.MkAbs(name), info.Size()/2))
	}
}

// transpose FILE TENSOR swaps the dimensions that a safetensors header gives a
// matrix.
func transpose(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: transpose FILE TENSOR")
	}
	shape := regexp.MustCompile(`("` + regexp.QuoteMeta(args[1]) + `":{"dtype":"F32","shape":\[)(\d+),(\d+)`)
	content := ts.ReadFile(args[0])
	changed := shape.ReplaceAllString(content, "$1$3,$2")
	if changed == content {
		ts.Fatalf("%s has no oblong matrix %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(changed), 0o644))
}

// tensors FILE NAME:DTYPE:SHAPE:VALUES... writes a safetensors file, as in
// x_t:I64:1,3:0,1,2.
func tensors(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tensors FILE NAME:DTYPE:SHAPE:VALUES...")
	}
	var list []checkpoints.Tensor
	for _, arg := range args[1:] {
		part := strings.Split(arg, ":")
		t := checkpoints.Tensor{Name: part[0], DType: part[1]}
		for _, d := range strings.Split(part[2], ",") {
			n, err := strconv.Atoi(d)
			ts.Check(err)
			t.Shape = append(t.Shape, n)
		}
		for _, v := range strings.Split(part[3], ",") {
			f, err := strconv.ParseFloat(v, 64)
			ts.Check(err)
			if t.DType == "I64" {
				t.I64 = append(t.I64, int64(f))
			} else {
				t.F32 = append(t.F32, float32(f))
			}
		}
		list = append(list, t)
	}
	ts.Check(writeTensors(ts.MkAbs(args[0]), list))
}

func writeTensors(path string, list []checkpoints.Tensor) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(checkpoints.WriteSafetensors(file, list, nil), file.Close())
}

// lock DIR holds a run's folder, as another process does, to the script's end.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock DIR")
	}
	unlock, err := checkpoints.Lock(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(unlock)
}
