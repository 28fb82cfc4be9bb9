package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/privacy"
)

// closingView is what closing the company does, or would do.
type closingView struct {
	DryRun   bool               `json:"dry_run"`
	ClosedAt *time.Time         `json:"closed_at,omitempty"`
	Goes     admin.ClosingGoes  `json:"goes"`
	Stays    admin.ClosingStays `json:"stays"`
	Owed     map[string]string  `json:"owed"` // decimal text by currency
}

func viewClosing(c *admin.Closing, commit bool) closingView {
	v := closingView{DryRun: !commit, Goes: c.Goes, Stays: c.Stays, Owed: map[string]string{}}
	if c.ClosedAt != 0 {
		at := time.UnixMicro(c.ClosedAt).UTC()
		v.ClosedAt = &at
	}
	for currency, minor := range c.Owed {
		v.Owed[currency] = money.FormatMinor(minor, money.Currency(currency))
	}
	return v
}

// postClose closes the company. Each step is as good twice as once: where one fails, the owner asks again.
func (s *Server) postClose(c *gin.Context) {
	var body struct {
		Confirm     string `json:"confirm"`
		DespiteOwed bool   `json:"despite_owed"`
	}
	commit, err := commitOf(c)
	if err == nil {
		err = decode(c.Request, &body)
	}
	var closing admin.Closing
	if err == nil {
		closing, err = s.closeProgram(c, admin.CloseRequest{Confirm: body.Confirm, DespiteOwed: body.DespiteOwed}, commit)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, viewClosing(&closing, commit))
}

// closeProgram closes the books first, so that nothing comes in while the stores are let go one by one. What is raw or
// personal of a store goes as when its shop takes the app away: once all that waits is in the books.
func (s *Server) closeProgram(c *gin.Context, r admin.CloseRequest, commit bool) (admin.Closing, error) {
	ctx, program := c.Request.Context(), programOf(c)
	if commit && principalOf(c).Kind != auth.ByPerson {
		return admin.Closing{}, server.Errorf(server.Forbidden, "the store's admin ends with the store: sign in here as an owner to close the company")
	}
	overview, err := s.Reader.Overview(ctx, program)
	if err != nil {
		return admin.Closing{}, err
	}
	closing, err := s.adminOf(c).CloseProgram(ctx, program, overview.Program.Name, r, s.Clock(), commit)
	if err != nil || !commit {
		return closing, err
	}
	for i := range overview.Stores {
		st := &overview.Stores[i]
		if err := s.disconnect(c, st); err != nil {
			return closing, err
		}
		_, err := s.Privacy.Take(ctx, privacy.Ask{
			ProgramID: program, StoreID: st.StoreID, Kind: privacy.StoreErase, Key: "program.close", Actor: actor(c), ReceivedAt: s.Clock().UTC(),
		})
		if err != nil {
			return closing, err
		}
	}
	return closing, nil
}

// refuseWhenClosed keeps everybody but owners out of a closed company, and owners from changing it. Keys and stores of a
// closed company prove nothing any more, so that nobody who sends orders waits for this look.
func (s *Server) refuseWhenClosed(c *gin.Context, p *auth.Principal) error {
	action := permissions[c.Request.Method+" "+c.FullPath()]
	byPlatform := p.Kind != auth.ByPerson
	switch {
	case p.Kind == auth.ByAPIKey, p.Kind == auth.ByStore:
		return nil
	case !byPlatform && c.Request.Method == http.MethodGet:
		return nil
	case action == auth.OwnSession, action == auth.OwnAccount, action == auth.ManagePrivacy, action == auth.Danger:
		return nil
	}
	at, err := s.Admin.Books.ClosedAt(c.Request.Context(), p.Program)
	if err != nil || at == 0 {
		return err
	}
	day := time.UnixMicro(at).UTC().Format(time.DateOnly)
	if byPlatform {
		return server.Errorf(server.Forbidden, "the company was closed on %s; its owners can sign in and read its books", day)
	}
	return server.Errorf(server.Conflict, "the company was closed on %s: its books can be read and taken away, and nothing of it changes any more", day)
}
