// Looks at every clock, timer and source of randomness, and then does its task as support.mjs does. It ends with an error if one is
// not what it should be; what it draws it prints, so that an audit compares it.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto, { randomBytes, randomInt, randomUUID, webcrypto } from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import os from 'node:os';
import timers, { setInterval as ticks, setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const MINUTE = 60_000;

async function takes(millis, work) {
  const before = [Date.now(), performance.now(), process.hrtime.bigint(), process.uptime()];
  await work();
  assert.equal(Date.now() - before[0], millis);
  assert.equal(Math.round(performance.now() - before[1]), millis);
  assert.equal(process.hrtime.bigint() - before[2], BigInt(millis) * 1_000_000n);
  assert.equal(Math.round((process.uptime() - before[3]) * 1_000), millis);
}

await takes(MINUTE, () => sleep(MINUTE));
await takes(MINUTE, () => new Promise((done) => setTimeout(done, MINUTE)));
await takes(MINUTE, () => promisify(setTimeout)(MINUTE));
await takes(MINUTE, () => timers.scheduler.wait(MINUTE));
await takes(MINUTE, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MINUTE));
await takes(1, () => sleep(0));
await takes(0, () => timers.setImmediate());
await takes(3 * MINUTE, async () => {
  let count = 0;
  for await (const value of ticks(MINUTE, 'tick')) if (value === 'tick' && (count += 1) === 3) break;
});
await takes(3 * MINUTE, async () => {
  let count = 0;
  await new Promise((done) => {
    const interval = setInterval(() => (count += 1) === 3 && (clearInterval(interval), done()), MINUTE);
  });
});
// A signal with a timeout holds no process, and what waits for nothing else would end it.
await takes(MINUTE, async () => {
  const held = setTimeout(() => {}, 2 * MINUTE);
  await assert.rejects(sleep(5 * MINUTE, null, { signal: AbortSignal.timeout(MINUTE) }), { name: 'AbortError' });
  clearTimeout(held);
});

// What is cleared or given up never comes, and a timer that is refreshed comes later.
const never = () => assert.fail('it was cleared');
clearTimeout(setTimeout(never, 5));
clearTimeout(`${Number(setTimeout(never, 5))}`);
clearImmediate(setImmediate(never));
const giveUp = new AbortController();
setTimeout(() => giveUp.abort(), 5);
await assert.rejects(sleep(MINUTE, null, { signal: giveUp.signal }), { name: 'AbortError', code: 'ABORT_ERR' });
await takes(1_500, async () => {
  await new Promise((done) => {
    const timer = setTimeout(done, 1_000);
    setTimeout(() => timer.refresh(), 500);
  });
});

// One thing at a time: what runs in the pool of threads comes before the next timer, however long it takes.
const order = [];
const note = (what) => () => order.push(what);
setTimeout(note('in 2 ms'), 2);
setTimeout(note('in 1 ms'), 1);
setImmediate(note('immediate'));
process.nextTick(note('tick'));
crypto.pbkdf2('a', 'b', 20_000, 32, 'sha256', note('crypto'));
zlib.gzip('x'.repeat(100_000), note('zlib'));
fs.readFile(new URL(import.meta.url), note('file'));
await sleep(10);
assert.deepEqual(order.filter((what) => !['crypto', 'zlib', 'file'].includes(what)), ['tick', 'immediate', 'in 1 ms', 'in 2 ms']);
assert.equal(order.indexOf('immediate'), 4);
console.log(order.join());

// A callback has the context of the code that asked for it.
const context = new AsyncLocalStorage();
await context.run('mine', async () => {
  await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => setImmediate(done));
  await fetch('http://model/v1/models');
  assert.equal(context.getStore(), 'mine');
});

// Dates.
const now = new Date();
assert.ok(now instanceof Date && now.getFullYear() === 2026 && typeof Date() === 'string');
assert.equal(new (class extends Date {})().getTime(), now.getTime());
assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
assert.equal(new Intl.DateTimeFormat('en', { year: 'numeric' }).format(), '2026');
assert.ok(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1);

// Randomness, and what else is of the machine.
assert.match(randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const later = await promisify(randomBytes)(4);
const drawn = [Math.random(), randomUUID(), randomBytes(8).toString('hex'), later.toString('hex'), randomInt(1_000), randomInt(-5, 5)];
drawn.push(...webcrypto.getRandomValues(new Uint8Array(4)), crypto.getRandomValues(new Uint16Array(2)).join(), globalThis.crypto.randomUUID());
drawn.push(fs.mkdtempSync('folder-'), process.pid, process.ppid, os.hostname());
assert.equal(new Set(drawn.slice(0, 4)).size, 4);
console.log(drawn.join(' '), 'half a character: \ud83d');
assert.deepEqual(await dns.promises.lookup('ticketing'), await promisify(dns.lookup)('ticketing'));
assert.ok(fs.readFileSync(0).length === 0);

await import('./support.mjs');
