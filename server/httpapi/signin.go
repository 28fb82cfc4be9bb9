package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
)

// signInRoutes are open to everybody; what they refuse they refuse alike.
func (s *Server) signInRoutes() {
	open := s.engine.Group("/api/auth", s.signInOnly)
	open.GET("/options", s.signInOptions)
	open.POST("/setup", s.postSetup)
	open.POST("/sign-in", s.postSignIn)
	open.POST("/reset", s.postReset)
	open.POST("/passkey/begin", s.beginPasskeySignIn)
	open.POST("/passkey", s.passkeySignIn)
	open.GET("/oidc/start", s.oidcStart)
	open.GET("/oidc/callback", s.oidcCallback)
	open.POST("/invitation", s.lookInvitation)
	open.POST("/invitation/accept", s.acceptInvitation)
}

// signInOnly guards what changes who is signed in: another site's page must not sign a browser in as somebody else.
func (s *Server) signInOnly(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if s.Auth == nil {
		s.fail(c, errRoute)
		return
	}
	if c.Request.Method != http.MethodGet {
		if err := s.sameOrigin(c); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.Next()
}

func (s *Server) accountRoutes(v1 *gin.RouterGroup) {
	v1.GET("/session", s.getSession)
	v1.PATCH("/session", s.patchSession)
	v1.POST("/session/end", s.endSession)
	v1.GET("/sessions", s.listSessions)
	v1.DELETE("/sessions", s.endSessions)
	v1.DELETE("/sessions/:session_id", s.endSessions)
	v1.POST("/account/password", s.postPassword)
}

// optionsView is what the sign-in page shows.
type optionsView struct {
	SetupOpen bool   `json:"setup_open"` // the first owner is still to come, by the link printed at start
	Program   bool   `json:"program"`    // there is a program already
	Provider  string `json:"provider"`   // name of the identity provider; "": none
	// Branding is the company's, where this server has one only: nobody else's page is dressed in it.
	Branding json.RawMessage `json:"branding,omitempty"`
}

func (s *Server) signInOptions(c *gin.Context) {
	open, err := s.Auth.SetupOpen(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	v := optionsView{SetupOpen: open, Provider: s.Auth.ProviderName()}
	programs, err := s.Reader.Programs(c.Request.Context())
	if err == nil && len(programs) == 1 {
		v.Branding, err = s.branding(c.Request.Context(), programs[0].ProgramID)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	v.Program = open && len(programs) > 0
	c.JSON(http.StatusOK, v)
}

// branding is what a program's pages are dressed in; nil where nobody has said.
func (s *Server) branding(ctx context.Context, program string) (json.RawMessage, error) {
	settings, err := s.Screens.Settings(ctx, program)
	for i := range settings {
		if settings[i].Name == "branding" {
			return settings[i].Value, err
		}
	}
	return nil, err
}

// setupRequest makes the first owner, and the company where there is none.
type setupRequest struct {
	Code     string          `json:"code"`
	Email    string          `json:"email"`
	Name     string          `json:"name"`
	Password string          `json:"password"`
	Program  *programRequest `json:"program"`
}

type programRequest struct {
	Name     string `json:"name"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"`
}

func (s *Server) postSetup(c *gin.Context) {
	var body setupRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	n := auth.Newcomer{Email: body.Email, Name: body.Name, Password: body.Password}
	person, err := s.Auth.Setup(c.Request.Context(), body.Code, n, func(ctx context.Context) ([]string, error) {
		return s.companies(ctx, body.Program)
	})
	s.enter(c, &person, "setup", err)
}

// companies are the programs that the first owner gets: those which are there, or the one that is named.
func (s *Server) companies(ctx context.Context, named *programRequest) ([]string, error) {
	programs, err := s.Reader.Programs(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(programs))
	for i := range programs {
		ids[i] = programs[i].ProgramID
	}
	if len(ids) > 0 {
		return ids, nil
	}
	if named == nil {
		return nil, &server.Error{Code: server.Invalid, Field: "program", Message: "name the company: there is no program yet"}
	}
	service := *s.Admin
	service.Actor = "setup"
	p, err := service.CreateProgram(ctx, admin.Program{Name: named.Name, Currency: money.Currency(named.Currency), TimeZone: named.TimeZone})
	return []string{p.ProgramID}, err
}

type signInRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Code     string `json:"code"` // of the second factor
}

func (s *Server) postSignIn(c *gin.Context) {
	var body signInRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	person, err := s.Auth.SignIn(c.Request.Context(), body.Email, body.Password, body.Code, client(c))
	s.enter(c, &person, "password", err)
}

func (s *Server) postReset(c *gin.Context) {
	var body struct {
		Code     string `json:"code"`
		Password string `json:"password"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	person, err := s.Auth.Reset(c.Request.Context(), body.Code, body.Password)
	s.enter(c, &person, "reset", err)
}

// enter opens a session for who has proved who they are, always a new one, and answers with it.
func (s *Server) enter(c *gin.Context, person *auth.Person, how string, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	_, token, err := s.Auth.Open(c.Request.Context(), person, how, client(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	p, err := s.Auth.Resume(c.Request.Context(), token)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.setCookie(c, token)
	s.answerSession(c, &p)
}

func client(c *gin.Context) auth.Client {
	return auth.Client{Agent: c.GetHeader("User-Agent"), Address: c.ClientIP()}
}

// sessionView is who is signed in, where, and what they may do.
type sessionView struct {
	Kind      auth.Kind     `json:"kind"`
	ProgramID string        `json:"program_id"`
	Role      auth.Role     `json:"role"`
	Actions   []auth.Action `json:"actions"`
	Person    *personView   `json:"person,omitempty"`
	Name      string        `json:"name"`
	StoreID   string        `json:"store_id,omitempty"`
	Programs  []programView `json:"programs"` // all programs of the person
	CSRF      string        `json:"csrf_token,omitempty"`
}

type personView struct {
	PersonID    string `json:"person_id"`
	Email       string `json:"email"`
	Name        string `json:"name"`
	HasPassword bool   `json:"has_password"`
	HasTOTP     bool   `json:"has_totp"`
}

type programView struct {
	ProgramID string    `json:"program_id"`
	Name      string    `json:"name"`
	Role      auth.Role `json:"role"`
}

func (s *Server) getSession(c *gin.Context) { s.answerSession(c, principalOf(c)) }

func (s *Server) answerSession(c *gin.Context, p *auth.Principal) {
	v := sessionView{
		Kind: p.Kind, ProgramID: p.Program, Role: p.Role, Actions: p.Actions(), Name: p.Name, StoreID: p.StoreID,
		Programs: []programView{}, CSRF: p.CSRF,
	}
	if p.Kind == auth.ByPerson {
		person, err := s.Auth.Books.PersonByID(c.Request.Context(), p.PersonID)
		if err != nil {
			s.fail(c, err)
			return
		}
		v.Person = &personView{person.PersonID, person.Email, person.Name, person.PasswordHash != "", len(person.SealedTOTP) > 0}
		programs, err := s.Auth.Books.ProgramsOf(c.Request.Context(), p.PersonID)
		if err != nil {
			s.fail(c, err)
			return
		}
		for _, m := range programs {
			v.Programs = append(v.Programs, programView{m.ProgramID, m.Program, m.Role})
		}
	}
	c.JSON(http.StatusOK, v)
}

// patchSession goes to another program of the person.
func (s *Server) patchSession(c *gin.Context) {
	var body struct {
		ProgramID string `json:"program_id"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.Auth.Switch(c.Request.Context(), principalOf(c), body.ProgramID); err != nil {
		s.fail(c, err)
		return
	}
	token, _ := c.Cookie(s.cookieName(c))
	p, err := s.Auth.Resume(c.Request.Context(), token)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerSession(c, &p)
}

func (s *Server) endSession(c *gin.Context) {
	p := principalOf(c)
	if p.SessionID == "" {
		s.fail(c, server.Errorf(server.Conflict, "there is no session to end here"))
		return
	}
	if err := s.Auth.SignOut(c.Request.Context(), p); err != nil {
		s.fail(c, err)
		return
	}
	s.setCookie(c, "")
	c.Status(http.StatusNoContent)
}

// sessionRow is one of a person's sessions.
type sessionRow struct {
	SessionID string    `json:"session_id"`
	Current   bool      `json:"current"`
	Client    string    `json:"client"`
	Address   string    `json:"address"`
	ProgramID string    `json:"program_id"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Server) listSessions(c *gin.Context) {
	p := principalOf(c)
	sessions, err := s.Auth.Books.SessionsOf(c.Request.Context(), p.PersonID, s.Clock())
	if err != nil {
		s.fail(c, err)
		return
	}
	rows := make([]sessionRow, len(sessions))
	for i, x := range sessions {
		rows[i] = sessionRow{x.SessionID, x.SessionID == p.SessionID, x.Client, x.Address, x.ProgramID, x.CreatedAt, x.SeenAt, x.ExpiresAt}
	}
	c.JSON(http.StatusOK, page[sessionRow]{Data: rows})
}

// endSessions ends the session that the path names, or without one all but this.
func (s *Server) endSessions(c *gin.Context) {
	n, err := s.Auth.EndSessions(c.Request.Context(), principalOf(c), param(c, "session_id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"ended": n})
}

func (s *Server) postPassword(c *gin.Context) {
	var body struct {
		Current  string `json:"current_password"`
		Password string `json:"password"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.Auth.ChangePassword(c.Request.Context(), principalOf(c), body.Current, body.Password); err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}
