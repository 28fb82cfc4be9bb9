package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"upline.dev/upline/server/secret"
)

func newRing(t testing.TB, fills ...byte) *secret.Ring {
	t.Helper()
	var keys [][]byte
	for _, fill := range fills {
		keys = append(keys, bytes.Repeat([]byte{fill}, 32))
	}
	r, err := secret.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seal(t testing.TB, r *secret.Ring, plain, associated string) []byte {
	t.Helper()
	sealed, err := r.Seal([]byte(plain), []byte(associated))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealOpens(t *testing.T) {
	t.Parallel()
	r := newRing(t, 1)
	for _, plain := range []string{"", "x", strings.Repeat("long ", 10_000)} {
		sealed := seal(t, r, plain, "row 1")
		got, err := r.Open(sealed, []byte("row 1"))
		if err != nil || string(got) != plain {
			t.Fatalf("Open = %q, %v; want %q", got, err, plain)
		}
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Fatal("the sealed bytes show the plain ones")
		}
	}
	if bytes.Equal(seal(t, r, "same", "row"), seal(t, r, "same", "row")) {
		t.Fatal("the same text sealed twice gives the same bytes: it could be recognised")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	r := newRing(t, 1)
	sealed := seal(t, r, "tax id", "row 1")
	if _, err := r.Open(sealed, []byte("row 2")); !errors.Is(err, secret.ErrSealed) {
		t.Fatalf("moved to another row: %v, want ErrSealed", err)
	}
	if _, err := newRing(t, 2).Open(sealed, []byte("row 1")); !errors.Is(err, secret.ErrUnknown) {
		t.Fatalf("another ring: %v, want ErrUnknown", err)
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if plain, err := r.Open(altered, []byte("row 1")); err == nil {
			t.Fatalf("byte %d altered, and it opens to %q", i, plain)
		}
	}
	for i := range sealed {
		if _, err := r.Open(sealed[:i], []byte("row 1")); err == nil {
			t.Fatalf("cut to %d bytes, and it opens", i)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, both := newRing(t, 1), newRing(t, 1, 2)
	before := seal(t, old, "old", "row")
	if got, err := both.Open(before, []byte("row")); err != nil || string(got) != "old" {
		t.Fatalf("the new ring opens the old key's bytes to %q, %v", got, err)
	}
	after := seal(t, both, "new", "row")
	if _, err := old.Open(after, []byte("row")); !errors.Is(err, secret.ErrUnknown) {
		t.Fatalf("the newest key does not seal: the old ring gives %v", err)
	}
}

func TestLoadMakesTheFileOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "keys.json")
	rings := make([]*secret.Ring, 8)
	var group sync.WaitGroup
	for i := range rings {
		group.Go(func() {
			r, err := secret.Load(path, "")
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	group.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v; want mode 0600", info.Mode(), err)
	}
	sealed := seal(t, rings[0], "shared", "row")
	for i, r := range rings {
		if _, err := r.Open(sealed, []byte("row")); err != nil {
			t.Fatalf("start %d got another key: %v", i, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".keys-*"))
	if err != nil || len(left) > 0 {
		t.Fatalf("files left behind: %v, %v", left, err)
	}
}

func TestRotateKeepsTheOldKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	before, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, before, "old", "row")
	if err := secret.Rotate(path); err != nil {
		t.Fatal(err)
	}
	after, err := secret.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Open(sealed, []byte("row")); err != nil {
		t.Fatalf("what the old key sealed: %v", err)
	}
	if _, err := before.Open(seal(t, after, "new", "row"), []byte("row")); !errors.Is(err, secret.ErrUnknown) {
		t.Fatalf("after a rotation the old key still seals: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for name, text := range map[string]string{
		"short key": "AAAA", "not base64": "!!!!", "empty part": good + ",", "twice": good + "," + good,
	} {
		if _, err := secret.Load("", text); err == nil {
			t.Errorf("%s: UPLINE_KEYS is taken", name)
		} else if strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	if _, err := secret.Load("", " "+good+" "); err != nil {
		t.Errorf("a good key with blanks around it: %v", err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	for name, data := range map[string]string{
		"not JSON": "x", "no keys": `{"keys":[]}`, "wrong id": `{"keys":[{"id":"00000000","key":"` + good + `"}]}`,
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.Load(path, ""); err == nil {
			t.Errorf("%s: the file is taken", name)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != data {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	open := filepath.Join(t.TempDir(), "keys.json")
	if _, err := secret.Load(open, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Load(open, ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others can read: %v", err)
	}
}

func TestTextDoesNotShow(t *testing.T) {
	t.Parallel()
	const plain = "shpss_1234"
	s := secret.Text(plain)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", s, "in", struct{ S secret.Text }{s})
	asJSON, err := json.Marshal(map[string]any{"secret": s, "in": struct{ S secret.Text }{s}})
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, struct{ S secret.Text }{s})
	}
	if strings.Contains(shown, plain) || strings.Contains(shown, fmt.Sprintf("%x", plain)) {
		t.Fatalf("the secret shows: %s", shown)
	}
	if string(s) != plain {
		t.Fatal("the secret itself is lost")
	}
}

func FuzzOpen(f *testing.F) {
	r := newRing(f, 1, 2)
	f.Add(seal(f, r, "plain", "row"), []byte("row"))
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 0, 0, 0, 0}, []byte("row"))
	known := seal(f, r, "known", "known row")
	f.Fuzz(func(t *testing.T, sealed, associated []byte) {
		plain, err := r.Open(sealed, associated)
		if err != nil {
			if plain != nil {
				t.Fatal("an error comes with text")
			}
			return
		}
		again, err := r.Seal(plain, associated)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Open(again, associated); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("what opens does not seal and open again: %v", err)
		}
		if !bytes.Equal(sealed, known) && string(plain) == "known" && string(associated) == "known row" {
			t.Fatal("other bytes open to the known text")
		}
	})
}
