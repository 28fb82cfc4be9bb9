package importer_test

import (
	"testing"

	"upline.dev/upline/server/importer"
)

// TestGuess: the names that other programs give their columns are understood, however they are spelt.
func TestGuess(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]string{
		"Member No": "distributor_id", "member_number": "distributor_id", "Partner ID": "distributor_id", "ID": "distributor_id",
		"Upline": "sponsor_id", "Sponsor No.": "sponsor_id", "Full name": "name", "Joined at": "created_at", "Member since": "created_at",
		"Shoe size": "", "": "", "名前": "",
	} {
		if got := importer.GuessDistributorField(column); got != want {
			t.Errorf("%q means %q, want %q", column, got, want)
		}
	}
}
