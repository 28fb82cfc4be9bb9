package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/imports"
	"upline.dev/upline/server/query"
)

// importFor is how long an upload, a dry run or an undo of a large file may take.
const importFor = 5 * time.Minute

func (s *Server) importRoutes(v1 *gin.RouterGroup) {
	v1.GET("/imports", s.listImports)
	v1.POST("/imports", s.postImport)
	v1.GET("/imports/:import_id", s.getImport)
	v1.PUT("/imports/:import_id/columns", s.putColumns)
	v1.PATCH("/imports/:import_id/rows", s.patchRow)
	v1.POST("/imports/:import_id/check", s.checkImport)
	v1.POST("/imports/:import_id/commit", s.commitImport)
	v1.POST("/imports/:import_id/undo", s.undoImport)
	v1.GET("/imports/:import_id/faults.csv", s.importFaults)
}

// allowTime gives a request longer than the server's usual time, where the connection can be given it.
func (s *Server) allowTime(c *gin.Context, d time.Duration) {
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(s.Clock().Add(d))
	_ = control.SetWriteDeadline(s.Clock().Add(d))
}

func (s *Server) listImports(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]imports.View, error) { return s.Imports.List(ctx, program) }))
}

// answerImport answers with an import, as it is after what was asked for.
func (s *Server) answerImport(c *gin.Context, status int, v *imports.View, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("ETag", etag(v.Version))
	c.JSON(status, v)
}

func (s *Server) postImport(c *gin.Context) {
	s.allowTime(c, importFor)
	if c.Request.ContentLength > imports.MaxBytes {
		s.fail(c, errLargeFile)
		return
	}
	raw, err := readUpTo(make([]byte, 0, firstRead), c.Request.Body, imports.MaxBytes)
	if err != nil {
		if server.CodeOf(err) == server.TooLarge {
			err = errLargeFile
		}
		s.fail(c, err)
		return
	}
	v, err := s.Imports.Create(c.Request.Context(), programOf(c), actor(c), c.Query("file_name"), raw, c.Query("encoding"))
	s.answerImport(c, http.StatusCreated, v, err)
}

var errLargeFile = server.Errorf(server.TooLarge, "the file is larger than %d MB: split it", imports.MaxBytes>>20)

func (s *Server) getImport(c *gin.Context) {
	v, err := s.Imports.Get(c.Request.Context(), programOf(c), param(c, "import_id"))
	s.answerImport(c, http.StatusOK, v, err)
}

func (s *Server) putColumns(c *gin.Context) {
	var body struct {
		Columns map[string]string `json:"columns"` // column of the file -> field; "" leaves it out
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	v, err := s.Imports.SetColumns(c.Request.Context(), programOf(c), param(c, "import_id"), body.Columns)
	s.answerImport(c, http.StatusOK, v, err)
}

func (s *Server) patchRow(c *gin.Context) {
	var body struct {
		Row   int               `json:"row"`
		Cells map[string]string `json:"cells"` // column of the file -> what is to stand there
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	v, err := s.Imports.MendRow(c.Request.Context(), programOf(c), param(c, "import_id"), body.Row, body.Cells)
	s.answerImport(c, http.StatusOK, v, err)
}

func (s *Server) checkImport(c *gin.Context) {
	s.allowTime(c, importFor)
	v, err := s.Imports.Check(c.Request.Context(), programOf(c), param(c, "import_id"))
	status := http.StatusOK
	if err == nil && v.State == imports.Checking {
		status = http.StatusAccepted
	}
	s.answerImport(c, status, v, err)
}

func (s *Server) commitImport(c *gin.Context) {
	v, err := s.Imports.Commit(c.Request.Context(), programOf(c), param(c, "import_id"), actor(c))
	s.answerImport(c, http.StatusAccepted, v, err)
}

func (s *Server) undoImport(c *gin.Context) {
	s.allowTime(c, importFor)
	v, err := s.Imports.Undo(c.Request.Context(), programOf(c), param(c, "import_id"), actor(c))
	s.answerImport(c, http.StatusOK, v, err)
}

func (s *Server) importFaults(c *gin.Context) {
	if _, err := s.Imports.Get(c.Request.Context(), programOf(c), param(c, "import_id")); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", `attachment; filename="faults.csv"`)
	if err := s.Imports.WriteFaults(c.Request.Context(), programOf(c), param(c, "import_id"), c.Writer); err != nil {
		s.breakOff(c, err)
	}
}

var _ imports.People = query.Screens(nil)
