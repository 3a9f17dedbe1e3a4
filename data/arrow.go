package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// layout is the schema of an Arrow file of this package: optionally a column
// `id` of int64, then one column of FixedSizeList<int32>[width]. Fields are
// nullable, because other readers and Arrow's own builders stumble over lists
// that are not, but no null is ever written.
type layout struct {
	column  string
	width   int
	withIDs bool
	about   string // JSON under the key `fsdfm` of the file metadata
}

// lists is the content of such a file.
type lists struct {
	ids  []int64 // [n], nil without the column
	flat []int32 // [n, width] row-major
}

const (
	metadataKey = "fsdfm"
	batchTokens = 1 << 18 // a record batch is about 1 MiB
)

func (l layout) schema() *arrow.Schema {
	fields := []arrow.Field{{Name: l.column, Type: arrow.FixedSizeListOf(int32(l.width), arrow.PrimitiveTypes.Int32), Nullable: true}}
	if l.withIDs {
		fields = append([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, fields...)
	}
	about := arrow.NewMetadata([]string{metadataKey}, []string{l.about})
	return arrow.NewSchema(fields, &about)
}

// encode returns the IPC file, uncompressed.
func (l layout) encode(content lists) ([]byte, error) {
	var b bytes.Buffer
	schema := l.schema()
	w, err := ipc.NewFileWriter(&appender{Writer: &b}, ipc.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	n := len(content.flat) / l.width
	for from := 0; from < n; from += l.batch() {
		rec := l.record(schema, content, from, min(from+l.batch(), n))
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// batch is the number of rows in a record batch.
func (l layout) batch() int { return max(1, batchTokens/l.width) }

// record wraps the rows from..to-1 without a copy.
func (l layout) record(schema *arrow.Schema, content lists, from, to int) arrow.Record {
	n := to - from
	tokens := arrow.Int32Traits.CastToBytes(content.flat[from*l.width : to*l.width])
	inner := array.NewData(arrow.PrimitiveTypes.Int32, n*l.width, []*memory.Buffer{nil, memory.NewBufferBytes(tokens)}, nil, 0, 0)
	outer := array.NewData(schema.Field(schema.NumFields()-1).Type, n, []*memory.Buffer{nil}, []arrow.ArrayData{inner}, 0, 0)
	columns := []arrow.Array{array.MakeFromData(outer)}
	if l.withIDs {
		ids := arrow.Int64Traits.CastToBytes(content.ids[from:to])
		column := array.NewData(arrow.PrimitiveTypes.Int64, n, []*memory.Buffer{nil, memory.NewBufferBytes(ids)}, nil, 0, 0)
		columns = append([]arrow.Array{array.MakeFromData(column)}, columns...)
	}
	return array.NewRecord(schema, columns, int64(n))
}

// decode fills dst, which has room for exactly the rows the file must hold. It
// survives any content of file: panics become errors, memory is bounded by the
// file's size.
func (l layout) decode(file []byte, dst lists) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a readable Arrow file: %v", r)
		}
	}()
	r, err := l.open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	n := len(dst.flat) / l.width
	done := 0
	for i := 0; i < r.NumRecords(); i++ {
		rec, err := r.Record(i)
		if err != nil {
			return err
		}
		rows := int(rec.NumRows())
		if rows < 1 || rows > n-done {
			return fmt.Errorf("record %d has %d rows, %d are left of the %d expected", i, rows, n-done, n)
		}
		if err := l.copyRecord(rec, dst, done); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		done += rows
	}
	if done != n {
		return fmt.Errorf("%d rows, expected %d", done, n)
	}
	return nil
}

// open reads the footer of a file and checks its schema. It can panic.
func (l layout) open(file []byte) (*ipc.FileReader, error) {
	if err := l.checkFooter(file); err != nil {
		return nil, err
	}
	r, err := ipc.NewFileReader(bytes.NewReader(file), ipc.WithAllocator(&boundedAllocator{left: 4*len(file) + 1<<20}))
	if err != nil {
		return nil, err
	}
	if err := l.check(r.Schema()); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// check compares a file's schema and metadata.
func (l layout) check(got *arrow.Schema) error {
	want := l.schema()
	if !got.Equal(want) {
		return fmt.Errorf("columns are %v, expected %v", got.Fields(), want.Fields())
	}
	at := got.Metadata().FindKey(metadataKey)
	if at < 0 || got.Metadata().Values()[at] != l.about {
		return errors.New("its metadata disagree with what stands beside the file")
	}
	return nil
}

// copyRecord copies a record's rows to dst from row `at` on.
func (l layout) copyRecord(rec arrow.Record, dst lists, at int) error {
	rows, last := int(rec.NumRows()), int(rec.NumCols())-1
	column, ok := rec.Column(last).(*array.FixedSizeList)
	if !ok || column.Len() != rows || column.NullN() != 0 {
		return fmt.Errorf("column %s is not %d lists without nulls", l.column, rows)
	}
	inner, ok := column.ListValues().(*array.Int32)
	first := column.Data().Offset() * l.width
	if !ok || inner.NullN() != 0 || len(inner.Int32Values()) < first+rows*l.width {
		return fmt.Errorf("column %s does not hold %d tokens without nulls", l.column, rows*l.width)
	}
	copy(dst.flat[at*l.width:], inner.Int32Values()[first:first+rows*l.width])
	if !l.withIDs {
		return nil
	}
	ids, ok := rec.Column(0).(*array.Int64)
	if !ok || ids.NullN() != 0 || len(ids.Int64Values()) != rows {
		return fmt.Errorf("column id is not %d numbers without nulls", rows)
	}
	copy(dst.ids[at:], ids.Int64Values())
	return nil
}

// checkIDs names the first id outside [0, vocab).
func checkIDs(ids []int32, vocab int) error {
	for i, id := range ids {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d is %d: outside the vocabulary of %d", i, id, vocab)
		}
	}
	return nil
}

// boundedAllocator panics, to be recovered by decode, once more than its limit
// is asked for: one changed bit of a footer can ask for terabytes.
type boundedAllocator struct {
	memory.GoAllocator
	left int // bytes
}

func (a *boundedAllocator) take(size int) {
	if size < 0 || size > a.left {
		panic("data: the Arrow file asks for more memory than it can fill")
	}
	a.left -= size
}

func (a *boundedAllocator) Allocate(size int) []byte {
	a.take(size)
	return a.GoAllocator.Allocate(size)
}

func (a *boundedAllocator) Reallocate(size int, b []byte) []byte {
	a.take(size)
	a.left += len(b)
	return a.GoAllocator.Reallocate(size, b)
}

func (a *boundedAllocator) Free(b []byte) { a.left += len(b) }

// appender is the io.WriteSeeker that Arrow's file writer asks for; the writer
// only ever asks where it is.
type appender struct {
	io.Writer
	at int64
}

func (a *appender) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	a.at += int64(n)
	return n, err
}

func (a *appender) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("data: seek in a file that is only appended to")
	}
	return a.at, nil
}
