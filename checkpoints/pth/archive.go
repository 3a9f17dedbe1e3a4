package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// torch.save writes a zip archive whose members are stored as they are, so that
// a tensor's bytes can be read where they lie. The directory is read here and
// not by archive/zip, which trusts the number of entries that a file claims.

const (
	maxDirectory = 16 << 20 // bytes; 1,000 members take 70,000
	maxPickle    = 2 << 20  // bytes; a distillation checkpoint of 1.7 B parameters takes 300,000

	endSize, end64Size, locatorSize = 22, 56, 20
	entrySize, localSize            = 46, 30
	maxComment                      = 1<<16 - 1
)

// archive is a zip file with a checked directory.
type archive struct {
	r       io.ReaderAt
	size    int64
	folder  string // that all members stand in, named like the file when it was saved
	members map[string]member
}

// member is one entry of the directory. Its fields are as the file claims.
type member struct {
	name       string
	flags      uint16
	method     uint16
	sum        uint32 // CRC-32; 0 where the writer left it out
	size, kept uint64 // bytes, and bytes in the archive
	header     uint64 // offset of the local header
}

// openArchive reads the directory of the size bytes of r.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	a := &archive{r: r, size: size, members: make(map[string]member)}
	offset, length, count, err := a.end()
	if err != nil {
		return nil, err
	}
	if length > maxDirectory || offset > uint64(size) || length > uint64(size)-offset {
		return nil, fmt.Errorf("its directory of %d bytes at %d is outside the file or larger than %d", length, offset, maxDirectory)
	}
	directory, err := a.bytes(int64(offset), int(length))
	if err != nil {
		return nil, err
	}
	for range count {
		m, rest, err := parseMember(directory)
		if err != nil {
			return nil, err
		}
		if _, twice := a.members[m.name]; twice {
			return nil, fmt.Errorf("it has two members %s", quote(m.name))
		}
		a.members[m.name], directory = m, rest
	}
	return a, a.findFolder()
}

// end finds the directory by the record at the file's end.
func (a *archive) end() (offset, length, count uint64, err error) {
	tail, err := a.bytes(max(0, a.size-endSize-maxComment), int(min(a.size, endSize+maxComment)))
	if err != nil {
		return 0, 0, 0, err
	}
	at := strings.LastIndex(string(tail), "PK\x05\x06")
	if at < 0 || len(tail)-at < endSize {
		return 0, 0, 0, errors.New("it is not a zip archive: PyTorch 1.6 and later save one")
	}
	record, before := tail[at:], tail[:at]
	count = uint64(binary.LittleEndian.Uint16(record[10:]))
	length = uint64(binary.LittleEndian.Uint32(record[12:]))
	offset = uint64(binary.LittleEndian.Uint32(record[16:]))
	if len(before) < locatorSize || !strings.HasPrefix(string(before[len(before)-locatorSize:]), "PK\x06\x07") {
		return offset, length, count, nil
	}
	where := binary.LittleEndian.Uint64(before[len(before)-locatorSize+8:])
	if where > uint64(a.size) {
		return 0, 0, 0, fmt.Errorf("its zip64 record is said to be at %d, outside the file", where)
	}
	if record, err = a.bytes(int64(where), end64Size); err != nil {
		return 0, 0, 0, err
	}
	if string(record[:4]) != "PK\x06\x06" {
		return 0, 0, 0, fmt.Errorf("there is no zip64 record at %d", where)
	}
	field := func(at int) uint64 { return binary.LittleEndian.Uint64(record[at:]) }
	return field(48), field(40), field(32), nil
}

