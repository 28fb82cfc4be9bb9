package money

// Volume is micro-units of CV or QV: 1 CV is 1_000_000. Its text and JSON form is decimal, "12.5".
type Volume int64

// volumePlaces is the number of decimals a volume can hold.
const volumePlaces = 6

// ParseVolume reads decimal text such as "200" or "12.5", with at most 6 decimals unless the rest are zeros. Refusals
// are a *ParseError.
func ParseVolume(text string) (Volume, error) {
	volume, why := scanFixed(text, volumePlaces)
	if why != "" {
		return 0, parseError(text, why)
	}
	return Volume(volume), nil
}

// String is the shortest decimal text, such as "200" or "12.5"; ParseVolume gives v back.
func (v Volume) String() string {
	var buf [32]byte
	return string(v.appendTo(buf[:0]))
}

func (v Volume) appendTo(dst []byte) []byte {
	return trimZeros(appendFixed(dst, int64(v), volumePlaces))
}

// MarshalText writes what String writes, so that a volume is a JSON string.
func (v Volume) MarshalText() ([]byte, error) { return v.appendTo(nil), nil }

// UnmarshalText reads what ParseVolume reads; a JSON number does not come here and is refused by the decoder.
func (v *Volume) UnmarshalText(text []byte) error {
	volume, err := ParseVolume(string(text))
	if err != nil {
		return err
	}
	*v = volume
	return nil
}
