package period

// Period is one span of a calendar, half open.
type Period struct {
	ID   string // "2026-03", "2026-W10", "2026-03-09", "2026-Q1"
	Kind string // plan.Daily, Weekly, Monthly or Quarterly
	From int64  // microseconds since 1970 UTC
	To   int64
}
