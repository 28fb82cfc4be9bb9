package main

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/httpapi"
)

// ProcessSettings are those of a process among many on one database.
type ProcessSettings struct {
	StartWait       time.Duration `help:"How long a start waits for a database that cannot be reached, or that nobody has migrated yet; 0 does not wait." env:"UPLINE_START_WAIT" default:"30s"`
	StopNotice      time.Duration `help:"How long a process that was told to stop answers on while /readyz says no, so that a load balancer turns away first." env:"UPLINE_STOP_NOTICE" default:"0s"`
	ClaimLease      time.Duration `help:"How long a delivery is left to the engine that took it up; what a killed engine held waits so long for another one." env:"UPLINE_CLAIM_LEASE" default:"30s"`
	ReadDatabaseURL string        `help:"A replica of DATABASE_URL from which screens are read; empty: they are read from DATABASE_URL." env:"UPLINE_READ_DATABASE_URL" placeholder:"URL"`
	OutboxRetention time.Duration `help:"How long outbox rows are kept that every reader has had; 0 keeps them for ever." env:"UPLINE_OUTBOX_RETENTION" default:"720h"`
}

func (s *ProcessSettings) check(databaseURL string) error {
	if s.OutboxRetention < 0 {
		return wrongSetting("UPLINE_OUTBOX_RETENTION must not be negative; 0 keeps everything")
	}
	if s.ReadDatabaseURL != "" && (databaseURL == "" || !hasAnyPrefix(s.ReadDatabaseURL, "postgres://", "postgresql://")) {
		return wrongSetting("UPLINE_READ_DATABASE_URL is a postgres:// address of a replica, and needs DATABASE_URL beside it")
	}
	if s.ClaimLease < time.Second {
		return wrongSetting("UPLINE_CLAIM_LEASE must be at least 1s: settling takes a moment")
	}
	return nil
}

// has tells whether this process has a role.
func (cmd *ServeCmd) has(role string) bool { return slices.Contains(cmd.Roles, role) }

// surface is which part of the HTTP surface this process answers. Every process answers health and figures.
func (cmd *ServeCmd) surface() httpapi.Parts {
	return httpapi.Parts{Doors: cmd.has("ingest"), Screens: cmd.has("web"), Roles: strings.Join(cmd.Roles, ",")}
}

// replica is where screens are read from, its lag a figure; nil: there is none.
func (a *app) replica(registry prometheus.Registerer) httpapi.Replica {
	if !a.store.HasReplica() {
		return nil
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "upline_replica_lag_seconds", Help: "How far the replica that screens are read from is behind; -1: they are read from the primary.",
	}, func() float64 {
		lag, read := a.store.ReplicaLag()
		if !read {
			return -1
		}
		return lag.Seconds()
	}))
	return a.store
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
