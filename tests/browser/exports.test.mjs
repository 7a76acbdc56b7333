import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { open } from "./browser.mjs";
import { FAILURE, read, write } from "./reports.mjs";

const mermaid = createRequire(import.meta.url).resolve("mermaid/dist/mermaid.min.js");
let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

const FAILURES = [
  FAILURE,
  "seeds/supervisor/ignored-veto-without-approval-binding-no-effect-after-veto-0ae08a38.toml",
  "seeds/vote/lying-voter-without-voting-quorum-agreement-50a34cbe.toml",
];

test("Mermaid reads the sequence diagrams and draws every participant", async () => {
  const tab = await browser.context.newPage();
  await tab.setContent("<!DOCTYPE html><title>mermaid</title>");
  await tab.addScriptTag({ path: mermaid });
  for (const failure of FAILURES) {
    const text = read(write("mmd", failure, "--format", "mermaid"));
    const svg = await tab.evaluate(async source => {
      await mermaid.parse(source);
      return (await mermaid.render("drawn", source)).svg;
    }, text);
    const names = [...text.matchAll(/participant n\d+ as (\S+)/g)].map(match => match[1]);
    assert.ok(names.length > 1);
    for (const name of names) assert.ok(svg.includes(name), name);
    assert.ok(text.length < 20_000, "small enough for an issue");
  }
});

test("the picture alone is a document that a browser draws", async () => {
  for (const theme of ["auto", "light", "dark"]) {
    const file = write("svg", FAILURE, "--format", "svg", "--theme", theme);
    const tab = await browser.context.newPage();
    await tab.goto(`file://${file}`);
    assert.equal(await tab.evaluate(() => document.documentElement.localName), "svg", "it is well-formed");
    assert.ok(await tab.evaluate(() => document.querySelectorAll(".mark").length) > 5);
  }
});

// The rules of ShiViz: its first line is the regular expression, the second separates executions; each host counts
// itself from one, one by one, and no clock goes back.
test("the log of ShiViz is one that ShiViz reads", () => {
  const [expression, separator, ...rest] = read(write("log", FAILURE, "--format", "shiviz")).split("\n");
  assert.equal(separator, "");
  const text = rest.join("\n");
  const own = {};
  let events = 0;
  for (const { groups: { host, clock } } of text.matchAll(new RegExp(expression, "g"))) {
    const counts = JSON.parse(clock);
    own[host] = (own[host] ?? 0) + 1;
    assert.equal(counts[host], own[host], `event ${own[host]} of ${host}`);
    for (const [other, count] of Object.entries(counts)) assert.ok(count <= (own[other] ?? 0), `${host} knows the future of ${other}`);
    events++;
  }
  assert.equal(events * 2 + 1, rest.length, "no line is left over");
});
