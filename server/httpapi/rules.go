package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// ruleRequest maps all SKUs that wait and look alike. Case does not count.
type ruleRequest struct {
	Platform        string `json:"platform"`
	Prefix          string `json:"prefix"`
	Suffix          string `json:"suffix"`
	Contains        string `json:"contains"`
	CommissionClass string `json:"commission_class"`
	Category        string `json:"category"`
	CVPerUnit       string `json:"cv_per_unit"`
	CVOfNet         string `json:"cv_of_net"`
	QVPerUnit       string `json:"qv_per_unit"`
	QVOfNet         string `json:"qv_of_net"`
}

func (r *ruleRequest) fits(platform, sku string) bool {
	sku = strings.ToLower(sku)
	return (r.Platform == "" || r.Platform == platform) && strings.HasPrefix(sku, strings.ToLower(r.Prefix)) &&
		strings.HasSuffix(sku, strings.ToLower(r.Suffix)) && strings.Contains(sku, strings.ToLower(r.Contains))
}

// specs are the mappings the rule makes of what it fits: one per SKU, though money of several currencies may wait for it.
func (r *ruleRequest) specs(waiting []query.UnmappedSKU) (matches []query.UnmappedSKU, specs []admin.MappingSpec) {
	seen := map[[2]string]bool{}
	matches, specs = []query.UnmappedSKU{}, []admin.MappingSpec{}
	for _, w := range waiting {
		if !r.fits(w.Platform, w.PlatformSKU) {
			continue
		}
		matches = append(matches, w)
		if key := [2]string{w.Platform, w.PlatformSKU}; !seen[key] {
			seen[key] = true
			specs = append(specs, admin.MappingSpec{
				Platform: w.Platform, PlatformSKU: w.PlatformSKU, CommissionClass: r.CommissionClass, Category: r.Category,
				CVPerUnit: r.CVPerUnit, CVOfNet: r.CVOfNet, QVPerUnit: r.QVPerUnit, QVOfNet: r.QVOfNet,
			})
		}
	}
	return matches, specs
}

// ruleOutcome is which SKUs a rule fits, and what it did, or would.
type ruleOutcome struct {
	Matches []query.UnmappedSKU `json:"matches"`
	Changed changed             `json:"changed"`
}

func (s *Server) postRule(c *gin.Context) {
	var r ruleRequest
	commit, err := commitOf(c)
	if err == nil {
		err = decode(c.Request, &r)
	}
	switch {
	case err != nil:
	case r.Prefix == "" && r.Suffix == "" && r.Contains == "":
		err = &server.Error{Code: server.Invalid, Field: "prefix", Message: "say how the SKUs look: name a prefix, a suffix or a part"}
	case r.CommissionClass == "":
		err = &server.Error{Code: server.Invalid, Field: "commission_class", Message: "name the commission class"}
	}
	var out ruleOutcome
	if err == nil {
		out, err = s.applyRule(c, &r, commit)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, out)
}

func (s *Server) applyRule(c *gin.Context, r *ruleRequest, commit bool) (ruleOutcome, error) {
	waiting, err := s.Reader.UnmappedSKUs(c.Request.Context(), programOf(c))
	if err != nil {
		return ruleOutcome{}, err
	}
	rankUnmapped(waiting)
	matches, specs := r.specs(waiting)
	out := ruleOutcome{Matches: matches, Changed: changed{DryRun: !commit}}
	if len(specs) == 0 {
		return out, nil
	}
	specs = specs[:min(len(specs), maxRows)]
	summary, err := s.adminOf(c).PutMappings(c.Request.Context(), programOf(c), specs, s.Clock(), commit)
	if err != nil {
		return out, err
	}
	if commit {
		s.Kick()
	}
	out.Changed.Added, out.Changed.Changed, out.Changed.Unchanged, out.Changed.Released = summary.Added, summary.Changed, summary.Unchanged, summary.Released
	return out, nil
}
