import { open } from "./browser.mjs";
const { context, close } = await open();
const tab = await context.newPage(); tab.on("pageerror", e => console.log("ERR", e.message));
let n = 0;
for (const arg of process.argv.slice(2)) {
  const [file, keys, w, h] = arg.split("|");
  await tab.setViewportSize({ width: +(w || 1440), height: +(h || 1000) });
  await tab.goto("file://" + file);
  for (const key of (keys || "").split(",").filter(Boolean)) await tab.keyboard.press(key);
  if (keys) { await tab.waitForTimeout(150); await tab.screenshot({ path: `/tmp/sh/${++n}.png` }); }
  else await tab.screenshot({ path: `/tmp/sh/${++n}.png`, fullPage: true });
}
await close();
