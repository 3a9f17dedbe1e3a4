package data

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// Limits of what a page of a Parquet file may ask for. Writers make pages of
// about 1 MB; a page holds at least one value.
const (
	parquetMemory = 1 << 30 // bytes
	parquetBatch  = 256     // values
)

// readParquet reads a column of text, page by page; a row is a document. Rows
// without a value are passed over. It survives any content: Arrow's panics
// become errors.
func readParquet(r parquet.ReaderAtSeeker, column string, g *gatherer) (err error) {
	visiting := false
	defer func() {
		if visiting {
			return // not Arrow's
		}
		if p := recover(); p != nil {
			err = fmt.Errorf("not a readable Parquet file: %v", p)
		}
	}()
	props := parquet.NewReaderProperties(&boundedAllocator{left: parquetMemory})
	props.BufferedStreamEnabled = true
	f, err := file.NewParquetReader(r, file.WithReadProps(props))
	if err != nil {
		return fmt.Errorf("not a readable Parquet file: %w", err)
	}
	at, err := textColumn(f.MetaData().Schema, column)
	if err != nil {
		return err
	}
	visit := func(text []byte) error {
		visiting = true
		err := errors.Join(g.add(text), g.end())
		visiting = false
		return err
	}
	for i := range f.NumRowGroups() {
		if err := readRowGroup(f, i, at, props.Allocator(), visit); err != nil {
			return err
		}
	}
	return nil
}

// textColumn finds a column by name; it must hold text or bytes, not lists.
func textColumn(s *schema.Schema, name string) (int, error) {
	var names []string
	for i := range s.NumColumns() {
		column := s.Column(i)
		if column.Path() != name {
			names = append(names, column.Path())
			continue
		}
		if column.PhysicalType() != parquet.Types.ByteArray || column.MaxRepetitionLevel() > 0 {
			return 0, fmt.Errorf("column %q is no text: it has the type %v", name, column.PhysicalType())
		}
		return i, nil
	}
	return 0, fmt.Errorf("no column %q: name the one that holds text, of [%s]", name, strings.Join(names, " "))
}

// readRowGroup visits the values of one column in one row group.
func readRowGroup(f *file.Reader, number, column int, alloc memory.Allocator, visit func(text []byte) error) error {
	group, about := f.RowGroup(number), f.MetaData().Schema.Column(column)
	pages, err := group.GetColumnPageReader(column)
	if err != nil {
		return err
	}
	checked := &checkedPages{PageReader: pages, level: about.MaxDefinitionLevel()}
	reader, ok := file.NewColumnReader(about, checked, alloc, f.BufferPool()).(*file.ByteArrayColumnChunkReader)
	if !ok {
		return errors.New("the column's type differs between row groups")
	}
	values, levels := make([]parquet.ByteArray, parquetBatch), make([]int16, parquetBatch)
	rows := int64(0)
	for reader.HasNext() {
		n, read, err := reader.ReadBatch(parquetBatch, values, levels, nil)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		rows += n
		for _, v := range values[:read] {
			if err := visit(v); err != nil {
				return err
			}
		}
	}
	if err := reader.Err(); err != nil {
		return err
	}
	if want := group.NumRows(); rows != want {
		return fmt.Errorf("a row group has %d rows, its column %d: the file is damaged", want, rows)
	}
	return nil
}
