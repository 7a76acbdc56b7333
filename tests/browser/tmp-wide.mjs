import { open } from "./browser.mjs";
import { readdirSync } from "node:fs";
const { context, close } = await open();
const tab = await context.newPage();
await tab.setViewportSize({ width: 390, height: 800 });
const files = process.argv.slice(2);
for (const file of files) {
  await tab.goto("file://" + file);
  const [w, who] = await tab.evaluate(() => {
    const w = document.documentElement.scrollWidth;
    const who = w > 390 ? [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 391 && !e.closest(".scroll,svg,pre")).slice(-3).map(e => e.tagName + "." + e.className + ":" + e.textContent.slice(0, 80)) : [];
    return [w, who];
  });
  if (w > 390) console.log(w, file, who);
}
await close();
