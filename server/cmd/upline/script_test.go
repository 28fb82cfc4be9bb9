package main

import (
	"database/sql"
	"errors"
	"flag"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// update rewrites the files that scripts compare with, from what they see.
var update = flag.Bool("update", false, "rewrite the golden files in testdata/script")

// TestMain lets the scripts run the real main, in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"upline": main})
}

// TestScripts runs testdata/script: what an operator types, and what comes back. Nothing of the machine's own settings
// reaches them.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("UPLINE_DATA", filepath.Join(env.WorkDir, "data"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"listen": listen,
			"forge":  forge,
		},
		RequireExplicitExec: true,
		UpdateScripts:       *update,
	})
}

// exits runs a command that must end with a certain code: exits 2 upline serve.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// listen takes a port of the machine and puts its address into a variable: listen TAKEN.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	ts.Setenv(args[0], listener.Addr().String())
}

// forge changes the ledger behind the product's back, as somebody with a database tool could: without the triggers, by
// statements of the script that each change something. forge DATABASE STATEMENT...
func forge(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0])) // the driver that store brings
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'trigger'`)
	ts.Check(err)
	defer func() { ts.Check(rows.Close()) }()
	var triggers []string
	for rows.Next() {
		var name string
		ts.Check(rows.Scan(&name))
		triggers = append(triggers, name)
	}
	ts.Check(rows.Err())
	for _, name := range triggers {
		_, err := db.Exec(`DROP TRIGGER "` + name + `"`)
		ts.Check(err)
	}
	for _, statement := range args[1:] {
		result, err := db.Exec(statement)
		ts.Check(err)
		changed, err := result.RowsAffected()
		ts.Check(err)
		if changed == 0 {
			ts.Fatalf("%s: nothing is changed", statement)
		}
	}
}
