package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server/auth"
)

func (s *Server) memberRoutes(v1 *gin.RouterGroup) {
	v1.GET("/members", s.listMembers)
	v1.PATCH("/members/:person_id", s.patchMember)
	v1.DELETE("/members/:person_id", s.removeMember)
	v1.GET("/invitations", s.listInvitations)
	v1.POST("/invitations", s.postInvitation)
	v1.DELETE("/invitations/:invitation_id", s.revokeInvitation)
	s.passkeyRoutes(v1)
	v1.POST("/account/totp", s.postTOTP)
	v1.POST("/account/totp/confirm", s.confirmTOTP)
	v1.POST("/account/totp/remove", s.removeTOTP)
}

// memberView is somebody who may sign in.
type memberView struct {
	PersonID   string     `json:"person_id"`
	Email      string     `json:"email"`
	Name       string     `json:"name"`
	Role       auth.Role  `json:"role"`
	HasTOTP    bool       `json:"has_totp"`
	AddedAt    time.Time  `json:"added_at"`
	LastSeenAt *time.Time `json:"last_seen_at,omitempty"`
}

func (s *Server) listMembers(c *gin.Context) {
	members, err := s.Auth.Books.Members(c.Request.Context(), programOf(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	rows := make([]memberView, len(members))
	for i := range members {
		m := &members[i]
		rows[i] = memberView{m.PersonID, m.Email, m.Name, m.Role, len(m.SealedTOTP) > 0, m.AddedAt, nil}
		if !m.LastSeenAt.IsZero() {
			rows[i].LastSeenAt = &m.LastSeenAt
		}
	}
	c.JSON(http.StatusOK, page[memberView]{Data: rows})
}

func (s *Server) patchMember(c *gin.Context) {
	var body struct {
		Role auth.Role `json:"role"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	s.done(c, s.Auth.SetRole(c.Request.Context(), principalOf(c), param(c, "person_id"), body.Role))
}

func (s *Server) removeMember(c *gin.Context) {
	s.done(c, s.Auth.Remove(c.Request.Context(), principalOf(c), param(c, "person_id")))
}

// done answers a write that has nothing to say.
func (s *Server) done(c *gin.Context, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// invitationView is an invitation. Link is there once, when it is made: whoever has it can join.
type invitationView struct {
	InvitationID string    `json:"invitation_id"`
	Email        string    `json:"email"`
	Role         auth.Role `json:"role"`
	InvitedBy    string    `json:"invited_by"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`
	Link         string    `json:"link,omitempty"`
}

func invitationOf(i *auth.Invitation) invitationView {
	return invitationView{i.InvitationID, i.Email, i.Role, i.InvitedBy, i.CreatedAt, i.ExpiresAt, ""}
}

func (s *Server) listInvitations(c *gin.Context) {
	list, err := s.Auth.Books.Invitations(c.Request.Context(), programOf(c), s.Clock())
	if err != nil {
		s.fail(c, err)
		return
	}
	rows := make([]invitationView, len(list))
	for i := range list {
		rows[i] = invitationOf(&list[i])
	}
	c.JSON(http.StatusOK, page[invitationView]{Data: rows})
}

func (s *Server) postInvitation(c *gin.Context) {
	var body struct {
		Email string    `json:"email"`
		Role  auth.Role `json:"role"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	i, code, err := s.Auth.Invite(c.Request.Context(), principalOf(c), body.Email, body.Role)
	if err != nil {
		s.fail(c, err)
		return
	}
	v := invitationOf(&i)
	v.Link = s.baseURL(c) + "/join#" + code
	c.JSON(http.StatusCreated, v)
}

// baseURL is how the world sees us: as set, or as the request asked for us.
func (s *Server) baseURL(c *gin.Context) string {
	switch {
	case s.PublicURL != "":
		return s.PublicURL
	case s.secure(c):
		return "https://" + c.Request.Host
	}
	return "http://" + c.Request.Host
}

func (s *Server) revokeInvitation(c *gin.Context) {
	s.done(c, s.Auth.Revoke(c.Request.Context(), principalOf(c), param(c, "invitation_id")))
}

// joinView is what an invitation's link shows before anybody signs in.
type joinView struct {
	Program    string    `json:"program"`
	Email      string    `json:"email"`
	Role       auth.Role `json:"role"`
	HasAccount bool      `json:"has_account"` // the address has an account: its password is asked for
}

func (s *Server) lookInvitation(c *gin.Context) {
	var body struct {
		Code string `json:"code"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	i, known, err := s.Auth.Invitation(c.Request.Context(), body.Code)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, joinView{i.Program, i.Email, i.Role, known})
}

func (s *Server) acceptInvitation(c *gin.Context) {
	var body struct {
		Code       string `json:"code"`
		Name       string `json:"name"`
		Password   string `json:"password"`
		SecondCode string `json:"second_code"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	person, err := s.Auth.Accept(c.Request.Context(), body.Code, auth.Newcomer{Name: body.Name, Password: body.Password}, body.SecondCode, client(c))
	s.enter(c, &person, "invitation", err)
}

func (s *Server) postTOTP(c *gin.Context) {
	e, err := s.Auth.NewTOTP(c.Request.Context(), principalOf(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, e)
}

func (s *Server) confirmTOTP(c *gin.Context) {
	var body struct {
		Secret   string `json:"secret"`
		Code     string `json:"code"`
		Password string `json:"current_password"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	codes, err := s.Auth.ConfirmTOTP(c.Request.Context(), principalOf(c), body.Secret, body.Code, body.Password)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"recovery_codes": codes})
}

func (s *Server) removeTOTP(c *gin.Context) {
	var body struct {
		Password string `json:"current_password"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	s.done(c, s.Auth.RemoveTOTP(c.Request.Context(), principalOf(c), body.Password))
}
