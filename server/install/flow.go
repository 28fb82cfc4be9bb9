package install

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// Begin stores a flow and gives the code by which it is found again: once, before f.ExpiresAt, or within FlowLife where that
// is zero. Only the code's hash is kept.
func (s *Service) Begin(ctx context.Context, f Flow) (code string, err error) {
	defer server.Wrap(&err, "begin to connect %s", f.Domain)
	raw := make([]byte, codeBytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	code = base64.RawURLEncoding.EncodeToString(raw)
	row := FlowRow{Flow: f, Hash: sha256.Sum256([]byte(code))}
	row.CreatedAt = s.Clock().UTC()
	if row.ExpiresAt.IsZero() {
		row.ExpiresAt = row.CreatedAt.Add(FlowLife)
	}
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

// FlowID names a flow to those who watch it: nobody can make its code of it.
func FlowID(code string) string {
	hash := sha256.Sum256([]byte(code))
	return hex.EncodeToString(hash[:])
}

// Follow gives a flow by its id, whether or not it is over. It is kept for a day after its end.
func (s *Service) Follow(ctx context.Context, id, purpose string) (f Flow, err error) {
	defer server.Wrap(&err, "follow a connect flow")
	hash, err := flowHash(id)
	if err != nil {
		return Flow{}, err
	}
	row, err := s.Books.Followed(ctx, hash, purpose)
	if err != nil {
		return Flow{}, err
	}
	if row.Payload, err = s.Sealer.Open(row.Sealed, flowRowName(hash)); err != nil {
		return Flow{}, fmt.Errorf("open the flow: %w", err)
	}
	return row.Flow, nil
}

// Note exchanges what a flow carries, so that those who follow it see how far it is.
func (s *Service) Note(ctx context.Context, id string, payload []byte) (err error) {
	defer server.Wrap(&err, "note how far a connect flow is")
	hash, err := flowHash(id)
	if err != nil {
		return err
	}
	sealed, err := s.Sealer.Seal(payload, flowRowName(hash))
	if err != nil {
		return fmt.Errorf("seal the flow: %w", err)
	}
	return s.Books.NoteFlow(ctx, hash, sealed)
}

func flowHash(id string) (hash [32]byte, err error) {
	if n, err := hex.Decode(hash[:], []byte(id[:min(len(id), 2*len(hash))])); err != nil || n != len(hash) || len(id) != 2*len(hash) {
		return hash, server.Errorf(server.NotFound, "There is no such connect flow.")
	}
	return hash, nil
}

func flowRowName(hash [32]byte) []byte { return append([]byte("install_states\x00"), hash[:]...) }
