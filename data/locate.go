package data

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	flatbuffers "github.com/google/flatbuffers/go"
)

// Arrow's reader copies every record batch that it reads. To read single rows
// from a mapped file, its record batches are looked up here: slots, structs and
// codes are those of Arrow's Message.fbs and File.fbs.
const (
	messageType, messageHeader, messageBody                        = 6, 8, 10
	batchLength, batchNodes, batchBuffers, batchCompression        = 4, 6, 8, 10
	blockBytes, nodeBytes, bufferBytes                             = 24, 16, 16
	typeRecordBatch                                                = 3
	continuation                                            uint32 = 0xffffffff
)

// locate returns the tokens of the n rows that file must hold, a slice of file
// for each record batch. It survives any content: panics become errors. Files
// are little-endian, and so must the machine be.
func (l layout) locate(file []byte, n int) (segments [][]int32, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a readable Arrow file: %v", r)
		}
	}()
	r, err := l.open(file)
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	footer, err := footerOf(file)
	if err != nil {
		return nil, err
	}
	blocks, size := structs(footer, footerRecords, blockBytes)
	found := 0
	for i := range size {
		ids, err := l.locateBatch(file, blocks[i*blockBytes:])
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		segments = append(segments, ids)
		found += len(ids) / l.width
	}
	if found != n {
		return nil, fmt.Errorf("%d rows, expected %d", found, n)
	}
	return segments, nil
}

// locateBatch finds the tokens of the record batch that a block of the footer
// points to.
func (l layout) locateBatch(file, block []byte) ([]int32, error) {
	at := int(binary.LittleEndian.Uint64(block))
	head := int(int32(binary.LittleEndian.Uint32(block[8:]))) // the message's bytes before its body
	size := int(binary.LittleEndian.Uint64(block[16:]))       // the body's
	if binary.LittleEndian.Uint32(file[at:]) != continuation {
		return nil, errors.New("its message does not begin where the footer says")
	}
	meta, body := file[at+8:at+head], file[at+head:at+head+size]
	message := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	header := flatbuffers.UOffsetT(message.Offset(messageHeader))
	if message.GetByteSlot(messageType, 0) != typeRecordBatch || header == 0 || message.GetInt64Slot(messageBody, 0) != int64(size) {
		return nil, errors.New("its message is no record batch, or not as long as the footer says")
	}
	batch := flatbuffers.Table{Bytes: meta, Pos: message.Indirect(message.Pos + header)}
	if batch.Offset(batchCompression) != 0 {
		return nil, errors.New("it is compressed: make the folder anew with fsdfm-data")
	}
	rows := int(batch.GetInt64Slot(batchLength, 0))
	if err := l.checkNodes(batch, rows, size/4/l.width); err != nil {
		return nil, err
	}
	buffers, n := structs(batch, batchBuffers, bufferBytes)
	if n != 3 { // whether lists are null, whether tokens are, tokens
		return nil, fmt.Errorf("it has %d buffers, expected 3", n)
	}
	from := int(binary.LittleEndian.Uint64(buffers[2*bufferBytes:]))
	bytes := body[from : from+4*rows*l.width]
	if (at+head+from)%4 != 0 {
		return nil, errors.New("its tokens are not aligned")
	}
	return arrow.Int32Traits.CastFromBytes(bytes), nil
}

// checkNodes fails unless a batch has rows lists of the right number of tokens,
// at most most, and no null.
func (l layout) checkNodes(batch flatbuffers.Table, rows, most int) error {
	nodes, n := structs(batch, batchNodes, nodeBytes)
	if n != 2 || rows < 1 || rows > most {
		return fmt.Errorf("it has %d rows in %d columns", rows, n)
	}
	for i, want := range []int{rows, rows * l.width} {
		length := binary.LittleEndian.Uint64(nodes[i*nodeBytes:])
		nulls := binary.LittleEndian.Uint64(nodes[i*nodeBytes+8:])
		if length != uint64(want) || nulls != 0 {
			return fmt.Errorf("column %s is not %d lists of %d tokens without nulls", l.column, rows, l.width)
		}
	}
	return nil
}

// structs is a table's vector of structs and their number.
func structs(t flatbuffers.Table, slot flatbuffers.VOffsetT, size int) ([]byte, int) {
	n := count(t, slot)
	if n == 0 {
		return nil, 0
	}
	first := int(t.Vector(flatbuffers.UOffsetT(t.Offset(slot))))
	return t.Bytes[first : first+n*size], n
}
