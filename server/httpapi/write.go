package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	Released  int  `json:"released"` // parked orders whose cause is mended
}

// rows is the body of a write.
type rows[T any] struct {
	Data []T `json:"data"`
}

func (s *Server) putDistributors(c *gin.Context) {
	service := s.adminOf(c)
	put(s, c, func(program string, specs []admin.DistributorSpec, commit bool) (admin.ImportSummary, error) {
		return service.PutDistributors(c.Request.Context(), program, specs, s.Clock(), commit)
	})
}

func (s *Server) putMappings(c *gin.Context) {
	service := s.adminOf(c)
	put(s, c, func(program string, specs []admin.MappingSpec, commit bool) (admin.ImportSummary, error) {
		return service.PutMappings(c.Request.Context(), program, specs, s.Clock(), commit)
	})
}

func (s *Server) putBindings(c *gin.Context) {
	service := s.adminOf(c)
	put(s, c, func(program string, specs []admin.BindingSpec, commit bool) (admin.ImportSummary, error) {
		return service.PutBindings(c.Request.Context(), program, specs, s.Clock(), commit)
	})
}

func put[T any](s *Server, c *gin.Context, write func(program string, specs []T, commit bool) (admin.ImportSummary, error)) {
	commit, err := commitOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	var body rows[T]
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if len(body.Data) == 0 || len(body.Data) > maxRows {
		s.fail(c, &server.Error{Code: server.Invalid, Field: "data", Message: "data holds 1 to 1000 rows; send more in several requests"})
		return
	}
	summary, err := write(programOf(c), body.Data, commit)
	if err != nil {
		s.fail(c, err)
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

// commitOf reads ?dry_run strictly: who misspells it wanted no change.
func commitOf(c *gin.Context) (bool, error) {
	switch c.Query("dry_run") {
	case "", "false":
		return true, nil
	case "true":
		return false, nil
	}
	return false, &server.Error{Code: server.Invalid, Field: "dry_run", Message: "dry_run is true or false"}
}

// decode reads a JSON body strictly: an unknown member is a client's mistake and said so. No figure of money is ever
// decoded here; the rows are text.
func decode(r *http.Request, into any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if bytes.Contains(body, []byte(`\u0000`)) {
		return server.Errorf(server.Invalid, "the body holds the character U+0000, which cannot be stored; remove it")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err = dec.Decode(into)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is text after the value")
		}
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return &server.Error{Code: server.Invalid, Field: wrongType.Field, Message: "want another kind of value here, not " + wrongType.Value}
	}
	return &server.Error{Code: server.Invalid, Message: "the body is not the JSON this path takes: " + err.Error()}
}
