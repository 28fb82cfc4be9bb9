// Money stays text, exactly, in every language.
import assert from "node:assert/strict";
import { test } from "node:test";
import { match } from "../../match.ts";
import { count, figure, isZero, money, share, region } from "../../../ui/money.ts";
import { t, useLanguage, word } from "../../../ui/text/t.ts";
import { duration, span, useZone, when } from "../../../ui/time.ts";

const plain = (text) => text.replace(/\u00a0|\u202f/g, " ").replace(/[\u200e\u200f\u061c]/g, "");

test("amounts", async () => {
  await useLanguage(["en-US"]);
  for (const [text, currency, want] of [
    ["0.00", "EUR", "EUR 0.00"], ["-0.00", "EUR", "EUR 0.00"], ["12.50", "HUF", "HUF 12.50"], ["12.500", "IQD", "IQD 12.500"], ["1000", "JPY", "JPY 1,000"],
    ["123456789012345678.91", "USD", "USD 123,456,789,012,345,678.91"], ["-1234.50", "USD", "-USD 1,234.50"], ["9007199254740993", "JPY", "JPY 9,007,199,254,740,993"],
    ["", "USD", "⚠  USD"], ["abc", "USD", "⚠ abc USD"], ["0x10", "USD", "⚠ 0x10 USD"], ["1e3", "USD", "⚠ 1e3 USD"], ["1.", "USD", "⚠ 1. USD"], [".5", "USD", "⚠ .5 USD"],
    ["1,000", "USD", "⚠ 1,000 USD"], [undefined, "USD", "⚠ undefined USD"], [12.5, "USD", "⚠ 12.5 USD"], ["1.00", "usd", "⚠ 1.00 usd"],
  ]) assert.equal(plain(money(text, currency)), want);
  assert.equal(plain(figure("136.000001")), "136.000001");
  await useLanguage(["de-DE"]);
  assert.equal(plain(money("1234567.80", "EUR")), "1.234.567,80 EUR");
  await useLanguage(["ar-EG"]);
  assert.match(plain(money("1234.50", "USD")), /1,?234\.50|1٬234٫50/); // figures that can be compared with those of a bank
  await useLanguage(["en"]);
  assert.deepEqual(["0", "0.00", "-0.0", "0.01", "10", "", "abc"].map(isZero), [true, true, true, false, false, false, false]);
});

test("the length of a bar is no amount", () => {
  assert.deepEqual([share("5.00", "10.00"), share("20", "10"), share("-5", "10"), share("x", "10"), share("1", "0")], [0.5, 1, 0.5, 0, 0]);
});

test("sentences", async () => {
  await useLanguage(["en"]);
  assert.equal(t("needs.orders", { n: 1 }), "1 order");
  assert.equal(t("needs.orders", { n: 1200 }), "1,200 orders");
  assert.equal(t("sku.map_chosen", { n: 0 }), "Map");
  assert.equal(word("settlement", "parked"), "Parked");
  assert.equal(word("component", "leadership-pool"), "leadership pool");
  await useLanguage(["xx", "tlh"]);
  assert.equal(t("save.save"), "Save");
  assert.equal(count(1234567), "1,234,567");
});

test("countries are told in words", async () => {
  await useLanguage(["de"]);
  assert.deepEqual(["AT", "at", "", undefined, "QQ9"].map((code) => region(code)), ["Österreich", "at", "", "", "QQ9"]);
  await useLanguage(["en-US"]);
});

test("times are told in the program's zone", async () => {
  await useLanguage(["en-US"]);
  useZone("Europe/Berlin");
  assert.match(plain(when("2026-10-25T00:30:00Z")), /Oct 25,( 2026,)? 02:30 AM/);
  assert.match(plain(when("2026-10-25T01:30:00Z")), /Oct 25,( 2026,)? 02:30 AM/); // the hour that comes twice
  assert.match(plain(when("2019-10-25T00:30:00Z")), /Oct 25, 2019, 02:30 AM/); // a day of another year says of which
  useZone("Mars/Olympus");
  assert.match(plain(when("2026-10-25T01:30:00Z", "long")), /UTC/);
  assert.equal(when("nonsense"), "");
  assert.equal(plain(span("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.041Z")), "41 ms");
  assert.equal(span("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "");
  assert.equal(plain(duration(90_000)), "90 sec");
});

test("addresses", () => {
  assert.deepEqual(match("/orders/:store/:order", "/orders/shop/A%2F1"), { store: "shop", order: "A/1" });
  assert.equal(match("/orders/:store/:order", "/orders/shop"), undefined);
  assert.equal(match("/orders/:store/:order", "/orders/shop/%E0%A4"), undefined);
  assert.deepEqual(match("/", "/"), {});
});

