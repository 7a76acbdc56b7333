import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { open } from "./browser.mjs";
import { FAILURE, output, page, pages, repository } from "./reports.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;
before(async () => { browser = await open(); });
after(() => browser.close());

// Opens a page from disk; whatever it complains of, loads, or asks for is in `trouble`.
const visit = async (file, { width = 1440, height = 900, colours = "light", hash = "", script = true } = {}) => {
  const tab = await browser.context.newPage();
  const trouble = [];
  tab.on("console", message => ["error", "warning"].includes(message.type()) && trouble.push(message.text()));
  tab.on("pageerror", error => trouble.push(String(error)));
  tab.on("request", request => request.url().startsWith("file:") || trouble.push(`asks for ${request.url()}`));
  tab.on("dialog", dialog => { trouble.push(`a dialog: ${dialog.message()}`); return dialog.dismiss(); });
  await tab.setViewportSize({ width, height });
  await tab.emulateMedia({ colorScheme: colours });
  if (!script) await (await browser.context.newCDPSession(tab)).send("Emulation.setScriptExecutionDisabled", { value: true });
  await tab.goto(`file://${file}${hash}`);
  return { tab, trouble };
};
// What axe finds wrong. The policy of a page lets no script in but its own; the protocol of the browser evaluates beside it.
const inaccessible = async tab => {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => [id, nodes[0].html.slice(0, 200), nodes[0].failureSummary]);
};
const shown = tab => tab.locator("#rows > li.row:not([hidden])").count();

