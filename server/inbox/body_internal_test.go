package inbox

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// unsealed seals nothing, so that a test sees what was packed.
type unsealed struct{}

func (unsealed) Seal(plain, _ []byte) ([]byte, error)  { return bytes.Clone(plain), nil }
func (unsealed) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

func packings(t testing.TB) (small, fast *bodies) {
	t.Helper()
	small, err := newBodies(unsealed{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if fast, err = newBodies(unsealed{}, true); err != nil {
		t.Fatal(err)
	}
	return small, fast
}

// TestEitherPackingOpensEither: a database that moves from a file to a server keeps its old bodies readable.
func TestEitherPackingOpensEither(t *testing.T) {
	t.Parallel()
	small, fast := packings(t)
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		raw = bytes.Repeat(raw, rapid.IntRange(1, 50).Draw(t, "times"))
		for _, packer := range []*bodies{small, fast} {
			sealed, err := packer.seal("d", raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, opener := range []*bodies{small, fast} {
				if got, err := opener.open("d", sealed); err != nil || !bytes.Equal(got, raw) {
					t.Fatalf("fast=%v packed, fast=%v opened: %d bytes, %v; want %d", packer.fast, opener.fast, len(got), err, len(raw))
				}
			}
		}
	})
}

func TestDamagedPackings(t *testing.T) {
	t.Parallel()
	small, _ := packings(t)
	if _, err := small.open("d", nil); !errors.Is(err, errUnpacked) {
		t.Errorf("nothing opens: %v", err)
	}
	for _, packed := range []string{"s", "s\xff\xff\xff\xff\xff\xff", "s\x80\x80\x80\x80\x0f", "{}", strings.Repeat("\x28", 40)} {
		if raw, err := small.open("d", []byte(packed)); err == nil {
			t.Errorf("%q opens as %q", packed, raw)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	small, fast := packings(f)
	for _, b := range []*bodies{small, fast} {
		packed, err := b.seal("d", []byte(`{"id":1}`))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(_ *testing.T, packed []byte) { _, _ = small.open("d", packed) })
}