// parseMember reads the first entry of a directory.
func parseMember(b []byte) (m member, rest []byte, err error) {
	if len(b) < entrySize || string(b[:4]) != "PK\x01\x02" {
		return m, nil, errors.New("its directory ends early")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	name, extra, comment := u16(28), u16(30), u16(32)
	if len(b)-entrySize < name+extra+comment {
		return m, nil, errors.New("its directory ends early")
	}
	m = member{
		name:  string(b[entrySize : entrySize+name]),
		flags: uint16(u16(8)), method: uint16(u16(10)), sum: u32(16),
		kept: uint64(u32(20)), size: uint64(u32(24)), header: uint64(u32(42)),
	}
	wide := zip64(b[entrySize+name : entrySize+name+extra])
	for _, f := range []*uint64{&m.size, &m.kept, &m.header} { // in the order of the extra field
		if *f != 1<<32-1 {
			continue
		}
		if len(wide) < 8 {
			return m, nil, fmt.Errorf("member %s lacks its 64-bit sizes", quote(m.name))
		}
		*f, wide = binary.LittleEndian.Uint64(wide), wide[8:]
	}
	return m, b[entrySize+name+extra+comment:], nil
}

// zip64 is the content of the extra field of that name.
func zip64(extra []byte) []byte {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break
		}
		if id == 1 {
			return extra[4 : 4+n]
		}
		extra = extra[4+n:]
	}
	return nil
}

// findFolder finds the folder of the members by its data.pkl.
func (a *archive) findFolder() error {
	var found []string
	for name := range a.members {
		if folder, ok := strings.CutSuffix(name, "/data.pkl"); ok {
			found = append(found, folder)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("it has %d members */data.pkl, a checkpoint has one: was it written by torch.save?", len(found))
	}
	a.folder = found[0]
	return nil
}

// find places the bytes of a member of the folder.
func (a *archive) find(name string) (m member, offset int64, err error) {
	m, ok := a.members[path.Join(a.folder, name)]
	switch {
	case !ok:
		return m, 0, fmt.Errorf("it has no member %s", quote(name))
	case m.method != 0 || m.flags&1 != 0 || m.kept != m.size:
		return m, 0, fmt.Errorf("member %s is compressed or encrypted: torch.save stores members as they are", quote(m.name))
	case m.header > uint64(a.size):
		return m, 0, fmt.Errorf("member %s is said to be at %d, outside the file", quote(m.name), m.header)
	}
	local, err := a.bytes(int64(m.header), localSize)
	if err != nil {
		return m, 0, fmt.Errorf("member %s: %w", quote(m.name), err)
	}
	if string(local[:4]) != "PK\x03\x04" {
		return m, 0, fmt.Errorf("member %s is not where the directory says", quote(m.name))
	}
	offset = int64(m.header) + localSize + int64(binary.LittleEndian.Uint16(local[26:])) + int64(binary.LittleEndian.Uint16(local[28:]))
	if offset > a.size || m.size > uint64(a.size-offset) {
		return m, 0, fmt.Errorf("member %s has %d bytes at %d, outside the file", quote(m.name), m.size, offset)
	}
	return m, offset, nil
}

// small reads a member that is not a tensor.
func (a *archive) small(name string) ([]byte, error) {
	m, offset, err := a.find(name)
	if err != nil {
		return nil, err
	}
	if m.size > maxPickle {
		return nil, fmt.Errorf("member %s has %d bytes, the limit is %d", quote(m.name), m.size, maxPickle)
	}
	text, err := a.bytes(offset, int(m.size))
	if err != nil {
		return nil, err
	}
	return text, m.checkSum(sum(0, text))
}

func (m member) checkSum(found uint32) error {
	if m.sum != 0 && m.sum != found {
		return fmt.Errorf("member %s has the check sum %08x, %08x was written: the file is damaged", quote(m.name), found, m.sum)
	}
	return nil
}

// bytes reads n bytes at an offset.
func (a *archive) bytes(offset int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if got, err := a.r.ReadAt(b, offset); got < n {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it ends at byte %d, %d were expected", offset+int64(got), offset+int64(n))
		}
		return nil, err
	}
	return b, nil
}

// quote prints text of the file on one line, shortened.
func quote(text string) string {
	const most = 80
	if len(text) > most {
		text = text[:most] + "..."
	}
	return fmt.Sprintf("%q", text)
}

// names lists the members of the folder under prefix, in order.
func (a *archive) names(prefix string) []string {
	var list []string
	for name := range a.members {
		if rest, ok := strings.CutPrefix(name, a.folder+"/"+prefix); ok {
			list = append(list, rest)
		}
	}
	slices.Sort(list)
	return list
}
