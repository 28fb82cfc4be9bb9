package channel

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
)

// handshakePurpose is of the code that a Magento merchant pastes into the module.
const handshakePurpose = "magento.handshake"

// How long a handshake may take: to be begun in Magento, and then to its end, as Magento's verifier ends after 300 s.
const (
	HandshakeLife    = 10 * time.Minute
	handshakeTimeout = 4 * time.Minute
)

// The steps of a handshake, as those who follow it see them.
const (
	StepWaiting   = "waiting"   // for Connect to be pressed in Magento
	StepKeys      = "keys"      // asking Magento for lasting credentials
	StepModule    = "module"    // telling the module where it reports
	StepConnected = "connected" // done
	StepFailed    = "failed"    // Fault says why, and what mends it
	StepExpired   = "expired"   // nobody came with the code, or this server was stopped on the way
)

// Shake is a handshake under way. It is kept in the code's row.
type Shake struct {
	StoreID  string    `json:"store_id"`
	Site     string    `json:"site"`
	APIBase  string    `json:"api_base,omitempty"` // where Magento answers, if not where it says
	LinkRole string    `json:"link_role,omitempty"`
	Actor    string    `json:"actor"`
	Step     string    `json:"step"`
	Fault    string    `json:"fault,omitempty"`
	Remark   string    `json:"remark,omitempty"` // what works all the same and should be mended
	Expires  time.Time `json:"-"`
}

// Posted is what Magento sends to the code's address. Anybody can send it: only the code binds it to a store, and only what the
// shop at the agreed address then answers counts.
type Posted struct {
	Key, Secret, Verifier secret.Text
	Base                  string // store_base_url
	InstallID             string // which the module named in the address
	WebsiteID             int    // of Magento, which has a connection of its own; 0: all
}

// Magento speaks with a shop. An error is for the log; its Trouble, for the merchant.
type Magento interface {
	// Shake exchanges the verifier for lasting credentials at base.
	Shake(ctx context.Context, base string, p *Posted) (install.Credentials, error)
	// Tell hands the module its connection; it answers with its own install id.
	Tell(ctx context.Context, creds *install.Credentials, told *Told) (installID string, err error)
	// Trouble says what hindered and what mends it.
	Trouble(err error) string
	// Loopback reports whether shops at this machine's own address may be called, by http; for tests alone.
	Loopback() bool
}

// ErrUnsure means that a shop may have heard what it was told, though it did not say so.
var ErrUnsure = errors.New("the shop may have heard it")

// Told is what a module is told once.
type Told struct {
	Claimed
	Server    string // this server's address
	Site      string // with its scheme
	WebsiteID int
}

// OfferHandshake makes the store ready and gives the code to paste into its Magento, with the id by which the handshake is
// followed. apiBase is where Magento answers, if that is not at the store's own address; "" where it is.
func (s *Service) OfferHandshake(ctx context.Context, o *Offer, apiBase string, by string) (code, id string, sh Shake, err error) {
	defer server.Wrap(&err, "offer store %s to its module", o.Store.Domain)
	if err := checkLinkRole(o.LinkRole); err != nil {
		return "", "", sh, err
	}
	if apiBase != "" && adapters.Site(apiBase) == "" {
		return "", "", sh, invalid("api_base", "want the address at which Magento answers, such as https://shop.example.com/index.php")
	}
	o.Store.Platform = order.Magento
	st, err := s.ready(ctx, o, by)
	if err != nil {
		return "", "", sh, err
	}
	sh = Shake{StoreID: st.StoreID, Site: st.Domain, APIBase: apiBase, LinkRole: o.LinkRole, Actor: by, Step: StepWaiting, Expires: s.now().Add(HandshakeLife)}
	payload, err := json.Marshal(sh)
	if err != nil {
		return "", "", sh, err
	}
	code, err = s.Install.Begin(ctx, install.Flow{
		Purpose: handshakePurpose, ProgramID: st.ProgramID, Platform: order.Magento, Domain: st.Domain, Payload: payload, ExpiresAt: sh.Expires,
	})
	return code, install.FlowID(code), sh, err
}

