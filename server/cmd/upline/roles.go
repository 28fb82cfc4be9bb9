package main

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"

	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/httpapi"
)

// has tells whether this process has a role.
func (cmd *ServeCmd) has(role string) bool { return slices.Contains(cmd.Roles, role) }

// surface is which part of the HTTP surface this process answers. Every process answers health and figures.
func (cmd *ServeCmd) surface() httpapi.Parts {
	return httpapi.Parts{Doors: cmd.has("ingest"), Screens: cmd.has("web"), Roles: strings.Join(cmd.Roles, ",")}
}

// duties lets this process do what one process should do at a time. Nobody shares an embedded database.
func (e *environment) duties(a *app) *duty.Keeper {
	k := &duty.Keeper{Owner: rand.Text(), Logger: e.log}
	if a.store.Dialect() == "postgres" {
		k.Leases = a.store
	}
	return k
}

// keyCheckRow is what the check of the keys is sealed for.
const keyCheckRow = "installation/key_check"

// sameKeys refuses keys with which this database was not filled: what others sealed could not be opened, and what this
// process sealed nobody else could open.
func (a *app) sameKeys(kept string) bool {
	sealed, err := base64.StdEncoding.DecodeString(kept)
	if err != nil {
		return false
	}
	_, err = a.ring.Open(sealed, []byte(keyCheckRow))
	return err == nil
}
