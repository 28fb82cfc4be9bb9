package auth

import (
	"bytes"
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"upline.dev/upline/server"
)

// A second factor as RFC 6238 has it and every authenticator app knows it: SHA-1, six digits, thirty seconds. One step
// before and after counts too, for clocks that differ.
const (
	totpPeriod    = 30 // seconds
	totpBytes     = 20
	recoveryCodes = 10
)

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// Enrolment is a second factor that is offered and not yet confirmed. Secret is the base32 text to type in where no
// camera can see the QR code.
type Enrolment struct {
	Secret string `json:"secret"`
	URL    string `json:"otpauth_url"`
	QR     string `json:"qr_svg"`
}

// NewTOTP offers a second factor. Nothing counts until ConfirmTOTP has seen a code of it.
func (s *Service) NewTOTP(ctx context.Context, p *Principal) (Enrolment, error) {
	person, err := s.Books.PersonByID(ctx, p.PersonID)
	if err != nil {
		return Enrolment{}, err
	}
	raw := make([]byte, totpBytes)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return Enrolment{}, fmt.Errorf("read random bytes: %w", err)
	}
	secret := totpText.EncodeToString(raw)
	e := Enrolment{Secret: secret, URL: "otpauth://totp/Upline:" + person.Email + "?secret=" + secret + "&issuer=Upline"}
	e.QR, err = qrOf(e.URL)
	return e, err
}

// qrOf draws a QR code as SVG, four modules of margin around it.
func qrOf(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	const margin = 4
	size := code.Bounds().Dx()
	var path bytes.Buffer
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	side := size + 2*margin
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="QR code"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`,
		side, side, side, side, path.String()), nil
}

// ConfirmTOTP makes an offered secret the second factor, once a code of it is right, and gives the recovery codes, which
// nobody can show again.
func (s *Service) ConfirmTOTP(ctx context.Context, p *Principal, secret, code, password string) ([]string, error) {
	person, err := s.confirm(ctx, p, password)
	if err != nil {
		return nil, err
	}
	raw, err := totpText.DecodeString(strings.ToUpper(strings.TrimSpace(secret)))
	if err != nil || len(raw) < totpBytes {
		return nil, &server.Error{Code: server.Invalid, Field: "secret", Message: "this is not the secret that was offered"}
	}
	step, ok := totpStep(raw, code, s.Clock())
	if !ok {
		return nil, &server.Error{Code: server.Invalid, Field: "code", Message: "the code does not fit; check that the clock of the telephone is right"}
	}
	if person.SealedTOTP, err = s.Sealer.Seal(raw, []byte(person.PersonID)); err != nil {
		return nil, fmt.Errorf("seal the second factor of %s: %w", person.PersonID, err)
	}
	texts, err := s.newRecoveryCodes()
	if err != nil {
		return nil, err
	}
	hashes := make([][32]byte, len(texts))
	for i, text := range texts {
		hashes[i] = HashToken(recoveryKey(person.PersonID, text))
	}
	if err := s.Books.PutRecoveryCodes(ctx, person.PersonID, hashes); err != nil {
		return nil, err
	}
	if err := s.Books.UpdatePerson(ctx, person); err != nil {
		return nil, err
	}
	if _, err := s.Books.UseTOTPStep(ctx, person.PersonID, step); err != nil {
		return nil, err
	}
	return texts, s.audit(ctx, p.Program, p.PersonID, "totp.add", p.PersonID, "")
}

// RemoveTOTP takes the second factor away.
func (s *Service) RemoveTOTP(ctx context.Context, p *Principal, password string) error {
	person, err := s.confirm(ctx, p, password)
	if err != nil {
		return err
	}
	person.SealedTOTP = nil
	if err := s.Books.UpdatePerson(ctx, person); err != nil {
		return err
	}
	if err := s.Books.PutRecoveryCodes(ctx, person.PersonID, nil); err != nil {
		return err
	}
	return s.audit(ctx, p.Program, p.PersonID, "totp.remove", p.PersonID, "")
}

// checkSecondFactor takes a code of now, once, or a recovery code.
func (s *Service) checkSecondFactor(ctx context.Context, p *Person, code string) error {
	if !s.takeAttempt(ctx, map[string]int{"code:" + p.PersonID: attemptsPair}) {
		return errTooMany()
	}
	secret, err := s.Sealer.Open(p.SealedTOTP, []byte(p.PersonID))
	if err != nil {
		return fmt.Errorf("open the second factor of %s: %w", p.PersonID, err)
	}
	var fresh bool
	if step, ok := totpStep(secret, code, s.Clock()); ok {
		fresh, err = s.Books.UseTOTPStep(ctx, p.PersonID, step)
	} else {
		fresh, err = s.Books.TakeRecoveryCode(ctx, p.PersonID, HashToken(recoveryKey(p.PersonID, code)))
	}
	if err != nil {
		return err
	}
	if !fresh {
		return errSignIn()
	}
	s.forgetAttempts(ctx, "code:"+p.PersonID)
	return nil
}

// totpStep finds the time step whose code it is.
func totpStep(secret []byte, code string, now time.Time) (int64, bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	at := now.Unix() / totpPeriod
	for _, step := range []int64{at, at - 1, at + 1} {
		ok, err := hotp.ValidateCustom(code, uint64(step), totpText.EncodeToString(secret), //nolint:gosec // the clock is past 1970
			hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if ok && err == nil {
			return step, true
		}
	}
	return 0, false
}

func (s *Service) newRecoveryCodes() (texts []string, err error) {
	for range recoveryCodes {
		raw := make([]byte, 10)
		if _, err := io.ReadFull(s.Random, raw); err != nil {
			return nil, fmt.Errorf("read random bytes: %w", err)
		}
		text := strings.ToLower(totpText.EncodeToString(raw))
		texts = append(texts, text[:8]+"-"+text[8:])
	}
	return texts, nil
}

// recoveryKey is what of a recovery code is hashed: it counts however it was typed, and for its person alone.
func recoveryKey(personID, code string) string {
	return personID + "\x00" + strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
}
