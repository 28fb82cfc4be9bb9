package httpapi

import (
	"context"
	"net/http"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// ruleOutcome is which SKUs a rule fits, and what it did, or would.
type ruleOutcome struct {
	Matches []query.UnmappedSKU `json:"matches"`
	Changed changed             `json:"changed"`
	// Mapped are SKUs that look alike and mean something already. A dry run alone tells them: a rule leaves them alone.
	Mapped *mappedAlike `json:"mapped,omitempty"`
}

// mappedAlike are mapped SKUs that a rule fits.
type mappedAlike struct {
	Count  int          `json:"count"`
	Differ int          `json:"differ"` // those of another commission class than the rule gives
	SKUs   []mappedView `json:"skus"`   // the first of them, those that differ before the others
}

type mappedView struct {
	skuView
	CommissionClass string `json:"commission_class"`
}

func (s *Server) ruleRoutes(v1 *gin.RouterGroup) {
	v1.GET("/mappings/rules", s.getRules)
	v1.PUT("/mappings/rules", s.putRules)
	v1.POST("/mappings/rules", s.postRule)
}

// postRule maps what waits now by a rule that is not kept.
func (s *Server) postRule(c *gin.Context) {
	var r admin.MappingRule
	commit, err := commitOf(c)
	if err == nil {
		err = decode(c.Request, &r)
	}
	if err == nil {
		err = r.Check()
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

func (s *Server) applyRule(c *gin.Context, r *admin.MappingRule, commit bool) (ruleOutcome, error) {
	waiting, err := s.Reader.UnmappedSKUs(c.Request.Context(), programOf(c))
	if err != nil {
		return ruleOutcome{}, err
	}
	rankUnmapped(waiting)
	out := ruleOutcome{Matches: []query.UnmappedSKU{}, Changed: changed{DryRun: !commit}}
	if !commit {
		if out.Mapped, err = s.mappedAlike(c.Request.Context(), programOf(c), r); err != nil {
			return out, err
		}
	}
	var specs []admin.MappingSpec
	seen := map[[2]string]bool{} // one mapping per SKU, though money of several currencies may wait for it
	for _, w := range waiting {
		if !r.Fits(w.Platform, w.PlatformSKU) {
			continue
		}
		out.Matches = append(out.Matches, w)
		if key := [2]string{w.Platform, w.PlatformSKU}; !seen[key] && len(specs) < maxRows {
			seen[key] = true
			specs = append(specs, r.Spec(w.Platform, w.PlatformSKU))
		}
	}
	if len(specs) == 0 {
		return out, nil
	}
	summary, err := s.adminOf(c).PutMappings(c.Request.Context(), programOf(c), specs, s.Clock(), commit)
	if err != nil {
		return out, err
	}
	if commit {
		s.Kick()
	}
	out.Changed = changedBy(summary, commit)
	return out, nil
}

// maxAlike bounds how many mapped SKUs are looked through while somebody writes a rule.
const maxAlike = 20_000

// mappedAlike tells which mapped SKUs look as the rule says, so that whoever writes it sees whether it is what they mean.
func (s *Server) mappedAlike(ctx context.Context, program string, r *admin.MappingRule) (*mappedAlike, error) {
	out := &mappedAlike{SKUs: []mappedView{}}
	var same []mappedView
	var last skuView // the countries of a SKU come one after the other
	for looked, p := 0, (query.Page{Limit: exportPage}); looked < maxAlike; looked += exportPage {
		rows, next, err := s.Screens.CurrentMappings(ctx, program, longestPart(r), p)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			m := mappedView{skuView{rows[i].Platform, rows[i].PlatformSKU}, rows[i].CommissionClass}
			if m.skuView == last || !r.Fits(m.Platform, m.PlatformSKU) {
				continue
			}
			last = m.skuView
			out.Count++
			if m.CommissionClass == r.CommissionClass {
				same = append(same, m)
			} else {
				out.Differ++
				out.SKUs = append(out.SKUs, m)
			}
		}
		if p.After = next; next == "" {
			break
		}
	}
	out.SKUs = append(out.SKUs, same...)
	out.SKUs = out.SKUs[:min(len(out.SKUs), maxEffectSKUs)]
	return out, nil
}

// longestPart is what the database looks for first: the longest text of a rule. The database folds the case of ASCII alone.
func longestPart(r *admin.MappingRule) (longest string) {
	for _, part := range []string{r.Prefix, r.Suffix, r.Contains} {
		if len(part) > len(longest) && !strings.ContainsFunc(part, func(c rune) bool { return c > unicode.MaxASCII }) {
			longest = part
		}
	}
	return longest
}

func changedBy(summary admin.ImportSummary, commit bool) changed {
	return changed{
		DryRun: !commit, Added: summary.Added, Changed: summary.Changed, Unchanged: summary.Unchanged, Released: summary.Released,
	}
}

// maxEffectSKUs is how many SKUs the answer names per rule; it counts them all.
const maxEffectSKUs = 50

// rulesView is a program's rules with what each does now, or would do.
type rulesView struct {
	Version   int64          `json:"version"`
	Rules     []ruleView     `json:"rules"`
	Conflicts []conflictView `json:"conflicts"`
	Changed   changed        `json:"changed"`
}

type ruleView struct {
	admin.MappingRule
	Fits      int       `json:"fits"` // SKUs that wait and that it maps
	SKUs      []skuView `json:"skus"` // the first of them
	CoveredBy string    `json:"covered_by,omitempty"`
}

type skuView struct {
	Platform    string `json:"platform"`
	PlatformSKU string `json:"platform_sku"`
}

type conflictView struct {
	skuView
	RuleIDs []string `json:"rule_ids"`
}

func viewRules(out *admin.RulesOutcome, commit bool) rulesView {
	v := rulesView{Version: out.Version, Rules: []ruleView{}, Conflicts: []conflictView{}, Changed: changedBy(out.Summary, commit)}
	for i := range out.Effects {
		e := &out.Effects[i]
		r := ruleView{MappingRule: out.Rules[i], Fits: len(e.SKUs), SKUs: []skuView{}, CoveredBy: e.CoveredBy}
		for _, w := range e.SKUs[:min(len(e.SKUs), maxEffectSKUs)] {
			r.SKUs = append(r.SKUs, skuView(w))
		}
		v.Rules = append(v.Rules, r)
	}
	for _, w := range out.Conflicts[:min(len(out.Conflicts), maxEffectSKUs)] {
		v.Conflicts = append(v.Conflicts, conflictView{skuView(w.WaitingSKU), w.RuleIDs})
	}
	return v
}

func (s *Server) getRules(c *gin.Context) {
	out, err := s.adminOf(c).MappingRulesOf(c.Request.Context(), programOf(c), s.Clock())
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("ETag", etag(out.Version))
	c.JSON(http.StatusOK, viewRules(&out, false))
}

// putRules keeps the rules in the order given, and maps what waits by them.
func (s *Server) putRules(c *gin.Context) {
	var body struct {
		Rules []admin.MappingRule `json:"rules"`
	}
	commit, err := commitOf(c)
	if err == nil {
		err = decode(c.Request, &body)
	}
	if err == nil && body.Rules == nil {
		err = &server.Error{Code: server.Invalid, Field: "rules", Message: "name the rules; [] for none"}
	}
	var seen int64
	if err == nil {
		seen, err = versionOf(c)
	}
	var out admin.RulesOutcome
	if err == nil {
		out, err = s.adminOf(c).PutMappingRules(c.Request.Context(), programOf(c), body.Rules, seen, s.Clock(), commit)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if commit && out.Summary.Added > 0 {
		s.Kick()
	}
	c.Header("ETag", etag(out.Version))
	c.JSON(http.StatusOK, viewRules(&out, commit))
}
