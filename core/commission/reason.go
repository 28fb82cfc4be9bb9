package commission

import (
	"strconv"

	"upline.dev/upline/core/genealogy"
)

// The reasons are kept in snapshots for ever and shown to people; a change of wording changes the bytes of snapshots, so
// it needs a new EngineVersion.
const (
	reasonOwnOrder   = "own order"
	reasonNoCustomer = "the buyer is a distributor, not a customer"
)

func reasonStatus(status genealogy.Status) string { return "status " + string(status) }

func reasonClosed(rank string, level int) string {
	return "rank " + rank + " does not open level " + strconv.Itoa(level)
}

func reasonBelow(rank, wanted string, level int) string {
	return "rank " + rank + " is below " + wanted + ", which level " + strconv.Itoa(level) + " asks for"
}

func reasonCap(capID string) string { return "cap " + capID }
