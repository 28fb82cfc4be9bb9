// Command upline is the whole product in one binary: it serves, migrates, imports, explains and verifies.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // calendars must not depend on the host's zone files

	"github.com/alecthomas/kong"

	"upline.dev/upline/server"
)

// version is set by the linker.
var version = "dev"

// exit codes: 1 the work failed, 2 the command line or a setting is wrong.
const (
	exitFailed = 1
	exitUsage  = 2
	// exitStopped is what shells give a command that Ctrl-C has ended.
	exitStopped = 130
)

// Settings count for every command. Each has a flag and an environment variable and works when absent.
type Settings struct {
	Data        string `help:"Folder of the embedded database and the key file." env:"UPLINE_DATA" default:"./data" placeholder:"DIR"`
	DatabaseURL string `help:"PostgreSQL 15 or newer, as postgres://…; empty: an embedded SQLite file in the data folder." env:"DATABASE_URL" placeholder:"URL"`
	LogLevel    string `help:"Least level written to standard error: debug, info, warn or error." env:"UPLINE_LOG_LEVEL" default:"info" enum:"debug,info,warn,error"`
	LogFormat   string `help:"text for people, json for collectors." env:"UPLINE_LOG_FORMAT" default:"text" enum:"text,json"`
	TestClock   string `help:"For tests alone: a file that says by how much this process's clock is off." env:"UPLINE_TEST_CLOCK" hidden:""`
}

// CLI is the whole command line.
type CLI struct {
	Settings
	Serve     ServeCmd         `cmd:"" help:"Serve webhooks, the API and the pages."`
	Migrate   MigrateCmd       `cmd:"" help:"Bring the database to this version's layout."`
	Demo      DemoCmd          `cmd:"" help:"Fill the database with a believable company."`
	Import    ImportCmd        `cmd:"" help:"Import distributors, SKUs or orders from CSV; a dry run unless --commit."`
	Explain   ExplainCmd       `cmd:"" help:"Say why an order paid what it paid."`
	Reconcile ReconcileCmd     `cmd:"" help:"Compare a store's orders with its platform's, and mend what deliveries did not tell."`
	Sync      SyncCmd          `cmd:"" help:"Bring distributors' codes to a store, and what it sells to the mappings."`
	Verify    VerifyCmd        `cmd:"" help:"Recompute the ledger and check every seal."`
	Plan      PlanCmd          `cmd:"" help:"Check, compare, test and publish compensation plans."`
	Run       RunCmd           `cmd:"" help:"Close periods: preview, lock, commit."`
	People    PeopleCmd        `cmd:"" help:"Move and place people, with the effect shown first."`
	Admin     AdminCmd         `cmd:"" help:"Manage programs, stores and API keys."`
	Privacy   PrivacyCmd       `cmd:"" help:"Tell persons what is kept of them, and forget them."`
	Bench     BenchCmd         `cmd:"" help:"Measure this machine; figures are ratios within one run."`
	Version   kong.VersionFlag `help:"Print the version and exit."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without its globals; tests call it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli CLI
	exited := -1
	parser, err := kong.New(&cli, kong.Name("upline"), kong.Vars{"version": version},
		kong.Description("Commissions for direct-selling companies, from cart to payout."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "upline:", err)
		return exitUsage
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "upline: %v\nRun \"upline --help\" for the commands and settings.\n", err)
		return exitUsage
	}
	env := &environment{Settings: cli.Settings, stdout: stdout, stderr: stderr, log: logger(cli.Settings, stderr), existing: !makes(kctx.Command())}
	kctx.BindTo(ctx, (*context.Context)(nil))
	if err := kctx.Run(env); err != nil {
		if env.stopped != "" && ctx.Err() != nil {
			fmt.Fprintf(stderr, "upline: stopped by a signal; %s\n", env.stopped)
			return exitStopped
		}
		fmt.Fprintln(stderr, "upline:", sentence(err))
		var wrong *settingError
		if errors.As(err, &wrong) {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

// makes reports whether a command makes the database where there is none. Any other on a folder without one is a mistyped folder:
// "verify" would answer that all is well, and leave an empty database there.
func makes(command string) bool {
	for _, maker := range []string{"serve", "migrate", "demo", "bench", "admin program create"} {
		if command == maker || strings.HasPrefix(command, maker+" ") {
			return true
		}
	}
	return false
}

// sentence is what a person reads of an error. What the person can mend has one for that; its cause and the way it came
// would only hide it.
func sentence(err error) string {
	var e *server.Error
	if errors.As(err, &e) {
		switch e.Code {
		case server.Invalid, server.NotFound, server.Conflict:
			return e.Message
		default:
		}
	}
	return err.Error()
}

// environment is what every command gets.
type environment struct {
	Settings
	stdout, stderr io.Writer
	log            *slog.Logger
	readURL        string // of a replica; "": there is none
	existing       bool   // the embedded database has to be there
	stopped        string // what holds once a signal has ended the command; "": its error says it
}

// settingError is a missing or wrong setting: one clear sentence, exit code 2.
type settingError struct{ sentence string }

func (e *settingError) Error() string { return e.sentence }

func wrongSetting(format string, args ...any) error {
	return &settingError{fmt.Sprintf(format, args...)}
}

func logger(s Settings, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // the enum has checked it
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
