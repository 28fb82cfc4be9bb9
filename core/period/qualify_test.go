package period_test

import (
	"testing"
)

func TestVolumesAndRanks(t *testing.T) {
	t.Parallel()
	p := planOf(t, `{"active":{"pv":">= 100"},"breakaway_rank":"gold","ranks":[
		{"rank":"silver","requires":{"all":[{"active":true},{"gv":">= 500"}]}},
		{"rank":"gold","requires":{"all":[{"active":true},{"gv":">= 1000","max_leg_share":"50%"},{"legs":{"rank":"silver","count":">= 2"}}]}}]}`)
	c := newCompany(t, "Ann", "Bob under Ann", "Cid under Ann", "Dee under Bob", "Eve under Cid")
	for who, qv := range map[string]string{"Ann": "100", "Bob": "100", "Cid": "450.5", "Dee": "500", "Eve": "50"} {
		c.sells(t, who, qv)
	}
	s := c.qualify(t, p)
	for _, want := range []struct {
		id, pv, gv, rank string
		active           bool
		legs             int32
	}{
		{"Ann", "100", "1200.5", "gold", true, 2},
		{"Bob", "100", "600", "silver", true, 1},
		{"Cid", "450.5", "500.5", "silver", true, 0},
		{"Dee", "500", "500", "silver", true, 0},
		{"Eve", "50", "50", "member", false, 0},
	} {
		i := c.at(t, want.id)
		if points(s.PV[i]) != want.pv || points(s.GV[i]) != want.gv || rankName(p, s.Rank[i]) != want.rank ||
			s.Active[i] != want.active || s.Frontier[i] != want.legs {
			t.Errorf("%s has PV %s, GV %s, rank %s, active %v, %d active legs; want %+v", want.id, points(s.PV[i]), points(s.GV[i]),
				rankName(p, s.Rank[i]), s.Active[i], s.Frontier[i], want)
		}
	}
}
