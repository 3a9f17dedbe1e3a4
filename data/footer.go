package data

import (
	"encoding/binary"
	"errors"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Arrow's reader sizes slices by vector lengths found in a file's footer, which
// one flipped bit turns into gigabytes that no recover gives back, and follows
// nested types to any depth. So the footer's schema is looked at before: slots
// and codes are those of Arrow's Schema.fbs and File.fbs.
const (
	footerSchema, footerDictionaries, footerRecords    = 6, 8, 10
	schemaFields, schemaMetadata                       = 6, 8
	fieldType, fieldDictionary, fieldChildren, fieldKV = 8, 12, 14, 16

	typeInt, typeFixedSizeList = 2, 16
	magicTail                  = 10 // int32 footer size, "ARROW1"
)

// checkFooter fails unless the schema has the columns and the one metadata key
// of l. It panics on offsets outside the footer, to be recovered by decode.
func (l layout) checkFooter(file []byte) error {
	footer, err := footerOf(file)
	if err != nil {
		return err
	}
	bytes := footer.Bytes
	at := flatbuffers.UOffsetT(footer.Offset(footerSchema))
	if at == 0 || count(footer, footerDictionaries) != 0 {
		return errors.New("its footer has no schema or has dictionaries")
	}
	schema := flatbuffers.Table{Bytes: bytes, Pos: footer.Indirect(footer.Pos + at)}
	columns := []byte{typeFixedSizeList}
	if l.withIDs {
		columns = []byte{typeInt, typeFixedSizeList}
	}
	if count(schema, schemaFields) != len(columns) || count(schema, schemaMetadata) != 1 {
		return fmt.Errorf("its schema does not have %d columns and one metadata key", len(columns))
	}
	for i, code := range columns {
		if !plainField(element(schema, schemaFields, i), code) {
			return fmt.Errorf("column %d is not of the expected type", i)
		}
	}
	return nil
}

// footerOf finds the footer's table.
func footerOf(file []byte) (flatbuffers.Table, error) {
	end := len(file) - magicTail
	if end < 0 {
		return flatbuffers.Table{}, errors.New("too short for an Arrow file")
	}
	size := int(binary.LittleEndian.Uint32(file[end:]))
	if size < 4 || size > end {
		return flatbuffers.Table{}, fmt.Errorf("its footer has %d bytes of %d", size, end)
	}
	bytes := file[end-size : end]
	return flatbuffers.Table{Bytes: bytes, Pos: flatbuffers.GetUOffsetT(bytes)}, nil
}

// plainField reports whether a field has the type code, and no more below it
// than the integers of a list.
func plainField(field flatbuffers.Table, code byte) bool {
	if field.GetByteSlot(fieldType, 0) != code || field.Offset(fieldDictionary) != 0 || count(field, fieldKV) != 0 {
		return false
	}
	if code == typeInt {
		return count(field, fieldChildren) == 0
	}
	return count(field, fieldChildren) == 1 && plainField(element(field, fieldChildren, 0), typeInt)
}

// count is the length of a table's vector, 0 if it is absent.
func count(t flatbuffers.Table, slot flatbuffers.VOffsetT) int {
	at := t.Offset(slot)
	if at == 0 {
		return 0
	}
	return t.VectorLen(flatbuffers.UOffsetT(at))
}

// element is the i-th table of a table's vector.
func element(t flatbuffers.Table, slot flatbuffers.VOffsetT, i int) flatbuffers.Table {
	first := t.Vector(flatbuffers.UOffsetT(t.Offset(slot)))
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(first + flatbuffers.UOffsetT(4*i))}
}
