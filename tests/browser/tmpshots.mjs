import { open } from "./browser.mjs";
const { context, close } = await open();
const tab = await context.newPage();
tab.setDefaultTimeout(90000);
const shot = async (file, out, { width = 1440, height = 1000, colours = "light", at = null, full = false } = {}) => {
  await tab.setViewportSize({ width, height });
  await tab.emulateMedia({ colorScheme: colours });
  await tab.goto("file://" + file);
  if (at) await tab.locator(at).first().evaluate(e => e.scrollIntoView({ behavior: "instant" }));
  await tab.screenshot({ path: out, fullPage: full, timeout: 90000 });
};
for (const args of JSON.parse(process.argv[2])) await shot(...args);
await close();
