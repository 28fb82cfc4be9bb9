package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/server/secret"
)

func load(t *testing.T) (*secret.Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	r, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

func TestWhatIsSealedOpensOnlyForItsRow(t *testing.T) {
	t.Parallel()
	r, _ := load(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		row := rapid.SliceOf(rapid.Byte()).Draw(t, "row")
		sealed, err := r.Seal(plain, row)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Open(sealed, row); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plain)
		}
		if _, err := r.Open(sealed, append(row, 1)); !errors.Is(err, secret.ErrSealed) {
			t.Fatalf("another row opens it: %v", err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "flipped byte")
		sealed[i] ^= 1
		if _, err := r.Open(sealed, row); !errors.Is(err, secret.ErrSealed) {
			t.Fatalf("byte %d flipped, and it still opens: %v", i, err)
		}
	})
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	r, path := load(t)
	sealed, err := r.Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	rotated, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotated.Open(sealed, nil); err != nil {
		t.Errorf("after rotation the old key opens nothing: %v", err)
	}
	fresh, err := rotated.Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(fresh, nil); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("the ring before rotation opens what the new key sealed: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Load(path, ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file others may read: %v", err)
	}
}

func TestManyStartsMakeOneKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	rings := make([]*secret.Ring, 16)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := secret.Load(path, "")
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	sealed, err := rings[0].Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rings {
		if _, err := r.Open(sealed, nil); err != nil {
			t.Errorf("start %d has another key: %v", i, err)
		}
	}
}

func TestKeysFromTheEnvironment(t *testing.T) {
	t.Parallel()
	const older, newer = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU="
	first, err := secret.Load("", older)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal([]byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := secret.Load("", newer+", "+older)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Open(sealed, nil); err != nil {
		t.Errorf("the older key opens nothing: %v", err)
	}
	for _, bad := range []string{"short", "MDEy", newer + "," + newer} {
		if _, err := secret.Load("", bad); err == nil {
			t.Errorf("keys %q are accepted", bad)
		}
	}
}

func TestTextNeverPrints(t *testing.T) {
	t.Parallel()
	s := secret.Text("hunter2")
	marshalled, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s)
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q", s, s, s, s), string(marshalled), log.String()} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("it prints: %s", out)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}

func FuzzOpen(f *testing.F) {
	r, err := secret.Load(filepath.Join(f.TempDir(), "keys.json"), "")
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := r.Seal([]byte("body"), []byte("row"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, err := r.Open(data, []byte("row")); err == nil && !bytes.Equal(data, sealed) {
			t.Fatalf("forged bytes open as %q", plain)
		}
	})
}
