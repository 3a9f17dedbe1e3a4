package main

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"fsdfm/checkpoints"
)

// operation is a kind of request to a file system.
type operation string

const (
	mkdir   operation = "mkdir"
	create  operation = "create"
	write   operation = "write"
	flush   operation = "fsync"
	closing operation = "close"
	rename  operation = "rename"
	remove  operation = "remove"
	flushed operation = "fsync of a folder"
)

// fault is a way in which a disk fails, once.
type fault struct {
	name   string
	on     []operation // nil: any
	err    error       // what the operation returns; nil: a write that is short and does not say so
	dead   bool        // nothing works any more: the process or the machine has stopped
	forget bool        // what was not flushed is lost
}

var faults = []fault{
	{name: "short write, unreported", on: []operation{write}},
	{name: "short write", on: []operation{write}, err: io.ErrShortWrite},
	{name: "full disk in a write", on: []operation{write}, err: syscall.ENOSPC},
	{name: "full disk for a name", on: []operation{create, mkdir}, err: syscall.ENOSPC},
	{name: "I/O error in a write", on: []operation{write}, err: syscall.EIO},
	{name: "I/O error in a close", on: []operation{closing}, err: syscall.EIO},
	{name: "fsync error", on: []operation{flush}, err: syscall.EIO, forget: true},
	{name: "fsync error of a folder", on: []operation{flushed}, err: syscall.EIO},
	{name: "rename error", on: []operation{rename}, err: syscall.EIO},
	{name: "remove error", on: []operation{remove}, err: syscall.EIO},
	{name: "crash", err: syscall.EIO, dead: true},
	{name: "power loss", err: syscall.EIO, dead: true, forget: true},
}

// disk is a folder of the system's disk that fails once, at the first operation
// of the fault's kind from number `at` on. It does not wait for the hardware:
// instead it knows what a power loss may undo. Like journalling file systems it
// keeps the order of names: of the changes since their folders were flushed,
// the last ones are lost.
type disk struct {
	fault  *fault // nil: sound
	at     int
	rng    *rand.Rand
	trash  string // holds what was removed but may come back
	done   []operation
	struck operation // what the fault met
	down   bool

	journal []change
	files   map[string]*file // open or not flushed
}

// change is a change of names, and how it is undone.
type change struct {
	folder string // whose flush makes it last
	undo   func()
}

var _ checkpoints.FS = (*disk)(nil)

// places are the operations of a sound run that a fault can strike.
func (f *fault) places(done []operation) []int {
	var at []int
	for i, op := range done {
		if f.on == nil || slices.Contains(f.on, op) {
			at = append(at, i)
		}
	}
	return at
}

// fails reports whether the operation is the one to fail, or comes after a crash.
func (d *disk) fails(op operation) error {
	n := len(d.done)
	d.done = append(d.done, op)
	switch {
	case d.down:
		return syscall.EIO
	case d.fault == nil || d.struck != "" || n < d.at || d.fault.on != nil && !slices.Contains(d.fault.on, op):
		return nil
	}
	d.struck, d.down = op, d.fault.dead
	if d.fault.err == nil {
		return io.ErrShortWrite
	}
	return d.fault.err
}

func (d *disk) MkdirAll(path string) error {
	if err := d.fails(mkdir); err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		d.changed(filepath.Dir(path), func() { os.RemoveAll(path) })
	}
	return checkpoints.Disk{}.MkdirAll(path)
}

func (d *disk) Create(path string) (checkpoints.File, error) {
	if err := d.fails(create); err != nil {
		return nil, err
	}
	inner, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	f := &file{disk: d, inner: inner}
	if d.files == nil {
		d.files = map[string]*file{}
	}
	d.files[path] = f
	d.changed(filepath.Dir(path), func() { os.Remove(path) })
	return f, nil
}

func (d *disk) Rename(from, to string) error {
	if err := d.fails(rename); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d.moved(from, to)
	d.changed(filepath.Dir(to), func() {
		if os.Rename(to, from) == nil {
			d.moved(to, from)
		}
	})
	return nil
}

// moved renames what is known of the files below a path.
func (d *disk) moved(from, to string) {
	for path, f := range d.files {
		if rest, err := filepath.Rel(from, path); err == nil && filepath.IsLocal(rest) {
			delete(d.files, path)
			d.files[filepath.Join(to, rest)] = f
		}
	}
}

// RemoveAll puts things aside until it is sure that they will not come back.
func (d *disk) RemoveAll(path string) error {
	if err := d.fails(remove); err != nil {
		return err
	}
	if d.trash == "" {
		return os.RemoveAll(path)
	}
	aside, err := os.MkdirTemp(d.trash, "")
	if err != nil {
		return err
	}
	aside = filepath.Join(aside, filepath.Base(path))
	if err := os.Rename(path, aside); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	d.moved(path, aside)
	d.changed(filepath.Dir(path), func() {
		if os.Rename(aside, path) == nil {
			d.moved(aside, path)
		}
	})
	return nil
}

func (d *disk) SyncDir(path string) error {
	if err := d.fails(flushed); err != nil {
		return err
	}
	// A journal is written in order: what came before lasts too.
	last := -1
	for i, c := range d.journal {
		if c.folder == path {
			last = i
		}
	}
	d.journal = d.journal[last+1:]
	return nil
}

func (d *disk) Free(string) (int64, bool) { return 0, false }

func (d *disk) changed(folder string, undo func()) {
	d.journal = append(d.journal, change{folder, undo})
}

// forget is what the next start finds after a power loss: some of the last
// changes of names undone, and files without what was not flushed.
func (d *disk) forget() error {
	keep := d.rng.IntN(len(d.journal) + 1)
	for _, c := range slices.Backward(d.journal[keep:]) {
		c.undo()
	}
	for path, f := range d.files {
		if _, err := os.Stat(path); err != nil || f.durable == f.size {
			continue
		}
		if err := f.lose(path); err != nil {
			return err
		}
	}
	return nil
}

// file is an open file of a disk.
type file struct {
	disk          *disk
	inner         *os.File
	size, durable int64
}

// Write writes one half if it is its turn to fail.
func (f *file) Write(p []byte) (int, error) {
	fails := f.disk.fails(write)
	if fails != nil {
		p = p[:len(p)/2]
	}
	if f.disk.down && f.disk.struck != write {
		return 0, fails
	}
	n, err := f.inner.Write(p)
	f.size += int64(n)
	if fails != nil && f.disk.fault.err == nil && !f.disk.down {
		return n, nil
	}
	return n, errors.Join(err, fails)
}

func (f *file) Sync() error {
	if err := f.disk.fails(flush); err != nil {
		if f.disk.fault.forget && !f.disk.down { // Linux drops the pages that it could not write
			return errors.Join(err, f.lose(f.inner.Name()))
		}
		return err
	}
	f.durable = f.size
	return nil
}

func (f *file) Close() error { return errors.Join(f.disk.fails(closing), f.inner.Close()) }

// lose keeps a random part of what was not flushed, the last byte of it wrong.
func (f *file) lose(path string) error {
	left := f.durable + f.disk.rng.Int64N(f.size-f.durable+1)
	if err := os.Truncate(path, left); err != nil || left == f.durable {
		return err
	}
	return flip(path, 8*(left-1))
}
