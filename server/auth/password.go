package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"upline.dev/upline/server"
)

// The cost of a password's hash: argon2id with 19 MiB and two passes, the least that OWASP names for it. hashesAtOnce
// bounds the memory that a flood of sign-ins can take.
const (
	argonKiB     = 19 << 10
	argonPasses  = 2
	argonThreads = 1
	argonBytes   = 32
	saltBytes    = 16
	hashesAtOnce = 4
)

// Lengths of a password. NIST SP 800-63B asks for no rules beyond a length; the upper one bounds the work of a hash.
const (
	minPassword = 12
	maxPassword = 256
)

// hashing lets so many hashes run at once.
var hashing = make(chan struct{}, hashesAtOnce)

func derive(password string, salt []byte, kib, passes uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, passes, kib, argonThreads, argonBytes)
}

// hashPassword gives the usual text form of argon2id, which names its own cost.
func hashPassword(random io.Reader, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonKiB, argonPasses, argonThreads,
		enc.EncodeToString(salt), enc.EncodeToString(derive(password, salt, argonKiB, argonPasses))), nil
}

// passwordFits compares in constant time. A text that is no hash fits nothing, after the same work: who has no password
// must not be told from who has another one.
func passwordFits(hash, password string) bool {
	kib, passes, salt, want := parseHash(hash)
	if len(password) > maxPassword {
		password = password[:maxPassword]
		want = nil
	}
	got := derive(password, salt, kib, passes)
	return len(want) == argonBytes && subtle.ConstantTimeCompare(got, want) == 1
}

func parseHash(hash string) (kib, passes uint32, salt, sum []byte) {
	kib, passes, salt = argonKiB, argonPasses, make([]byte, saltBytes)
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return kib, passes, salt, nil
	}
	var threads uint32
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &kib, &passes, &threads); err != nil || kib > 1<<20 || passes == 0 || passes > 100 {
		return argonKiB, argonPasses, salt, nil
	}
	read, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil {
		return kib, passes, salt, nil
	}
	return kib, passes, read, sum
}

// checkPassword refuses what everybody would guess.
func checkPassword(password, email string) error {
	fault := func(message string) error {
		return &server.Error{Code: server.Invalid, Field: "password", Message: message}
	}
	local, _, _ := strings.Cut(email, "@")
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return fault(fmt.Sprintf("a password has at least %d characters; a few words are easy to keep", minPassword))
	case len(password) > maxPassword:
		return fault(fmt.Sprintf("a password has at most %d bytes", maxPassword))
	case strings.EqualFold(password, email), len(local) >= minPassword && strings.EqualFold(password, local):
		return fault("the password must not be the e-mail address")
	case strings.Count(password, password[:1]) == len(password):
		return fault("the password must not be one character again and again")
	}
	return nil
}
