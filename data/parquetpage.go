package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
)

// checkedPages looks at each page of a column of text before Arrow's column
// reader does: that one turns in circles where a page has fewer levels or
// lengths than its header says, and makes room for as many lengths as a damaged
// byte asks for.
type checkedPages struct {
	file.PageReader
	level int16 // the definition level of values, 0: none is null
	err   error
}

// Next implements file.PageReader.
func (p *checkedPages) Next() bool {
	if p.err == nil && p.PageReader.Next() {
		p.err = p.check(p.Page())
		return p.err == nil
	}
	return false
}

// Err implements file.PageReader.
func (p *checkedPages) Err() error { return errors.Join(p.err, p.PageReader.Err()) }

func (p *checkedPages) check(page file.Page) error {
	var levels, values []byte
	var err error
	switch page := page.(type) {
	case *file.DataPageV1:
		levels, values, err = p.partsV1(page)
	case *file.DataPageV2:
		levels, values, err = p.partsV2(page)
	default:
		return nil // a dictionary
	}
	if err != nil {
		return err
	}
	n := int(page.NumValues())
	if p.level > 0 && !enoughLevels(levels, bits.Len16(uint16(p.level)), n) {
		return fmt.Errorf("a page has fewer levels than its %d values: the file is damaged", n)
	}
	return checkEncoding(parquet.Encoding(page.Encoding()), values, n)
}

// partsV1 finds the definition levels of a page and the values behind them.
func (p *checkedPages) partsV1(page *file.DataPageV1) (levels, values []byte, err error) {
	data := page.Data()
	if p.level == 0 {
		return nil, data, nil
	}
	if e := page.DefinitionLevelEncoding(); e != parquet.Encodings.RLE {
		return nil, nil, fmt.Errorf("definition levels encoded as %v are not supported", e)
	}
	if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
		return nil, nil, errors.New("a page is smaller than its levels: the file is damaged")
	}
	end := 4 + binary.LittleEndian.Uint32(data)
	return data[4:end], data[end:], nil
}

func (p *checkedPages) partsV2(page *file.DataPageV2) (levels, values []byte, err error) {
	data, from := page.Data(), int(page.RepetitionLevelByteLen())
	end := from + int(page.DefinitionLevelByteLen())
	if end > len(data) {
		return nil, nil, errors.New("a page is smaller than its levels: the file is damaged")
	}
	return data[from:end], data[end:], nil
}

// enoughLevels reports whether data holds n levels of so many bits, in runs: a
// varint, whose last bit says whether groups of eight packed levels follow or
// one level that is repeated.
func enoughLevels(data []byte, width, n int) bool {
	for n > 0 {
		head, size := binary.Uvarint(data)
		if size <= 0 || head>>1 == 0 || head>>1 > 1<<32 {
			return false
		}
		data = data[size:]
		count, bytes := int(head>>1), (width+7)/8
		if head&1 == 1 {
			bytes, count = count*width, 8*count
		}
		if bytes > len(data) {
			return false
		}
		data = data[bytes:]
		n -= count
	}
	return true
}

// checkEncoding looks at how n values, some of them null, are encoded.
func checkEncoding(e parquet.Encoding, data []byte, n int) error {
	switch e {
	case parquet.Encodings.Plain:
		return nil
	case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
		if len(data) > 0 && data[0] > 32 {
			return fmt.Errorf("a page has indices of %d bits: the file is damaged", data[0])
		}
		return nil
	case parquet.Encodings.DeltaLengthByteArray:
		return checkLengths(data, n)
	}
	return fmt.Errorf("values encoded as %v are not supported", e)
}

// checkLengths looks at the numbers that delta-encoded lengths begin with: the
// size of a block, its parts, the number of lengths, the first one.
func checkLengths(data []byte, n int) error {
	const most = 1 << 16 // of a block; writers use 128
	var numbers [4]uint64
	for i := range numbers {
		value, size := binary.Uvarint(data)
		if size <= 0 {
			return errors.New("a page ends in its lengths: the file is damaged")
		}
		numbers[i], data = value, data[size:]
	}
	block, parts, total := numbers[0], numbers[1], numbers[2]
	if block == 0 || block > most || parts == 0 || block%parts != 0 || total > uint64(n) {
		return fmt.Errorf("a page has %d lengths in blocks of %d in %d parts for %d values: the file is damaged", total, block, parts, n)
	}
	return nil
}
