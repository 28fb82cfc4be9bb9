// Package secret encrypts what must not be readable at rest, with keys that can be rotated, and keeps secrets out of
// logs.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyBytes is the size of a key: AES-256.
const keyBytes = 32

// The form of sealed bytes: a version, the key's id, then nonce, ciphertext and tag as AES-GCM gives them.
const (
	sealVersion = 1
	idBytes     = 4
	header      = 1 + idBytes
)

// Keys can be lost only with everything they sealed, so a ring that cannot be read is never replaced by a new one.
var (
	ErrSealed  = errors.New("secret: the sealed bytes were altered, or belong to another row")
	ErrUnknown = errors.New("secret: sealed with a key that is not in the ring")
)

// Ring holds the keys, the newest last. It seals with the newest and opens with all. It is safe for concurrent use.
type Ring struct {
	newest [idBytes]byte
	keys   map[[idBytes]byte]cipher.AEAD
}

// key is one key with the id that sealed bytes name it by.
type key struct {
	ID  string `json:"id"`  // 8 hex digits
	Key string `json:"key"` // base64
}

// file is the key file, keys.json.
type file struct {
	Keys []key `json:"keys"` // the newest last
}

// Load takes the keys from text (UPLINE_KEYS: base64 of 32 bytes each, separated by commas, the newest last) and, where
// that is empty, from the file, which is made with one new key where it is missing.
func Load(path, text string) (*Ring, error) {
	if strings.TrimSpace(text) != "" {
		return parseText(text)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if err := checkMode(path); err != nil {
		return nil, err
	}
	return Parse(data)
}

// checkMode refuses keys that others on the machine can read.
func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the key file %s can be read by others: chmod 600 %s", path, path)
	}
	return nil
}

// create writes a file with one new key. Where two processes start at once, the second takes the first one's key.
func create(path string) (*Ring, error) {
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	data, err := json.MarshalIndent(file{Keys: []key{newKey(raw)}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the key file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the key file: %w", err)
	}
	if err := writeNew(path, append(data, '\n')); err != nil {
		return nil, err
	}
	return Load(path, "")
}

// writeNew writes a complete file under a new name and links it into place: a crash leaves either no key file or a
// whole one, and an existing one is never overwritten.
func writeNew(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // CreateTemp makes it 0600
	if err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write the key file: %w", err)
	}
	return nil
}

func newKey(raw []byte) key {
	id := keyID(raw)
	return key{ID: fmt.Sprintf("%x", id), Key: base64.StdEncoding.EncodeToString(raw)}
}

// Parse reads a key file.
func Parse(data []byte) (*Ring, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, errors.New("the key file is not JSON") // without the cause, which may quote a key
	}
	keys := make([][]byte, len(f.Keys))
	for i, k := range f.Keys {
		raw, err := base64.StdEncoding.DecodeString(k.Key)
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("key %d of the key file is not base64 of %d bytes", i+1, keyBytes)
		}
		if id := keyID(raw); k.ID != fmt.Sprintf("%x", id) {
			return nil, fmt.Errorf("key %d of the key file does not have the id that stands beside it", i+1)
		}
		keys[i] = raw
	}
	return NewRing(keys...)
}

func parseText(text string) (*Ring, error) {
	var keys [][]byte
	for i, part := range strings.Split(text, ",") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("key %d of UPLINE_KEYS is not base64 of %d bytes", i+1, keyBytes)
		}
		keys = append(keys, raw)
	}
	return NewRing(keys...)
}

// NewRing makes a ring of keys of 32 bytes, the newest last.
func NewRing(keys ...[]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no key")
	}
	r := &Ring{keys: make(map[[idBytes]byte]cipher.AEAD, len(keys))}
	for i, raw := range keys {
		if len(raw) != keyBytes {
			return nil, fmt.Errorf("key %d has %d bytes instead of %d", i+1, len(raw), keyBytes)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		id := keyID(raw)
		if r.keys[id] != nil {
			return nil, fmt.Errorf("key %d is there twice, or has the id of another one: make a new key", i+1)
		}
		r.keys[id], r.newest = aead, id
	}
	return r, nil
}

// Seal encrypts plain. What it gives can be opened only with the same associated data: name the row it belongs to, so
// that it cannot be moved to another one.
func (r *Ring) Seal(plain, associated []byte) ([]byte, error) {
	sealed := make([]byte, header, header+r.keys[r.newest].Overhead()+len(plain))
	sealed[0] = sealVersion
	copy(sealed[1:], r.newest[:])
	return r.keys[r.newest].Seal(sealed, nil, plain, boundTo(sealed[:header], associated)), nil
}

// Open decrypts what Seal gave: ErrUnknown where the key is not in the ring, ErrSealed where the bytes or the
// associated data are not those sealed.
func (r *Ring) Open(sealed, associated []byte) ([]byte, error) {
	if len(sealed) < header || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	aead := r.keys[[idBytes]byte(sealed[1:header])]
	if aead == nil {
		return nil, ErrUnknown
	}
	plain, err := aead.Open(nil, nil, sealed[header:], boundTo(sealed[:header], associated))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// boundTo makes the header part of what is authenticated.
func boundTo(head, associated []byte) []byte {
	return append(append(make([]byte, 0, len(head)+len(associated)), head...), associated...)
}

// Rotate writes a new key at the end of the file's ring: from the next start on it seals, and the others still open.
func Rotate(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the key file: %w", err)
	}
	if _, err := Parse(data); err != nil {
		return err
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return errors.New("the key file is not JSON")
	}
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	f.Keys = append(f.Keys, newKey(raw))
	if data, err = json.MarshalIndent(f, "", "  "); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return replace(path, append(data, '\n'))
}

// replace exchanges a file whole: a crash leaves the old one or the new one.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the key file: %w", err), os.Remove(f.Name()))
	}
	return nil
}
