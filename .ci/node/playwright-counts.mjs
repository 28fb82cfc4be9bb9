// A reporter for Playwright that writes one line to the file that
// UPLINE_COUNTS names, "passed failed skipped": what test.sh adds up.
import { writeFileSync } from "node:fs";

export default class Counts {
  onBegin(_config, suite) {
    this.suite = suite;
  }

  onEnd() {
    if (!process.env.UPLINE_COUNTS) return;
    const tests = this.suite.allTests();
    const count = (outcome) => tests.filter((t) => t.outcome() === outcome).length;
    // A test that passed only on a second try is not a test that passed.
    const failed = count("unexpected") + count("flaky");
    writeFileSync(process.env.UPLINE_COUNTS, `${count("expected")} ${failed} ${count("skipped")}\n`);
  }
}
