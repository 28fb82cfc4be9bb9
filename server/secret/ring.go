package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sealed bytes are: format (1 byte), key id (4 bytes), nonce and ciphertext with tag as AES-256-GCM gives them.
const (
	format    = 1
	keyBytes  = 32
	idBytes   = 4
	headBytes = 1 + idBytes
)

// ErrSealed means that bytes cannot be opened: they are damaged, belong to another row, or their key is not in the ring.
var ErrSealed = errors.New("sealed bytes cannot be opened")

// Ring seals with its newest key and opens with any of its keys. It is safe for concurrent use.
type Ring struct {
	newest [idBytes]byte
	aeads  map[[idBytes]byte]cipher.AEAD
	macs   [][sha256.Size]byte // keys for signing, newest first, each derived from a key of the ring
}

// key is one entry of the key file. The id is random, so that a rotated ring never reuses one.
type key struct {
	ID  string `json:"id"`  // base64 of 4 bytes
	Key string `json:"key"` // base64 of 32 bytes
}

// keyFile is the file's content, newest key first.
type keyFile struct {
	Keys []key `json:"keys"`
}

// Load reads the ring. fromEnv, where not empty, counts instead of the file: base64 keys of 32 bytes, newest first,
// separated by commas. A missing file is created with one new key and mode 0600; a file others may read is refused.
func Load(path, fromEnv string) (*Ring, error) {
	if fromEnv != "" {
		return parseEnv(fromEnv)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s can be read by others (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	var file keyFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("key file %s is not readable as JSON: %w", path, err)
	}
	return newRing(file.Keys)
}

// create writes a new key file. It appears whole or not at all, and never replaces one that is there.
func create(path string) error {
	fresh, err := newKey()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(keyFile{Keys: []key{fresh}}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode key file: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // linked or useless by then
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Chmod(0o600), temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := os.Link(temporary.Name(), path); err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	return nil
}

func newKey() (key, error) {
	raw := make([]byte, idBytes+keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return key{}, fmt.Errorf("make a key: %w", err)
	}
	return key{
		ID:  base64.StdEncoding.EncodeToString(raw[:idBytes]),
		Key: base64.StdEncoding.EncodeToString(raw[idBytes:]),
	}, nil
}

// parseEnv makes each key's id of the key itself (the first bytes of a zero block encrypted with it), so that the same
// key has the same id on every machine.
func parseEnv(text string) (*Ring, error) {
	var keys []key
	for i, part := range strings.Split(text, ",") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("UPLINE_KEYS: key %d is not base64 of %d bytes: make one with openssl rand -base64 32", i+1, keyBytes)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("UPLINE_KEYS: key %d: %w", i+1, err)
		}
		check := make([]byte, aes.BlockSize)
		block.Encrypt(check, check)
		keys = append(keys, key{
			ID:  base64.StdEncoding.EncodeToString(check[:idBytes]),
			Key: base64.StdEncoding.EncodeToString(raw),
		})
	}
	return newRing(keys)
}

func newRing(keys []key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("the key ring is empty")
	}
	r := &Ring{aeads: make(map[[idBytes]byte]cipher.AEAD, len(keys))}
	for i, k := range keys {
		id, errID := base64.StdEncoding.DecodeString(k.ID)
		raw, errKey := base64.StdEncoding.DecodeString(k.Key)
		if errID != nil || errKey != nil || len(id) != idBytes || len(raw) != keyBytes {
			return nil, fmt.Errorf("key %d of the ring is damaged: restore the key file from its backup", i+1)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d of the ring: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key %d of the ring: %w", i+1, err)
		}
		short := [idBytes]byte(id)
		if _, twice := r.aeads[short]; twice {
			return nil, fmt.Errorf("key %d of the ring has the id of another", i+1)
		}
		r.aeads[short] = aead
		r.macs = append(r.macs, derive(raw, "upline: signing"))
		if i == 0 {
			r.newest = short
		}
	}
	return r, nil
}

// Seal encrypts plain with the newest key. associated binds the result to its row: Open needs the same bytes.
func (r *Ring) Seal(plain, associated []byte) ([]byte, error) {
	aead := r.aeads[r.newest]
	sealed := make([]byte, headBytes, headBytes+len(plain)+aead.Overhead())
	sealed[0] = format
	copy(sealed[1:], r.newest[:])
	return aead.Seal(sealed, nil, plain, associated), nil //nolint:gosec // The AEAD draws the nonce itself and takes none.
}

// Open gives back what Seal took; ErrSealed where it cannot.
func (r *Ring) Open(sealed, associated []byte) ([]byte, error) {
	if len(sealed) < headBytes || sealed[0] != format {
		return nil, fmt.Errorf("%w: not in a known format", ErrSealed)
	}
	aead, ok := r.aeads[[idBytes]byte(sealed[1:headBytes])]
	if !ok {
		return nil, fmt.Errorf("%w: their key is not in the ring", ErrSealed)
	}
	plain, err := aead.Open(nil, nil, sealed[headBytes:], associated)
	if err != nil {
		return nil, fmt.Errorf("%w: damaged, or sealed for another row", ErrSealed)
	}
	return plain, nil
}

// derive makes a key for one purpose of another key.
func derive(key []byte, purpose string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	return [sha256.Size]byte(mac.Sum(nil))
}

// Sign is an HMAC-SHA256 of the message under a key that serves this purpose alone, made of the newest key.
func (r *Ring) Sign(purpose string, message []byte) []byte {
	return sign(r.macs[0], purpose, message)
}

// Signed reports whether signature is the beginning of what Sign gives or gave under any key of the ring; one of fewer
// than 8 bytes never is.
func (r *Ring) Signed(purpose string, message, signature []byte) bool {
	fits := false
	for _, key := range r.macs {
		whole := sign(key, purpose, message)
		if n := len(signature); n >= 8 && n <= len(whole) && hmac.Equal(whole[:n], signature) {
			fits = true
		}
	}
	return fits
}

func sign(key [sha256.Size]byte, purpose string, message []byte) []byte {
	sub := derive(key[:], purpose)
	mac := hmac.New(sha256.New, sub[:])
	mac.Write(message)
	return mac.Sum(nil)
}

// Rotate puts a new key in front of the file's keys. What older keys sealed still opens.
func Rotate(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read key file: %w", err)
	}
	var file keyFile
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("key file %s is not readable as JSON: %w", path, err)
	}
	fresh, err := newKey()
	if err != nil {
		return err
	}
	file.Keys = append([]key{fresh}, file.Keys...)
	if text, err = json.MarshalIndent(file, "", "  "); err != nil {
		return fmt.Errorf("encode key file: %w", err)
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	return nil
}
