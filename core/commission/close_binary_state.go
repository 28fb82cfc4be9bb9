package commission

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// BinaryState is the volume that positions carry from one period of a binary component to the next: of each leg a list,
// oldest first. It is kept in its binary form, some ten bytes a position, because there may be ten million of them.
// Positions have their own ids, so they may be numbered otherwise in the next period; those without carry are left out.
//
// The binary form is "UBS", a byte with the form's version, the period's id, the number of positions, and of each
// position, in the order of the World it was made in: how many bytes of its id it shares with the one before, the rest
// of the id, and its legs. Numbers are varints in their shortest form, volumes zigzag. A leg's list is how many periods
// ago a volume arose and how much is left of it. One state has one form, so that its Hash names it.
//
// In JSON up to a thousand positions are told one by one, with volumes as decimal text in units of the component's base:
// micro-units of CV, or minor units. More are the binary form in base64.
type BinaryState struct {
	period string
	count  int
	data   []byte // the positions alone
}

// Carry is what is left on a leg of the volume of one period.
type Carry struct {
	Age    int   // closed periods since it arose: 0 in the one that was closed
	Volume int64 // micro-units of CV, or minor units, by the component's base; below zero a correction yet to be made up for
}

const (
	stateMagic   = "UBS"
	stateVersion = 1
	maxStateAge  = 1 << 16 // no plan lets volume expire later
	maxStateName = 255     // bytes of an id
)

// The shapes of a position's legs: which of them has one volume that arose in the period closed and nothing else.
// Anything that is not so simple is shapeLists: the lengths of both lists and the lists.
const (
	shapeLists = 0
	shapeLeft  = 1
	shapeRight = 2
)

// Period is the id of the period whose close left the state; "" for the zero value.
func (s *BinaryState) Period() string { return s.period }

// Len is the number of positions with carry.
func (s *BinaryState) Len() int { return s.count }

// Hash is the lower-case hex SHA-256 of the binary form.
func (s *BinaryState) Hash() string {
	sum := sha256.New()
	sum.Write(s.header())
	sum.Write(s.data)
	return hex.EncodeToString(sum.Sum(nil))
}

func (s *BinaryState) header() []byte {
	head := append([]byte(stateMagic), stateVersion)
	head = binary.AppendUvarint(head, uint64(len(s.period)))
	head = append(head, s.period...)
	return binary.AppendUvarint(head, uint64(s.count))
}

// MarshalBinary writes the binary form.
func (s *BinaryState) MarshalBinary() ([]byte, error) { return append(s.header(), s.data...), nil }

// UnmarshalBinary reads the binary form and nothing else: whatever it accepts, MarshalBinary writes again byte by byte.
// An error names the byte and leaves s as it was.
func (s *BinaryState) UnmarshalBinary(data []byte) error {
	if len(data) < len(stateMagic)+1 || string(data[:len(stateMagic)]) != stateMagic {
		return fmt.Errorf("binary state: it does not begin with %s", stateMagic)
	}
	if version := data[len(stateMagic)]; version != stateVersion {
		return fmt.Errorf("binary state: it has version %d, and this engine reads version %d", version, stateVersion)
	}
	r := stateReader{data: data, at: len(stateMagic) + 1}
	read := BinaryState{period: string(r.text(nil, 0))}
	read.count = r.number(len(data))
	read.data = append([]byte(nil), r.data[min(r.at, len(data)):]...)
	body := stateReader{data: read.data, offset: r.at, err: r.err}
	for range read.count {
		if !body.next() {
			break
		}
	}
	switch {
	case body.err != nil:
		return body.err
	case body.at != len(read.data):
		return fmt.Errorf("binary state: %d bytes are left over at byte %d", len(read.data)-body.at, r.at+body.at)
	}
	*s = read
	return nil
}

// stateReader goes through positions one by one without allocating. Of a state in memory nothing can be wrong.
type stateReader struct {
	data        []byte
	at, offset  int // offset is where data begins in what was read, for errors
	begins      int // where the legs of the position that was read begin
	id          []byte
	left, right []Carry
	err         error
}

