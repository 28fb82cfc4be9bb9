// Testsum reads the events of "go test -json" and says what a person needs to
// know: one line per package, the full output of what failed, the reason of
// what was skipped, and last the number of tests. It prints nothing about a
// passing test, so that a failure is not lost in a long log.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
}

// errFailed is returned for a run that was read well and has failures: they
// are printed already, so it says no more than that.
var errFailed = errors.New("tests failed")

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("testsum", flag.ContinueOnError)
	counts := flags.String("counts", "", "also write `FILE` with the three numbers: passed failed skipped")
	trim := flags.String("trim", "", "leave this `PREFIX` out of package names")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sum := newSummary(out, *trim)
	if err := sum.read(in); err != nil {
		return err
	}
	sum.finish()
	if *counts != "" {
		text := fmt.Sprintf("%d %d %d\n", sum.passed, sum.failed, sum.skipped)
		if err := os.WriteFile(*counts, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the counts: %w", err)
		}
	}
	if sum.packages == 0 {
		return errors.New("no package was tested")
	}
	if sum.failed > 0 {
		return errFailed
	}
	return nil
}
