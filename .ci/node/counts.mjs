// A reporter for Node's test runner that writes one line, "passed failed
// skipped": what test.sh adds up.
export default async function* counts(source) {
  let passed = 0, failed = 0, skipped = 0;
  for await (const { type, data } of source) {
    if (data?.details?.type === "suite") continue;
    if (type === "test:pass") {
      if (data.skip !== undefined || data.todo !== undefined) skipped++;
      else passed++;
    } else if (type === "test:fail") {
      failed++;
    }
  }
  yield `${passed} ${failed} ${skipped}\n`;
}
