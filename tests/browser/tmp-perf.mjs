import { open } from "./browser.mjs";
const { context, close } = await open();
const tab = await context.newPage(); tab.on("pageerror", e => console.log("ERR", e.message)); tab.on("console", m => console.log("LOG", m.text()));
for (const file of process.argv.slice(2)) {
  const t0 = performance.now();
  await tab.goto("file://" + file);
  await tab.waitForSelector("#count");
  await tab.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  const t1 = performance.now();
  const nav = await tab.evaluate(() => { const n = performance.getEntriesByType("navigation")[0]; return [n.domInteractive, n.domComplete]; });
  const timed = f => tab.evaluate(async f => { const start = performance.now(); eval(f); await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); return Math.round(performance.now() - start); }, f);
  console.log(file, "open", Math.round(t1 - t0), nav, await tab.textContent("#count"));
  console.log("everything", await timed(`document.querySelector("input[name=depth][value='3']").click()`), await tab.textContent("#count"));
  for (let i = 0; i < 3; i++) console.log("down", await timed(`document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}))`));
  console.log("v", await timed(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "v", bubbles: true}))`));
  for (let i = 0; i < 5; i++) console.log("left", await timed(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true}))`), await tab.textContent("#dock h2"));
  console.log("fold", await timed(`document.querySelector(".fold button")?.click()`), await tab.textContent("#count"));
  console.log("causes", await timed(`document.querySelector("input[name=depth]").click()`));
}
await close();
