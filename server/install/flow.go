package install

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"

	"upline.dev/upline/server"
)

// codeBytes is the randomness of a flow's code: nobody guesses one within its life.
const codeBytes = 32

// errFlow is one sentence for a code that is unknown, expired, used or made for another step: a stranger learns nothing.
var errFlow = &server.Error{
	Code: server.Forbidden, Field: "state",
	Message: "this link has expired or was used already; begin to connect the store again",
}

// Begin stores a flow and gives the code by which it is found again: once, within FlowLife. Only the code's hash is kept.
func (s *Service) Begin(ctx context.Context, f Flow) (code string, err error) {
	defer server.Wrap(&err, "begin to connect %s", f.Domain)
	raw := make([]byte, codeBytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	code = base64.RawURLEncoding.EncodeToString(raw)
	row := FlowRow{Flow: f, Hash: sha256.Sum256([]byte(code))}
	row.CreatedAt = s.Clock().UTC()
	row.ExpiresAt = row.CreatedAt.Add(FlowLife)
	if row.Sealed, err = s.Sealer.Seal(f.Payload, flowRowName(row.Hash)); err != nil {
		return "", fmt.Errorf("seal the flow: %w", err)
	}
	return code, s.Books.PutFlow(ctx, row)
}

// Take gives the flow of a code and uses it up: of many who bring the same code, one gets it.
func (s *Service) Take(ctx context.Context, code, purpose string) (Flow, error) {
	return s.flow(ctx, code, purpose, true)
}

// Look gives the flow of a code and leaves it to be taken.
func (s *Service) Look(ctx context.Context, code, purpose string) (Flow, error) {
	return s.flow(ctx, code, purpose, false)
}

func (s *Service) flow(ctx context.Context, code, purpose string, consume bool) (f Flow, err error) {
	defer server.Wrap(&err, "find a connect flow")
	if raw, err := base64.RawURLEncoding.DecodeString(code); err != nil || len(raw) != codeBytes {
		return Flow{}, errFlow
	}
	hash := sha256.Sum256([]byte(code))
	row, err := s.Books.Flow(ctx, hash, purpose, s.Clock().UTC(), consume)
	if server.CodeOf(err) == server.NotFound {
		return Flow{}, errFlow
	}
	if err != nil {
		return Flow{}, err
	}
	if row.Payload, err = s.Sealer.Open(row.Sealed, flowRowName(hash)); err != nil {
		return Flow{}, fmt.Errorf("open the flow: %w", err)
	}
	return row.Flow, nil
}

func flowRowName(hash [32]byte) []byte { return append([]byte("install_states\x00"), hash[:]...) }