describe("the page of a saved failure", () => {
  let file;
  before(() => { file = page(FAILURE); });

  test("opens from disk without a complaint and loads nothing", async () => {
    const { tab, trouble } = await visit(file);
    assert.match(await tab.title(), /^no-split-brain broke/);
    assert.ok(await shown(tab) > 5);
    assert.deepEqual(trouble, []);
  });

  test("shows more rows on request, and moves what is drawn to its rows", async () => {
    const { tab, trouble } = await visit(file);
    const few = await shown(tab);
    await tab.getByLabel("everything").check();
    const all = await shown(tab);
    assert.ok(all > few, `${all} > ${few}`);
    assert.equal(await tab.locator("#count").textContent(), `${all} of ${all} rows shown`);
    const gap = await tab.evaluate(() => {
      const row = document.querySelector("#rows > li.bad-row").getBoundingClientRect();
      const ring = document.querySelector("svg.here .ring").getBoundingClientRect();
      return Math.abs(row.top + row.height / 2 - (ring.top + ring.height / 2));
    });
    assert.ok(gap < 2, `the mark is ${gap} px beside its row`);
    assert.deepEqual(trouble, []);
  });

  test("filters by agent, task and kind", async () => {
    const { tab } = await visit(file);
    await tab.getByLabel("everything").check();
    const all = await shown(tab);
    for (const [label, choice] of [["node", "backup"], ["task", "task-1"], ["kind", "faults"]]) {
      const filter = tab.getByRole("combobox", { name: label });
      await filter.selectOption({ label: choice });
      const some = await shown(tab);
      assert.ok(some > 0 && some < all, `${choice}: ${some} of ${all}`);
      await filter.selectOption("");
    }
    assert.equal(await shown(tab), all);
  });

  test("unfolds what is folded", async () => {
    const { tab } = await visit(file);
    const few = await shown(tab);
    await tab.locator(".fold button").first().click();
    assert.ok(await shown(tab) > few);
  });

  test("goes from the violation to its causes by keyboard alone, and shows what each event holds", async () => {
    const { tab, trouble } = await visit(file);
    await tab.keyboard.press("v");
    assert.match(await tab.locator("#dock h2").textContent(), /calls vault\.rotate/);
    assert.match(await tab.locator("#dock").textContent(), /authority/);
    const seen = [];
    for (let step = 0; step < 6; step++) {
      await tab.keyboard.press("ArrowLeft");
      seen.push(await tab.evaluate(() => document.activeElement.id));
    }
    assert.equal(new Set(seen).size, seen.length, `each step leads to another event: ${seen}`);
    const back = seen.at(-2);
    await tab.keyboard.press("ArrowRight");
    assert.equal(await tab.evaluate(() => document.activeElement.id), back);
    assert.equal(await tab.evaluate(() => location.hash), `#${back}`, "the address is that of the event");
    await tab.keyboard.press("ArrowUp");
    await tab.keyboard.press("Escape");
    assert.ok(await tab.locator("#dock").isHidden());
    for (const key of ["v", "Escape", "v", "Escape", "Enter"]) await tab.keyboard.press(key);
    assert.ok(await tab.locator("#dock").isVisible(), "what was closed opens again");
    await tab.locator("#dock [data-go=close]").click();
    assert.ok(await tab.locator("#dock").isHidden(), "and closes by its button");
    assert.deepEqual(trouble, []);
  });

  test("leads from what never happens back to the fault without which it would", async () => {
    const { tab, trouble } = await visit(page("seeds/saga-choreographed/lost-event-without-outbox-all-or-compensated-c9166b95.toml"));
    await tab.keyboard.press("v");
    assert.match(await tab.locator("#dock h2").textContent(), /still waits/);
    assert.match(await tab.locator("#dock .causes").textContent(), /one of the faults that suffice/);
    await tab.keyboard.press("ArrowLeft");
    assert.match(await tab.locator("#dock h2").textContent(), /FAULT crash/);
    assert.match(await tab.locator("#dock").textContent(), /an agent crashes/, "it says what such a fault does");
    await tab.keyboard.press("ArrowRight");
    assert.match(await tab.locator("#dock h2").textContent(), /still waits/, "and the way leads back");
    assert.deepEqual(trouble, []);
  });

  test("lists every cause of an event, each a key away", async () => {
    const { tab, trouble } = await visit(file);
    const several = await tab.evaluate(() => {
      const details = JSON.parse(document.querySelector("#details").textContent).e;
      return Object.keys(details).find(event => (details[event].c || []).length > 1);
    });
    await tab.evaluate(event => { location.hash = `#e${event}`; }, several);
    const causes = tab.locator("#dock .causes a");
    assert.ok(await causes.count() > 1);
    const second = await causes.nth(1).getAttribute("href");
    await tab.keyboard.press("2");
    assert.equal(await tab.evaluate(() => location.hash), second);
    assert.deepEqual(trouble, []);
  });

  test("says so when no event is of all that was chosen", async () => {
    const { tab } = await visit(file);
    await tab.getByRole("combobox", { name: "kind" }).selectOption({ label: "faults" });
    await tab.getByRole("combobox", { name: "node" }).selectOption({ label: "vault" });
    assert.match(await tab.locator("#count").textContent(), /no event is of all that is chosen/);
  });

  test("shows what an event holds while the pointer rests on it, until another is opened", async () => {
    const { tab, trouble } = await visit(file);
    await tab.locator("#e12").scrollIntoViewIfNeeded().catch(() => {});
    const cells = tab.locator("#rows > li.row:not([hidden]) a.here");
    await cells.nth(1).hover();
    await tab.locator("#dock.preview").waitFor();
    const rested = await tab.locator("#dock h2").textContent();
    assert.ok((await cells.nth(1).textContent()).includes(rested.split(" ")[0]));
    await tab.mouse.move(2, 2);
    await tab.locator("#dock").waitFor({ state: "hidden" });
    await cells.nth(2).click();
    const opened = await tab.locator("#dock h2").textContent();
    await cells.nth(1).hover();
    await tab.waitForTimeout(400);
    assert.equal(await tab.locator("#dock h2").textContent(), opened);
    assert.deepEqual(trouble, []);
  });

  test("leads to any event by its link, folded or not", async () => {
    const { tab } = await visit(file, { hash: "#e12" });
    assert.equal(await tab.evaluate(() => document.activeElement.id), "e12");
    assert.ok(await tab.locator("#e12").isVisible());
    assert.match(await tab.locator("#dock").textContent(), /#12/);
  });

  test("shows where the run and the run without the fault part", async () => {
    const { tab } = await visit(file);
    const follows = () => tab.evaluate(() => document.querySelector(".parting").nextElementSibling.className);
    for (const depth of ["what led to it", "with context", "everything"]) {
      await tab.getByLabel(depth).check();
      assert.ok(await tab.getByText("Here the two runs part").isVisible());
      assert.match(await follows(), /apart/, `${depth}: at a row that only one of them has`);
    }
    assert.ok(await tab.locator(".row:not([hidden]) .there .what").first().isVisible());
  });

  test("on a phone shows one of the two runs, and no trace of what only the other has", async () => {
    const { tab } = await visit(file, { width: 390, height: 844 });
    const look = () => tab.evaluate(() => {
      const seen = [...document.querySelector("#rows").children].filter(item => !item.hidden && item.className !== "parting");
      return {
        empty: seen.filter(item => item.matches(".row") && ![...item.querySelectorAll("a.cell")].some(cell => cell.offsetParent)).length,
        stacked: seen.filter((item, at) => item.matches(".fold") && seen[at + 1]?.matches(".fold")).length,
        rows: seen.filter(item => item.matches(".row")).length,
      };
    });
    for (const run of ["as it was", "without the fault"]) {
      await tab.getByLabel(run).check();
      const { empty, stacked, rows } = await look();
      assert.ok(rows > 3, `${run}: ${rows} rows`);
      assert.deepEqual({ empty, stacked }, { empty: 0, stacked: 0 }, run);
    }
  });

  test("explains the words of its events", async () => {
    const { tab } = await visit(file);
    await tab.getByText("Words", { exact: true }).click();
    assert.match(await tab.locator("dl.words").textContent(), /lease.*a lock that expires/);
  });

  test("offers no way to a violation where nothing broke", async () => {
    const { tab } = await visit(page("scenarios/standby/paused-leader.toml"));
    assert.match(await tab.title(), /^nothing broke/);
    assert.equal(await tab.locator(".keys").getByText("the violation").count(), 0);
  });

  test("can be read without its script", async () => {
    const { tab } = await visit(file, { script: false });
    assert.ok(await tab.locator("ol.story li").count() > 3);
    assert.ok(await shown(tab) > 5);
    assert.ok(await tab.locator(".tools").isHidden());
  });

  for (const colours of ["light", "dark"]) {
    for (const width of [1440, 390]) {
      test(`is accessible in ${colours} at ${width} pixels, and fits`, async () => {
        const { tab, trouble } = await visit(file, { width, height: 844, colours });
        if (width < 1000) await tab.getByLabel("without the fault").check();
        await tab.keyboard.press("v");
        assert.deepEqual(await inaccessible(tab), []);
        const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} pixels of ${width}`);
        assert.deepEqual(trouble, []);
        await tab.close();
      });
    }
  }
});

// Every text of its run is markup and script: `cargo test --test integration -- markup` writes it.
describe("the page of a run full of markup and script", () => {
  const file = join(repository, "target/tmp/markup.html");

  test("runs none of it, and shows it as it is", async () => {
    assert.ok(existsSync(file), `${file} is written by \`cargo test --test integration -- markup\``);
    const { tab, trouble } = await visit(file);
    await tab.getByLabel("everything").check();
    const cells = await tab.locator("#rows a.cell").count();
    assert.ok(cells > 10);
    for (let at = 0; at < cells; at++) await tab.locator("#rows a.cell").nth(at).focus();
    assert.equal(await tab.evaluate(() => globalThis.ran), undefined);
    assert.equal(await tab.locator("img, iframe, object, #rows script, #dock script").count(), 0);
    assert.ok((await tab.locator("main").textContent()).includes("<img src=x onerror="));
    assert.deepEqual(trouble, []);
  });
});

describe("the page of a folder of failures", () => {
  test("shows what broke by which faults, and each failure with its picture", async () => {
    const file = page("seeds/standby", "--detection", "20");
    for (const [width, colours] of [[1440, "light"], [390, "dark"]]) {
      const { tab, trouble } = await visit(file, { width, colours });
      assert.ok(await tab.locator("section[aria-labelledby=faults] table.sheet tbody tr").count() > 1);
      assert.ok(await tab.locator("section[aria-labelledby=detection] table.sheet tbody tr").count() > 1);
      assert.ok(await tab.locator(".plot .sign").count() > 4);
      const failure = tab.locator("details.failure").first();
      await failure.locator("summary").click();
      assert.ok(await failure.locator("svg .mark").count() > 3);
      assert.match(await failure.textContent(), /perfidy replay seeds/);
      assert.deepEqual(await inaccessible(tab), []);
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth) <= width);
      assert.deepEqual(trouble, []);
    }
  });

  test("a run and a campaign write pages that lead to each other", async () => {
    const folder = pages("run", "scenarios/conductor/crash-before-record.toml", "--save", "all");
    const { tab, trouble } = await visit(join(folder, "index.html"));
    assert.ok(await tab.locator("table.cases tbody tr").count() > 1);
    await tab.locator("details.failure summary").first().click();
    await tab.getByRole("link", { name: "Its page, event by event" }).first().click();
    assert.ok(await shown(tab) > 3);
    assert.deepEqual(trouble, []);
  });
});

