package data

import (
	"fmt"
	"slices"
	"testing"
)

// numbered has n rows of two tokens, each row holding its number.
func numbered(t *testing.T, n int) *Rows {
	t.Helper()
	ids := make([]int32, 2*n)
	for i := range ids {
		ids[i] = int32(i / 2)
	}
	rows, err := NewRows(ids, 2)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// stream reads the row numbers of positions from..to-1, batch rows at a time.
func stream(t *testing.T, r *Reader, from, to, batch int) []int32 {
	t.Helper()
	var got []int32
	for at := from; at < to; at += batch {
		n := min(batch, to-at)
		dst := make([]int32, 2*n)
		if err := r.Fill(dst, int64(at)); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if dst[2*i] != dst[2*i+1] {
				t.Fatalf("torn row %v", dst[2*i:2*i+2])
			}
			got = append(got, dst[2*i])
		}
	}
	return got
}

func TestReaderEpochs(t *testing.T) {
	const n, epochs = 101, 20
	rows := numbered(t, n)
	got := stream(t, NewReader(rows, 7), 0, n*epochs, 8)
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	for e := range epochs {
		epoch := got[e*n : (e+1)*n]
		sorted := slices.Sorted(slices.Values(epoch))
		if !slices.Equal(sorted, all) {
			t.Fatalf("epoch %d is no permutation: %v", e, epoch)
		}
		for f := range e {
			// Independent permutations agree in 1 place on average; 8 or more
			// have a chance of 1e-5.
			same := 0
			for i, id := range epoch {
				if got[f*n+i] == id {
					same++
				}
			}
			if same >= 8 {
				t.Errorf("epochs %d and %d agree in %d of %d places", f, e, same, n)
			}
		}
	}
	if other := stream(t, NewReader(rows, 8), 0, n, 8); slices.Equal(other, got[:n]) {
		t.Error("seeds 7 and 8 agree")
	}
}

// The order is part of every checkpoint's meaning: it must not change with a
// new release or toolchain.
func TestReaderOrderPinned(t *testing.T) {
	got := stream(t, NewReader(numbered(t, 8), 1), 0, 16, 3)
	if s := fmt.Sprint(got); s != "[2 7 1 5 6 4 0 3 3 6 2 1 4 5 7 0]" {
		t.Errorf("order is %s", s)
	}
}

func TestReaderResume(t *testing.T) {
	const n, end = 13, 60
	rows := numbered(t, n)
	whole := stream(t, NewReader(rows, 3), 0, end, 5)
	for from := range end {
		if got := stream(t, NewReader(rows, 3), from, end, 4); !slices.Equal(got, whole[from:]) {
			t.Fatalf("resumed at %d: %v, want %v", from, got, whole[from:])
		}
	}
	r := NewReader(rows, 3) // also backwards with one reader
	for from := end - 5; from >= 0; from-- {
		if got := stream(t, r, from, from+5, 5); !slices.Equal(got, whole[from:from+5]) {
			t.Fatalf("jumped to %d: %v", from, got)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	r := NewReader(numbered(t, 3), 1)
	if err := r.Fill(make([]int32, 3), 0); err == nil {
		t.Error("3 tokens for rows of 2 passed")
	}
	if err := r.Fill(make([]int32, 2), -1); err == nil {
		t.Error("position -1 passed")
	}
}

func TestReaderFillAllocatesNothing(t *testing.T) {
	r := NewReader(numbered(t, 50), 1)
	dst := make([]int32, 2*10)
	position := int64(0)
	if err := r.Fill(dst, position); err != nil {
		t.Fatal(err)
	}
	perRun := testing.AllocsPerRun(3, func() { // stays inside the first epoch
		position += 10
		if err := r.Fill(dst, position); err != nil {
			t.Fatal(err)
		}
	})
	if perRun != 0 {
		t.Errorf("%v allocations", perRun)
	}
}
