// Documents that the command writes, for the tests.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");
const perfidy = process.env.PERFIDY ?? join(repository, "target/debug/perfidy");
const folder = mkdtempSync(join(tmpdir(), "perfidy-reports-"));
let count = 0;

export const write = (ending, ...args) => {
  const file = join(folder, `${++count}.${ending}`);
  execFileSync(perfidy, ["report", ...args, "--output", file], { cwd: repository, stdio: "pipe" });
  return file;
};
// What a command writes to standard output, in a file.
export const output = (ending, ...args) => {
  const file = join(folder, `${++count}.${ending}`);
  writeFileSync(file, execFileSync(perfidy, args, { cwd: repository, stdio: ["ignore", "pipe", "pipe"] }));
  return file;
};
// The folder of pages that `run` or `fuzz` writes; what they find is no failure of this test.
export const pages = (...args) => {
  const at = mkdtempSync(join(folder, "pages-"));
  spawnSync(perfidy, [...args, "--pages", at, "--corpus", join(at, "seeds")], { cwd: repository, stdio: "pipe" });
  return at;
};
export const page = (...args) => write("html", ...args);
export const read = file => readFileSync(file, "utf8");

export const FAILURE = "seeds/standby/paused-leader-without-fencing-tokens-no-split-brain-bae20ea6.toml";