// next reads one position.
func (r *stateReader) next() bool {
	shared := r.number(len(r.id))
	r.id = r.text(r.id, shared)
	if r.err == nil && len(r.id) == 0 {
		r.fail("a position has no id")
	}
	r.left, r.right = r.left[:0], r.right[:0]
	r.begins = r.at
	r.legs()
	return r.err == nil
}

// legs reads the legs of the position that data stands at.
func (r *stateReader) legs() {
	switch shape := r.byte(); shape {
	case shapeLists:
		lefts, rights := r.number(len(r.data)), r.number(len(r.data))
		r.left, r.right = r.list(r.left, lefts), r.list(r.right, rights)
		if r.err == nil && (lefts+rights == 0 || simple(r.left) && simple(r.right)) {
			r.fail("a position is not in its shortest form")
		}
	case shapeLeft, shapeRight, shapeLeft | shapeRight:
		if shape&shapeLeft != 0 {
			r.left = append(r.left, Carry{0, r.volume()})
		}
		if shape&shapeRight != 0 {
			r.right = append(r.right, Carry{0, r.volume()})
		}
	default:
		r.fail("a position has legs of no known shape")
	}
}

// simple tells whether a list is short enough for a shape of its own.
func simple(list []Carry) bool { return len(list) == 0 || len(list) == 1 && list[0].Age == 0 }

func (r *stateReader) list(to []Carry, count int) []Carry {
	for i := 0; i < count && r.err == nil; i++ {
		age := r.number(maxStateAge)
		if i > 0 && r.err == nil && age >= to[i-1].Age {
			r.fail("the volumes of a leg are not oldest first")
		}
		to = append(to, Carry{age, r.volume()})
	}
	return to
}

func (r *stateReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("binary state: %s at byte %d", what, r.offset+r.at)
	}
}