describe("the pages of campaigns", () => {
  const pages = {
    "an ablation is a heat map": ["ablate", "scenarios/conductor/lost-ack.toml", "--seeds", "30", "--format", "page"],
    "a comparison is a table":
      ["compare", "scenarios/conductor/lost-ack.toml", "scenarios/conductor/late-reply.toml", "--seeds", "20", "--format", "page"],
  };
  for (const [name, command] of Object.entries(pages)) {
    test(name, async () => {
      const file = output("html", ...command);
      for (const [width, colours] of [[1440, "light"], [390, "dark"]]) {
        const { tab, trouble } = await visit(file, { width, colours });
        assert.ok(await tab.locator("table.sheet tbody tr").count() > 2);
        assert.equal(await tab.locator("[class^=shade-]").count() > 0, command[0] === "ablate");
        assert.deepEqual(await inaccessible(tab), []);
        assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth) <= width);
        assert.deepEqual(trouble, []);
      }
    });
  }
});

// Ten thousand events: what is drawn is bounded, and what is folded is said.
describe("the page of a long run", () => {
  test("stays fluid and says what is left out", async () => {
    const { tab, trouble } = await visit(page("tests/browser/long.toml", "--seed", "1"));
    assert.ok(await tab.getByText(/The run has \d+ rows\. The 10000 nearest/).isVisible());
    const took = await tab.evaluate(async () => {
      const start = performance.now();
      document.querySelector("input[name=depth][value='3']").click();
      await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
      return performance.now() - start;
    });
    assert.ok(took < 2_000, `${took} ms to show everything`);
    const count = await tab.locator("#count").textContent();
    assert.match(count, /1000 of 10000 rows shown; 9000 more are folded/);
    await tab.locator(".fold button").first().click();
    assert.equal(await tab.locator("#count").textContent(), count, "what is unfolded takes the place of what is further away");
    const event = await tab.evaluate(() => document.querySelector("#rows > li.row[hidden] a.here").id);
    await tab.evaluate(event => { location.hash = `#${event}`; }, event);
    assert.ok(await tab.locator(`#${event}`).isVisible(), "every event can be come to");
    assert.deepEqual(trouble, []);
  });
});
