package httpapi

import (
	"testing"

	"upline.dev/upline/server/reconcile"
)

// TestReadingChecks: what is found of a store is said as it is; a shop that answers is never said to be silent.
func TestReadingChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		probe     reconcile.Probe
		lapsed    bool
		reachable string
		keys      string
	}{
		"nothing to read by":                    {reconcile.Probe{}, false, "not_asked", "none"},
		"nothing any more":                      {reconcile.Probe{}, true, "not_asked", "needs_reauth"},
		"no answer":                             {reconcile.Probe{Reads: true}, false, "no_answer", "not_asked"},
		"the plugin is switched off":            {reconcile.Probe{Reads: true, Reached: true, Off: true}, false, "answered", "none"},
		"the keys are refused":                  {reconcile.Probe{Reads: true, Reached: true, Refused: true}, false, "answered", "refused"},
		"keys refused before, the plugin reads": {reconcile.Probe{Reads: true, Reached: true}, true, "answered", "needs_reauth"},
		"all is well":                           {reconcile.Probe{Reads: true, Reached: true}, false, "answered", "accepted"},
	} {
		got := readingChecks(&c.probe, c.lapsed)
		if len(got) != 2 || got[0].Code != c.reachable || got[1].Code != c.keys {
			t.Errorf("%s: %+v, want %s and %s", name, got, c.reachable, c.keys)
		}
	}
}