func (r *stateReader) byte() byte {
	if r.err != nil || r.at >= len(r.data) {
		r.fail("it ends too early")
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

func (r *stateReader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	value, n := binary.Uvarint(r.data[r.at:])
	if n <= 0 || n > 1 && r.data[r.at+n-1] == 0 {
		r.fail("a number is cut off or not in its shortest form")
		return 0
	}
	r.at += n
	return value
}

// number reads a count or an age.
func (r *stateReader) number(most int) int {
	value := r.uvarint()
	if value > uint64(most) {
		r.fail("a number is too large")
		return 0
	}
	return int(value)
}

func (r *stateReader) volume() int64 {
	value := r.uvarint()
	if value == 0 {
		r.fail("a volume is zero")
	}
	return int64(value>>1) ^ -int64(value&1)
}

// text reads the rest of a text of which the first shared bytes are known.
func (r *stateReader) text(known []byte, shared int) []byte {
	length := r.number(maxStateName)
	if r.err == nil && (shared+length > maxStateName || r.at+length > len(r.data)) {
		r.fail("an id is too long or cut off")
	}
	if r.err != nil {
		return known[:0]
	}
	rest := r.data[r.at : r.at+length]
	if shared < len(known) && length > 0 && known[shared] == rest[0] {
		r.fail("an id shares more with the one before than it says")
	}
	r.at += length
	return append(known[:shared], rest...)
}

// stateWriter writes positions one by one.
type stateWriter struct {
	state BinaryState
	last  string
}

func (w *stateWriter) add(id string, left, right []Carry) {
	if len(left)+len(right) == 0 {
		return
	}
	shared := 0
	for shared < len(id) && shared < len(w.last) && id[shared] == w.last[shared] {
		shared++
	}
	w.state.count, w.last = w.state.count+1, id
	data := binary.AppendUvarint(w.state.data, uint64(shared))
	data = binary.AppendUvarint(data, uint64(len(id)-shared))
	data = append(data, id[shared:]...)
	if simple(left) && simple(right) {
		data = append(data, byte(len(left)*shapeLeft|len(right)*shapeRight))
		data = appendVolumes(appendVolumes(data, left), right)
	} else {
		data = append(data, shapeLists)
		data = binary.AppendUvarint(data, uint64(len(left)))
		data = binary.AppendUvarint(data, uint64(len(right)))
		data = appendLists(appendLists(data, left), right)
	}
	w.state.data = data
}

func appendVolumes(data []byte, list []Carry) []byte {
	for _, c := range list {
		data = binary.AppendVarint(data, c.Volume)
	}
	return data
}

func appendLists(data []byte, list []Carry) []byte {
	for _, c := range list {
		data = binary.AppendUvarint(data, uint64(c.Age))
		data = binary.AppendVarint(data, c.Volume)
	}
	return data
}

// Each calls f for every position with carry, in the order of the state. left and right are good until f returns.
func (s *BinaryState) Each(f func(id string, left, right []Carry) error) error {
	r := stateReader{data: s.data}
	for range s.count {
		if !r.next() {
			return r.err
		}
		if err := f(string(r.id), r.left, r.right); err != nil {
			return err
		}
	}
	return nil
}

// maxToldPositions is how many positions JSON tells one by one: more than anybody reads.
const maxToldPositions = 1000

// stateJSON has either Positions or Binary.
type stateJSON struct {
	Version   int            `json:"version"`
	Period    string         `json:"period"`
	Positions []positionJSON `json:"positions,omitempty"`
	Binary    []byte         `json:"binary,omitempty"`
}

type positionJSON struct {
	ID    string      `json:"id"`
	Left  []carryJSON `json:"left,omitempty"`
	Right []carryJSON `json:"right,omitempty"`
}

type carryJSON struct {
	Age    int    `json:"age,omitempty"`
	Volume string `json:"volume"`
}

// MarshalJSON writes the form for people, or the binary form where it would be too long for them.
func (s BinaryState) MarshalJSON() ([]byte, error) {
	out := stateJSON{Version: stateVersion, Period: s.period}
	if s.count > maxToldPositions {
		out.Binary, _ = s.MarshalBinary()
		return json.Marshal(out)
	}
	list := func(of []Carry) (to []carryJSON) {
		for _, c := range of {
			to = append(to, carryJSON{c.Age, strconv.FormatInt(c.Volume, 10)})
		}
		return to
	}
	err := s.Each(func(id string, left, right []Carry) error {
		out.Positions = append(out.Positions, positionJSON{id, list(left), list(right)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. An error leaves s as it was.
func (s *BinaryState) UnmarshalJSON(data []byte) error {
	var in stateJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("binary state: %w", err)
	}
	if in.Version != stateVersion {
		return fmt.Errorf("binary state: it has version %d, and this engine reads version %d", in.Version, stateVersion)
	}
	if in.Binary != nil {
		var read BinaryState
		if err := read.UnmarshalBinary(in.Binary); err != nil {
			return err
		}
		if in.Positions != nil || read.period != in.Period {
			return errors.New("binary state: it has positions twice, or speaks of two periods")
		}
		*s = read
		return nil
	}
	if len(in.Period) > maxStateName {
		return fmt.Errorf("binary state: the period's id is longer than %d bytes", maxStateName)
	}
	w := stateWriter{state: BinaryState{period: in.Period}}
	for i, p := range in.Positions {
		left, err := carries(p.Left)
		if err != nil {
			return fmt.Errorf("binary state: positions[%d].left: %w", i, err)
		}
		right, err := carries(p.Right)
		if err != nil {
			return fmt.Errorf("binary state: positions[%d].right: %w", i, err)
		}
		if p.ID == "" || len(p.ID) > maxStateName || len(left)+len(right) == 0 {
			return fmt.Errorf("binary state: positions[%d] needs an id of at most %d bytes and a volume", i, maxStateName)
		}
		w.add(p.ID, left, right)
	}
	*s = w.state
	return nil
}

func carries(in []carryJSON) (out []Carry, err error) {
	for i, c := range in {
		volume, err := strconv.ParseInt(c.Volume, 10, 64)
		switch {
		case err != nil || volume == 0:
			return nil, fmt.Errorf("[%d].volume %q is no whole number other than 0", i, c.Volume)
		case c.Age < 0 || c.Age > maxStateAge || i > 0 && c.Age >= in[i-1].Age:
			return nil, fmt.Errorf("[%d].age %d is not below the one before, or not from 0 to %d", i, c.Age, maxStateAge)
		}
		out = append(out, Carry{c.Age, volume})
	}
	return out, nil
}
