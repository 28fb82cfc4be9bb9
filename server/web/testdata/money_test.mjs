// Run by money_test.go: node money_test.mjs PATH_OF_MONEY_JS
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const { group, isZero, separators } = await import(pathToFileURL(process.argv[2]).href);
const english = separators('en-US');

for (const [text, want] of [
  ['0', '0'], ['0.00', '0.00'], ['-0.00', '0.00'], ['1', '1'], ['999', '999'], ['1000', '1,000'], ['12.50', '12.50'], ['-1234.5', '−1,234.5'],
  ['123456789012345678.91', '123,456,789,012,345,678.91'], ['9007199254740993', '9,007,199,254,740,993'], ['100000.000', '100,000.000'],
  ['', '⚠ '], ['abc', '⚠ abc'], ['0x10', '⚠ 0x10'], ['1e3', '⚠ 1e3'], ['1.', '⚠ 1.'], ['.5', '⚠ .5'], ['+1', '⚠ +1'], ['1,000', '⚠ 1,000'], [' 1', '⚠  1'],
  [undefined, '⚠ undefined'], [12.5, '⚠ 12.5'],
]) {
  assert.equal(group(text, english), want, `group(${JSON.stringify(text)})`);
}
assert.equal(group('1234567.80', separators('de-DE')), '1.234.567,80');
assert.match(group('1234567.80', separators('fr-FR')), /^1\s234\s567,80$/u);
assert.deepEqual(['0', '0.00', '-0.0', '0.01', '10', '', 'abc'].map(isZero), [true, true, true, false, false, false, false]);
