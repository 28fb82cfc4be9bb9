package secret

import "crypto/sha256"

// keyID names a key without telling anything about it: the beginning of a hash that is made for this purpose alone.
func keyID(raw []byte) [idBytes]byte {
	sum := sha256.Sum256(append([]byte("upline/key-id/v1\x00"), raw...))
	return [idBytes]byte(sum[:idBytes])
}
