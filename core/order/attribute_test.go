package order

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// byName knows the distributors anna and bert, whatever the kind of evidence.
func byName(e Evidence) (string, bool) {
	id, known := map[string]string{"anna": "d_1", "bert": "d_2", "void": ""}[e.Value]
	return id, known
}

func TestAttribute(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		evidence   []Evidence
		precedence []EvidenceKind
		want       Attribution
	}{
		"no evidence is nobody's sale": {},
		"a code beats a landing page, whatever was told first": {
			[]Evidence{{LandingReference, "bert"}, {DistributorCode, "anna"}},
			nil,
			Attribution{"d_1", DistributorCode, "anna", []LostClaim{{LandingReference, "bert", "weaker than code"}}},
		},
		"a manual override beats all": {
			[]Evidence{{DistributorCode, "anna"}, {ManualOverride, "bert"}, {BoundCustomer, "anna"}},
			nil,
			Attribution{"d_2", ManualOverride, "bert", []LostClaim{
				{DistributorCode, "anna", "weaker than manual"}, {BoundCustomer, "anna", "weaker than manual"},
			}},
		},
		"a coupon of nobody merely loses": {
			[]Evidence{{DistributorCode, "SUMMER"}, {BoundCustomer, "bert"}},
			nil,
			Attribution{"d_2", BoundCustomer, "bert", []LostClaim{{DistributorCode, "SUMMER", "is not a distributor's code"}}},
		},
		"nothing resolves": {
			[]Evidence{{LandingReference, "x"}, {BoundCustomer, "y"}},
			nil,
			Attribution{Lost: []LostClaim{{LandingReference, "x", "does not resolve"}, {BoundCustomer, "y", "does not resolve"}}},
		},
		"of two codes the first that resolves": {
			[]Evidence{{DistributorCode, "SUMMER"}, {DistributorCode, "bert"}, {DistributorCode, "anna"}},
			nil,
			Attribution{"d_2", DistributorCode, "bert", []LostClaim{
				{DistributorCode, "SUMMER", "is not a distributor's code"}, {DistributorCode, "anna", "an earlier code won"},
			}},
		},
		"an unknown cart reference loses to a code": {
			[]Evidence{{CartReference, "x"}, {DistributorCode, "anna"}},
			nil,
			Attribution{"d_1", DistributorCode, "anna", []LostClaim{{CartReference, "x", "weaker than code"}}},
		},
		"the program's own precedence": {
			[]Evidence{{DistributorCode, "anna"}, {BoundCustomer, "bert"}, {LandingReference, "anna"}},
			[]EvidenceKind{BoundCustomer, DistributorCode, BoundCustomer},
			Attribution{"d_2", BoundCustomer, "bert", []LostClaim{
				{DistributorCode, "anna", "weaker than customer"}, {LandingReference, "anna", "this kind of evidence is not used"},
			}},
		},
		"empty evidence says nothing": {
			[]Evidence{{CartReference, ""}, {ManualOverride, ""}},
			nil,
			Attribution{Lost: []LostClaim{{ManualOverride, "", "is empty"}, {CartReference, "", "is empty"}}},
		},
		"an id that is empty is nobody": {
			[]Evidence{{LandingReference, "void"}},
			nil,
			Attribution{Lost: []LostClaim{{LandingReference, "void", "does not resolve"}}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Attribute(Order{Evidence: c.evidence}, c.precedence, byName)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestAttributeUnknownDistributor(t *testing.T) {
	t.Parallel()
	for _, kind := range []EvidenceKind{ManualOverride, CartReference} {
		o := Order{Evidence: []Evidence{{BoundCustomer, "anna"}, {LandingReference, "bert"}, {kind, "x"}}}
		_, err := Attribute(o, nil, byName)
		var unknown *UnknownDistributor
		if !errors.As(err, &unknown) || *unknown != (UnknownDistributor{kind, "x"}) {
			t.Errorf("%s: got %v, want an unknown distributor", kind, err)
		}
	}
	if _, err := Attribute(Order{}, nil, nil); err == nil {
		t.Error("Attribute must not call a missing resolve")
	}
}

// TestAttributeIsTotal draws any evidence under any precedence: each piece wins or loses, exactly once.
func TestAttributeIsTotal(t *testing.T) {
	t.Parallel()
	kinds := append(DefaultPrecedence(), "rumour")
	rapid.Check(t, func(t *rapid.T) {
		var o Order
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			o.Evidence = append(o.Evidence, Evidence{
				rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom([]string{"", "anna", "bert", "x"}).Draw(t, "value"),
			})
		}
		precedence := rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 6).Draw(t, "precedence")
		a, err := Attribute(o, precedence, byName)
		var unknown *UnknownDistributor
		if errors.As(err, &unknown) {
			return
		}
		count := map[Evidence]int{}
		for _, e := range o.Evidence {
			count[e]++
		}
		for _, lost := range a.Lost {
			count[Evidence{lost.Kind, lost.Value}]--
			if lost.Why == "" {
				t.Fatalf("%v lost without a reason", lost)
			}
		}
		if a.Winner != "" {
			count[Evidence{a.Winner, a.Value}]--
		}
		for e, n := range count {
			if n != 0 {
				t.Fatalf("%v is told %d times too few", e, n)
			}
		}
		if (a.Winner == "") != (a.DistributorID == "") || err != nil {
			t.Fatalf("winner %q, distributor %q, error %v", a.Winner, a.DistributorID, err)
		}
	})
}
