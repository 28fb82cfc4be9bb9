package storetest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
)

// testOrderFacts: what settling asks of people beyond the sponsor tree, fact by fact with the version that recorded it.
func testOrderFacts(t *testing.T, w *world) {
	ann, ben, cyd := person("ann", ""), person("ben", "ann"), person("cyd", "ann")
	ben.CreatedAt = march
	w.people(t, ann, ben, cyd) // of ann and cyd nobody said when they joined
	put := func(at time.Time, people ...admin.Distributor) {
		_, err := w.Store.PutDistributors(w.ctx, program, people, at, true)
		ok(t, err)
	}
	read := func(ids ...string) (list []pipeline.Enrolment, enrollers map[string][]genealogy.Link) {
		w.look(t, w.Store, func(b pipeline.Books) {
			var err error
			list, err = b.Enrolments(w.ctx, ids)
			ok(t, err)
			enrollers, err = b.Enrollers(w.ctx)
			ok(t, err)
			zone, err := b.TimeZone(w.ctx)
			ok(t, err)
			if zone == "" {
				t.Error("the program has no time zone")
			}
		})
		return list, enrollers
	}
	first, none := read("ann", "ben", "cyd", "nobody")
	if diff := gocmp.Diff([]pipeline.Enrolment{{DistributorID: "ben", At: march.UnixMicro()}}, first); diff != "" || len(none) != 0 {
		t.Errorf("at first: %s, %v", diff, none)
	}
	if nobody, _ := read(); len(nobody) != 0 {
		t.Errorf("asked for nobody: %v", nobody)
	}
	enroller, taken := "ben", ""
	ben.EnrolledAt, cyd.EnrolledAt, cyd.EnrollerID = april, march, &enroller
	put(april, ben, cyd)
	_, before := read("cyd")
	cyd.EnrollerID = &taken
	put(may, cyd)
	now, after := read("ben", "cyd")
	want := []pipeline.Enrolment{
		{DistributorID: "ben", At: march.UnixMicro()},
		{DistributorID: "ben", At: april.UnixMicro(), Version: 2},
		{DistributorID: "cyd", At: march.UnixMicro(), Version: 2},
	}
	slices.SortFunc(now, func(a, b pipeline.Enrolment) int {
		return cmp.Or(strings.Compare(a.DistributorID, b.DistributorID), int(a.Version-b.Version))
	})
	// The first one recorded of somebody known before holds from the beginning, too; both say the same.
	if diff := gocmp.Diff(want, slices.Compact(now)); diff != "" {
		t.Error(diff)
	}
	links := []genealogy.Link{{DistributorID: "cyd", ParentID: "ben", ValidFrom: april.UnixMicro(), Version: 2}}
	if diff := gocmp.Diff(map[string][]genealogy.Link{"cyd": links}, before); diff != "" {
		t.Error(diff)
	}
	links = append(links, genealogy.Link{DistributorID: "cyd", ValidFrom: may.UnixMicro(), Version: 3})
	if diff := gocmp.Diff(map[string][]genealogy.Link{"cyd": links}, after); diff != "" {
		t.Error(diff)
	}
	if len(before["cyd"]) != 1 {
		t.Error("a reader's list grew")
	}
}