// FollowHandshake tells how far a program's handshake is.
func (s *Service) FollowHandshake(ctx context.Context, program, id string) (sh Shake, err error) {
	f, err := s.Install.Follow(ctx, id, handshakePurpose)
	if err != nil {
		return sh, err
	}
	if f.ProgramID != program {
		return sh, server.Errorf(server.NotFound, "There is no such connect flow.")
	}
	if err := json.Unmarshal(f.Payload, &sh); err != nil {
		return sh, fmt.Errorf("read the handshake: %w", err)
	}
	sh.Expires = f.ExpiresAt
	over := !f.UsedAt.IsZero() && s.now().After(f.UsedAt.Add(handshakeTimeout+time.Minute))
	unused := f.UsedAt.IsZero() && !s.now().Before(f.ExpiresAt)
	if (over || unused) && sh.Step != StepConnected && sh.Step != StepFailed {
		sh.Step = StepExpired
	}
	return sh, nil
}

// TakeHandshake uses a code up. What is left to do takes a while and is for the caller to run, after Magento was answered.
func (s *Service) TakeHandshake(ctx context.Context, code string, p *Posted, m Magento) (run func(ctx context.Context) error, err error) {
	defer server.Wrap(&err, "take a handshake")
	f, err := s.Install.Take(ctx, code, handshakePurpose)
	if err != nil {
		return nil, err
	}
	h := &handshake{Service: s, magento: m, posted: p, id: install.FlowID(code)}
	if err := json.Unmarshal(f.Payload, &h.Shake); err != nil {
		return nil, fmt.Errorf("read the handshake: %w", err)
	}
	return h.run, nil
}

// handshake is one that was begun in Magento.
type handshake struct {
	*Service
	Shake
	magento Magento
	posted  *Posted
	id      string
}

// stopped is a fault with its word for the merchant.
type stopped struct {
	word string
	err  error
}

func (s *stopped) Error() string { return s.word }
func (s *stopped) Unwrap() error { return s.err }

// run goes on to the end, and notes each step for those who follow.
func (h *handshake) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	err := h.connect(ctx)
	if err == nil {
		return h.note(ctx, StepConnected)
	}
	h.Fault = h.word(err)
	// The end is noted even where the time was up.
	return errors.Join(fmt.Errorf("connect store %s: %w", h.StoreID, err), h.note(context.WithoutCancel(ctx), StepFailed))
}

func (h *handshake) word(err error) string {
	if told, ok := errors.AsType[*stopped](err); ok {
		return told.word
	}
	if e, ok := errors.AsType[*server.Error](err); ok {
		return e.Message
	}
	if errors.Is(err, context.Canceled) {
		return "This server was stopped on the way. Begin again."
	}
	return h.magento.Trouble(err)
}

func (h *handshake) note(ctx context.Context, step string) error {
	h.Step = step
	payload, err := json.Marshal(h.Shake)
	if err != nil {
		return err
	}
	return h.Install.Note(ctx, h.id, payload)
}

func (h *handshake) connect(ctx context.Context) error {
	base, err := h.base()
	if err != nil {
		return err
	}
	if err := h.note(ctx, StepKeys); err != nil {
		return err
	}
	creds, err := h.magento.Shake(ctx, base, h.posted)
	if err != nil {
		return err
	}
	if err := h.note(ctx, StepModule); err != nil {
		return err
	}
	st, err := h.Admin.Books.StoreByID(ctx, h.StoreID)
	if err != nil {
		return err
	}
	if err := h.tell(ctx, &st, &creds); err != nil {
		return err
	}
	if _, err := h.Install.Connect(ctx, st.StoreID, creds, h.Actor); err != nil {
		return err
	}
	if creds.SchemeHidden {
		h.Remark = "The proxy before the shop does not hand on X-Forwarded-Proto, so that Magento believes to be called by http. Calls are signed for that; set the header, as Magento makes http links of it too."
		return h.Install.Remark(ctx, st.StoreID, h.Remark, h.Actor)
	}
	return nil
}

