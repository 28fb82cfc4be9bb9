package channel

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
)

// linkPurpose is of the code that opens our pages for somebody whom a store's admin screen sent here.
const linkPurpose = "store.link"

// linkLife is how long such a code counts: the browser is sent here at once.
const linkLife = time.Minute

// linked is what a code stands for.
type linked struct {
	Program string `json:"program"`
	Store   string `json:"store"`
	Role    string `json:"role"`
	Actor   string `json:"actor"`
	Name    string `json:"name"`
	Next    string `json:"next"`
	// Distributor is who comes to look at their own earnings; "" for an admin of the shop.
	Distributor string `json:"distributor,omitempty"`
}

type linkView struct {
	Code      string    `json:"code"`
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// link makes a single-use code for an admin of the shop, or for a distributor. What an admin may do here was agreed on when
// the store was connected; a distributor sees their own earnings and nothing else.
func (s *Service) link(ctx context.Context, st *admin.Store, body []byte) (any, error) {
	var in struct {
		who
		Audience string `json:"audience"`
		UserID   string `json:"user_id"`
		Next     string `json:"next"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	switch in.Audience {
	case "merchant":
	case "distributor":
		return s.ownLink(ctx, st, in.who)
	default:
		return nil, invalid("audience", "the audience is merchant or distributor")
	}
	if in.UserID == "" || len(in.UserID) > 64 {
		return nil, invalid("user_id", "name the user of the shop by its id")
	}
	c, err := s.Books.Channel(ctx, st.StoreID)
	if err != nil {
		return nil, err
	}
	if c.LinkRole == "" {
		return nil, server.Errorf(server.Forbidden, "admins of this shop may not come here by a link; connect the store again and allow it")
	}
	return s.newLink(ctx, &linked{
		Program: st.ProgramID, Store: st.StoreID, Role: c.LinkRole, Actor: string(st.Platform) + ":" + st.StoreID + ":" + short(in.UserID),
		Name: st.Name, Next: Path(in.Next),
	})
}

// ownLink makes the code for a distributor, whom the shop names as in earnings.
func (s *Service) ownLink(ctx context.Context, st *admin.Store, w who) (any, error) {
	d, err := s.distributor(ctx, st, w)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, server.Errorf(server.Forbidden, "this account is not that of a distributor")
	}
	return s.newLink(ctx, &linked{Program: st.ProgramID, Store: st.StoreID, Distributor: d.DistributorID})
}

func (s *Service) newLink(ctx context.Context, l *linked) (any, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	data, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	code := base64.RawURLEncoding.EncodeToString(raw)
	expires := s.now().Add(linkLife)
	if err := s.Codes.PutCode(ctx, auth.Code{Hash: sha256.Sum256([]byte(code)), Purpose: linkPurpose, Data: string(data), ExpiresAt: expires}); err != nil {
		return nil, err
	}
	return linkView{Code: code, URL: s.Base + "/sso?code=" + code, ExpiresAt: expires}, nil
}

// Arrival is somebody who followed a link: an admin of a shop, with a session to open and the page to show, or a
// distributor.
type Arrival struct {
	Session auth.Session
	Next    string
	Visit   *Visit // nil for an admin
}

// Follow uses a link's code up and says who comes.
func (s *Service) Follow(ctx context.Context, code string) (arrival Arrival, err error) {
	defer server.Wrap(&err, "follow a link")
	kept, err := s.Codes.TakeCode(ctx, linkPurpose, sha256.Sum256([]byte(code)), s.now())
	if server.CodeOf(err) == server.NotFound && err != nil {
		return arrival, server.Errorf(server.Forbidden, "this link was used already or is too old; press the button in your shop again")
	}
	if err != nil {
		return arrival, err
	}
	var l linked
	if err := json.Unmarshal([]byte(kept.Data), &l); err != nil {
		return arrival, fmt.Errorf("read the link: %w", err)
	}
	if l.Distributor != "" {
		return Arrival{Visit: &Visit{Program: l.Program, Store: l.Store, Distributor: l.Distributor, Until: s.now().Add(VisitLife)}}, nil
	}
	return Arrival{
		Session: auth.Session{ProgramID: l.Program, StoreID: l.Store, Role: auth.Role(l.Role), Actor: l.Actor, Name: l.Name},
		Next:    l.Next,
	}, nil
}

// Path is a page of our own, or the first one: a link never leads to another site.
func Path(next string) string {
	bad := strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r > '~' })
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || bad || len(next) > maxText {
		return "/"
	}
	return next
}
