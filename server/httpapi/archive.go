package httpapi

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server/query"
)

// archiveName is all lists in one file, as who closes a company takes them along.
const archiveName = "all.zip"

// manifest says what is in an archive, so that whoever opens it years later can tell whether it is whole.
type manifest struct {
	ProgramID string         `json:"program_id"`
	Company   string         `json:"company"`
	MadeAt    time.Time      `json:"made_at"`
	Version   string         `json:"upline_version"`
	Files     []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`   // without the line of the columns' names
	Bytes  int64  `json:"bytes"`  // as it is when it is unpacked
	SHA256 string `json:"sha256"` // of those bytes
}

// exportAll streams every list as one ZIP, a page of rows at a time, and ends it with the manifest. One that is broken off has
// no directory, which every program that opens it says.
func (s *Server) exportAll(c *gin.Context) {
	overview, err := s.Reader.Overview(c.Request.Context(), programOf(c))
	if err == nil {
		err = s.Admin.Books.Audit(c.Request.Context(), programOf(c), actor(c), "export", archiveName, "")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Request.URL.RawQuery = "" // the whole of each list: no filter of theirs counts here
	m := manifest{ProgramID: programOf(c), Company: overview.Program.Name, MadeAt: s.Clock().UTC(), Version: s.Version}
	s.attach(c, "application/zip", "upline", ".zip")
	archive := zip.NewWriter(c.Writer)
	for _, name := range exports {
		var f manifestFile
		if f, err = s.pack(c, archive, name); err != nil {
			s.breakOff(c, err)
			return
		}
		m.Files = append(m.Files, f)
	}
	if err := closeArchive(archive, &m); err != nil {
		s.breakOff(c, err)
	}
}

// pack writes one list into the archive.
func (s *Server) pack(c *gin.Context, archive *zip.Writer, name string) (f manifestFile, err error) {
	f.Name = name + ".csv"
	t, _ := s.tableOf(c, name) // without a filter nothing is refused
	rows, next, err := t.page(c.Request.Context(), programOf(c), query.Page{Limit: exportPage})
	if err != nil {
		return f, err
	}
	w, err := archive.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: s.Clock().UTC()})
	if err != nil {
		return f, err
	}
	sum, size := sha256.New(), new(counter)
	f.Rows, err = s.writeTable(c, t, rows, next, io.MultiWriter(w, sum, size))
	f.Bytes, f.SHA256 = int64(*size), hex.EncodeToString(sum.Sum(nil))
	return f, err
}

// counter counts the bytes that are written to it.
type counter int64

func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

func closeArchive(archive *zip.Writer, m *manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	w, err := archive.CreateHeader(&zip.FileHeader{Name: "manifest.json", Method: zip.Deflate, Modified: m.MadeAt})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return err
	}
	return archive.Close()
}