// base is where the shop is called: at the agreed host, by https, wherever the post claims to come from.
func (h *handshake) base() (string, error) {
	told, err := url.Parse(h.posted.Base)
	if err != nil || adapters.Site(h.posted.Base) == "" {
		return "", &stopped{word: "Magento named no address of its own. Set the base URLs in Stores > Configuration > Web, and begin again."}
	}
	at := h.posted.Base
	if h.APIBase != "" {
		at = h.APIBase
		if !strings.Contains(at, "://") {
			at = "https://" + at
		}
	} else if agreed := hostOf(h.Site); hostOf(adapters.Site(h.posted.Base)) != agreed {
		return "", &stopped{word: fmt.Sprintf("The code is for %s, and the Magento that brought it answers at %.100s. Make a code for that address, or name it as the API address of the shop.", agreed, told.Host)}
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", &stopped{word: "The API address cannot be read.", err: err}
	}
	if !h.magento.Loopback() || !closeBy(u.Hostname()) {
		u.Scheme = "https"
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/") + "/", nil
}

// hostOf is the host with its port of a site.
func hostOf(site string) string {
	host, _, _ := strings.Cut(site, "/")
	return strings.ToLower(host)
}

// tell gives the module its secret and holds its answer against what was agreed. Where it did not take it, the secrets are
// those of before: a shop that is connected stays so.
func (h *handshake) tell(ctx context.Context, st *admin.Store, creds *install.Credentials) error {
	key, err := h.identityKey(ctx, st, h.LinkRole)
	if err != nil {
		return err
	}
	service := *h.Admin
	service.Actor = h.Actor
	text, err := service.RotateSecret(ctx, st.StoreID)
	if err != nil {
		return err
	}
	told := Told{Claimed: h.claimedAs(st, text, key), Server: h.Base, Site: siteURL(creds.Base, st.Domain), WebsiteID: h.posted.WebsiteID}
	id, err := h.magento.Tell(ctx, creds, &told)
	if err == nil && (h.posted.InstallID == "" || id != h.posted.InstallID) {
		err = &stopped{word: "Another installation of the module answered than the one that brought the code. See that the address leads to this Magento alone, and begin again."}
	}
	switch {
	case err == nil:
		return service.EndOldSecret(ctx, st.StoreID)
	case errors.Is(err, ErrUnsure): // Whichever secret the module has now, its orders are taken.
		return err
	}
	return errors.Join(err, service.Books.UpdateStore(context.WithoutCancel(ctx), *st))
}

// siteURL is a site with the scheme by which it is called.
func siteURL(base, site string) string {
	scheme, _, _ := strings.Cut(base, "://")
	return scheme + "://" + site
}

// KnownIntegration gives the address to go back to where a program's store is connected by that consumer key and the address is
// of that very store.
func (s *Service) KnownIntegration(ctx context.Context, program string, key secret.Text, back string) (address string, err error) {
	defer server.Wrap(&err, "look for a Magento integration")
	unknown := server.Errorf(server.Forbidden, "This integration is not connected here. Press Connect in Magento under Stores > Configuration > Sales > Upline, and not Activate in the list of integrations.")
	u, err := url.Parse(back)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !closeBy(u.Hostname()) {
		return "", unknown
	}
	list, err := s.Install.Books.Connections(ctx, program)
	if err != nil {
		return "", err
	}
	for i := range list {
		c := &list[i]
		if c.Platform != order.Magento || c.State != install.Connected {
			continue
		}
		creds, err := s.Install.Credentials(ctx, c.StoreID)
		if err != nil {
			return "", err
		}
		fits := subtle.ConstantTimeCompare([]byte(creds.Key.Reveal()), []byte(key.Reveal())) == 1
		if host := strings.ToLower(u.Host); fits && (host == hostOf(adapters.Site(c.Domain)) || host == hostOf(adapters.Site(creds.Base))) {
			return back, nil
		}
	}
	return "", unknown
}
