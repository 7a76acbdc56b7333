// Pages look as they did when they were last approved: a screenshot, reduced to the brightness of 32 by 24 parts,
// is near the one that is kept. Fonts and browsers differ a little; what is missing, empty or out of place differs much.
// LOOKS=write keeps what there is now, after it was looked at; the screenshots are in target/tmp/looks.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { open } from "./browser.mjs";
import { FAILURE, output, page, repository } from "./reports.mjs";

const file = join(dirname(fileURLToPath(import.meta.url)), "looks.json");
const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const folder = join(repository, "target/tmp/looks");
let browser;
before(async () => { mkdirSync(folder, { recursive: true }); browser = await open(); });
after(async () => {
  await browser.close();
  if (process.env.LOOKS === "write") writeFileSync(file, JSON.stringify(known, null, 1) + "\n");
});

// The brightness of each part, as digits of base 36.
const brightness = async png => {
  const tab = await browser.context.newPage();
  const parts = await tab.evaluate(async data => {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 24 });
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, 32, 24);
    const { data: colours } = pen.getImageData(0, 0, 32, 24);
    return Array.from({ length: 32 * 24 }, (_, at) =>
      Math.round((0.3 * colours[4 * at] + 0.59 * colours[4 * at + 1] + 0.11 * colours[4 * at + 2]) * 35 / 255));
  }, png.toString("base64"));
  await tab.close();
  return parts.map(part => part.toString(36)).join("").match(/.{32}/g);
};

const failure = page(FAILURE), campaign = page("seeds/standby");
const ablation = output("html", "ablate", "scenarios/conductor/lost-ack.toml", "--seeds", "30", "--format", "page");
const views = [];
for (const [name, file, part] of [["failure", failure, "h1"], ["picture", failure, "#picture"], ["campaign", campaign, "h1"], ["ablation", ablation, "h1"]]) {
  for (const [width, height, colours] of [[1440, 900, "light"], [1440, 900, "dark"], [390, 844, "light"]]) {
    views.push([`${name}, ${width} pixels, ${colours}`, file, part, { width, height }, colours]);
  }
}

for (const [name, file, part, size, colours] of views) {
  test(`${name}: looks as it did`, async () => {
    const tab = await browser.context.newPage();
    await tab.setViewportSize(size);
    await tab.emulateMedia({ colorScheme: colours });
    await tab.goto(`file://${file}`);
    await tab.locator(part).first().evaluate(element => element.scrollIntoView({ behavior: "instant" }));
    const png = await tab.screenshot({ path: join(folder, `${name.replaceAll(", ", "-").replaceAll(" ", "-")}.png`) });
    await tab.close();
    const now = await brightness(png);
    if (process.env.LOOKS === "write") known[name] = now;
    assert.ok(known[name], "LOOKS=write keeps how it looks");
    const digits = rows => [...rows.join("")].map(digit => parseInt(digit, 36) / 35);
    const before = digits(known[name]);
    const differences = digits(now).map((part, at) => Math.abs(part - before[at]));
    const mean = differences.reduce((sum, part) => sum + part) / differences.length;
    const far = differences.filter(part => part > 0.3).length / differences.length;
    assert.ok(mean < 0.06 && far < 0.06, `${(100 * mean).toFixed(1)}% brighter or darker, ${(100 * far).toFixed(1)}% of it by much: ${folder}`);
  });
}

test("an empty page does not look like a failure", async () => {
  const tab = await browser.context.newPage();
  const empty = await brightness(await tab.screenshot());
  const name = "failure, 1440 pixels, light";
  const difference = empty.join("") === known[name]?.join("");
  assert.equal(difference, false);
});
