package adapters

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// The headers of a request signed as Standard Webhooks are (https://www.standardwebhooks.com/). Our plugins sign with them.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp" // Unix seconds of the attempt
	HeaderWebhookSignature = "webhook-signature" // "v1," and base64, several separated by blanks
)

// SignStandard is the webhook-signature header of a body: HMAC-SHA256 over "id.timestamp.body", keyed with the secret's bytes.
func SignStandard(id, timestamp string, body, secret []byte) string {
	sum := standardSum(id, timestamp, body, secret)
	return "v1," + base64.StdEncoding.EncodeToString(sum[:])
}

// VerifyStandard compares every signature the header holds with every secret's, in constant time, and returns ErrSignature where
// none fits. Empty secrets and ids are refused. Whether the timestamp is recent is for the caller to judge, who has a clock.
func VerifyStandard(header Header, body []byte, secrets [][]byte) error {
	id, timestamp := header(HeaderWebhookID), header(HeaderWebhookTimestamp)
	if id == "" || strings.Trim(timestamp, "0123456789") != "" || timestamp == "" {
		return ErrSignature // A timestamp of digits alone leaves one way to take "id.timestamp.body" apart from its end.
	}
	given := strings.Split(header(HeaderWebhookSignature), " ")
	if len(given) > maxSignatures || slices.Contains(given, "") {
		return ErrSignature
	}
	fits := false
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue // Anyone can sign with the empty key.
		}
		want := []byte(SignStandard(id, timestamp, body, secret))
		for _, signature := range given {
			if hmac.Equal(want, []byte(signature)) {
				fits = true
			}
		}
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

// maxSignatures bounds the work a stranger's header can cause; a sender rotating its secret needs two.
const maxSignatures = 8

func standardSum(id, timestamp string, body, secret []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	mac.Sum(sum[:0])
	return sum
}
