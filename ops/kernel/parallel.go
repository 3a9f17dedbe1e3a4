package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spin is how long a worker watches for the next region before it parks. Waking a parked
// worker costs 30-80 us, a watching one less than 1 us, and regions of one training step
// follow each other within tens of microseconds.
const spin = 150 * time.Microsecond

var threads atomic.Int64

func init() { threads.Store(int64(runtime.NumCPU())) }

// SetThreads sets how many threads, the caller's included, one Parallel call may use.
// n < 1 restores the default, runtime.NumCPU().
func SetThreads(n int) {
	if n < 1 {
		n = runtime.NumCPU()
	}
	threads.Store(int64(n))
}

// Threads returns the number of threads one Parallel call may use.
func Threads() int { return int(threads.Load()) }

// Parallel calls body(0) ... body(n-1), each once, in any order, on up to Threads()
// threads, and returns when all are done. A call made while another one runs, nested or
// from another goroutine, does its work on its own goroutine. A panic in body reaches the
// caller; indices not yet started are then skipped.
func Parallel(n int, body func(i int)) {
	extra := min(Threads(), n) - 1
	if extra < 1 || !team.busy.TryLock() {
		for i := range n {
			body(i)
		}
		return
	}
	team.run(n, extra, body)
}

// parallelRanges cuts [0, n) into ranges of grain indices and runs body on each.
func parallelRanges(n, grain int, body func(lo, hi int)) {
	if n <= grain {
		body(0, n)
		return
	}
	Parallel((n+grain-1)/grain, func(i int) {
		body(i*grain, min((i+1)*grain, n))
	})
}

// A crew is the one set of persistent workers and the region they work on.
type crew struct {
	busy    sync.Mutex // held by the caller whose region runs
	workers []*worker
	body    func(i int)
	n       int64
	failure atomic.Pointer[any]
	_       [64]byte // next is written by all: keep it off the line of body and n
	next    atomic.Int64
	_       [56]byte
}

var team crew

func (c *crew) run(n, extra int, body func(i int)) {
	c.body, c.n = body, int64(n)
	c.next.Store(0)
	for len(c.workers) < extra {
		w := &worker{wake: make(chan struct{}, 1)}
		c.workers = append(c.workers, w)
		go w.serve(c)
	}
	for _, w := range c.workers[:extra] {
		w.post()
	}
	defer c.finish(extra)
	c.share()
}

// finish waits for the workers that joined, frees the crew and passes a panic on.
func (c *crew) finish(extra int) {
	for _, w := range c.workers[:extra] {
		w.dismiss()
	}
	failure := c.failure.Swap(nil)
	c.body = nil
	c.busy.Unlock()
	if failure != nil {
		panic(*failure)
	}
}

// share runs indices of the region until none is left.
func (c *crew) share() {
	defer func() {
		if r := recover(); r != nil {
			failure := r // r itself would be allocated in every call
			c.failure.CompareAndSwap(nil, &failure)
			c.next.Store(c.n)
		}
	}()
	for i := c.next.Add(1) - 1; i < c.n; i = c.next.Add(1) - 1 {
		c.body(int(i))
	}
}

// The states of a worker. The caller moves idle or parked to posted, and back to idle if
// the region ends before the worker has joined; the worker makes the other moves.
const (
	idle int32 = iota
	parked
	posted
	running
)

type worker struct {
	state atomic.Int32
	wake  chan struct{} // one token for each move from parked to posted
	_     [48]byte      // one cache line a worker
}

func (w *worker) post() {
	if w.state.Swap(posted) == parked {
		w.wake <- struct{}{}
	}
}

func (w *worker) dismiss() {
	if w.state.CompareAndSwap(posted, idle) {
		return
	}
	for i := 1; w.state.Load() == running; i++ {
		if i%64 == 0 {
			runtime.Gosched()
		}
	}
}

func (w *worker) serve(c *crew) {
	for {
		w.await()
		c.share()
		w.state.Store(idle)
	}
}

// await returns once the worker has joined a region.
func (w *worker) await() {
	deadline := time.Now().Add(spin)
	for i := 1; !w.state.CompareAndSwap(posted, running); i++ {
		if i%64 != 0 {
			continue
		}
		runtime.Gosched()
		if time.Now().After(deadline) && w.state.CompareAndSwap(idle, parked) {
			<-w.wake
			deadline = time.Now().Add(spin)
		}
	}
}
