package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// maxRows bounds one API write; larger sets go through `upline import`.
const maxRows = 1000

// changed is the answer to a write: what it did, or with ?dry_run=true what it would do.
type changed struct {
	DryRun    bool `json:"dry_run"`
	Added     int  `json:"added"`
	Changed   int  `json:"changed"`
	Unchanged int  `json:"unchanged"`
	Released  int  `json:"released"` // parked orders that are settled now
}

// rows is the body of a write.
type rows[T any] struct {
	Data []T `json:"data"`
}

func (s *Server) putDistributors(c *gin.Context) {
	put(s, c, func(program string, specs []admin.DistributorSpec, commit bool) (admin.ImportSummary, error) {
		return s.Admin.PutDistributors(c.Request.Context(), program, specs, s.Clock(), commit)
	})
}

func (s *Server) putMappings(c *gin.Context) {
	put(s, c, func(program string, specs []admin.MappingSpec, commit bool) (admin.ImportSummary, error) {
		return s.Admin.PutMappings(c.Request.Context(), program, specs, s.Clock(), commit)
	})
}

func put[T any](s *Server, c *gin.Context, write func(program string, specs []T, commit bool) (admin.ImportSummary, error)) {
	var body rows[T]
	if err := decode(c, &body); err != nil {
		s.fail(c, err)
		return
	}
	if len(body.Data) == 0 || len(body.Data) > maxRows {
		s.fail(c, &server.Error{Code: server.Invalid, Field: "data", Message: "data holds 1 to 1000 rows"})
		return
	}
	commit := c.Query("dry_run") != "true"
	summary, err := write(apiKey(c).ProgramID, body.Data, commit)
	if err != nil {
		s.fail(c, rowProblem(err))
		return
	}
	if commit {
		s.Kick()
	}
	c.JSON(http.StatusOK, changed{
		DryRun: !commit, Added: summary.Added, Changed: summary.Changed,
		Unchanged: summary.Unchanged, Released: summary.Released,
	})
}

// decode reads a small JSON body strictly: an unknown field is a client's mistake and said so.
func decode(c *gin.Context, into any) error {
	body, err := readBody(c.Request)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &server.Error{Code: server.Invalid, Message: "the body is not the JSON this path takes: " + err.Error()}
	}
	return nil
}

func rowProblem(err error) error {
	var faults admin.RowErrors
	if errors.As(err, &faults) {
		return &server.Error{Code: server.Invalid, Field: faults[0].Field, Message: faults.Error()}
	}
	return err
}
