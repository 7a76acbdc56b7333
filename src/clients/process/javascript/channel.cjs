'use strict';
// The way to perfidy: lines of JSON on one socket, in strict turns. It is read by a call that blocks, so nothing in
// the process moves while perfidy has its turn.

const { readSync, writeSync } = require('node:fs');
const { parse, stringify } = JSON;
const leave = process.reallyExit.bind(process);

const SOCKET = 3;
const MOST_UNSENT = 1 << 16;

/** What time it is, in nanoseconds. It stands still while JavaScript runs. */
const clock = { monotonic: 0n, wall: 0n };

const buffer = Buffer.allocUnsafe(1 << 16);
let unread = [];
let said = [];
let size = 0;
let hearEvent = () => {};

/** Sends what was said, and more of which the text is JSON, each part with a comma before it. */
function send(more = '') {
  const line = Buffer.from(`{"ops":${stringify(said)}${more}}\n`);
  said = [];
  size = 0;
  for (let sent = 0; sent < line.length; ) sent += writeSync(SOCKET, line, sent);
}

/** Says what the script does. */
function say(...operation) {
  // Half a character is no text for perfidy.
  const words = operation.map((part) => (typeof part === 'string' ? part.toWellFormed() : part));
  said.push(words);
  for (const part of words) size += typeof part === 'string' ? part.length : 0;
  if (size > MOST_UNSENT) send();
}

function flush() {
  if (said.length > 0) send();
}

function readLine() {
  for (;;) {
    const last = unread.at(-1);
    const end = last === undefined ? -1 : last.indexOf(10);
    if (end >= 0) {
      const line = Buffer.concat([...unread.slice(0, -1), last.subarray(0, end)]).toString();
      unread = end + 1 < last.length ? [last.subarray(end + 1)] : [];
      return line;
    }
    const count = readSync(SOCKET, buffer, 0, buffer.length);
    // Perfidy has gone.
    if (count === 0) leave(70);
    unread.push(Buffer.from(buffer.subarray(0, count)));
  }
}

/** Hears what time it is and what has happened. Times have more digits than a number of JavaScript. */
function hear() {
  const line = readLine();
  const [, monotonic, wall] = /^\{"now":(\d+),"wall":(\d+),/.exec(line);
  clock.monotonic = BigInt(monotonic);
  clock.wall = BigInt(wall);
  for (const event of parse(line).events) hearEvent(...event);
}

/** Waits until something happens, or until a time if there is one. */
function wait(due) {
  send(due === null ? ',"waits":true' : `,"waits":true,"due":${due}`);
  hear();
}

function end(status) {
  send(`,"exit":${status & 0xff}`);
  leave(0);
}

/** The script asks for what there is not in this world: the error that says so. */
function refuse(what, instead, code = 'ERR_PERFIDY_REFUSED') {
  say('refused', `${what}: ${instead}`);
  return Object.assign(new Error(`perfidy: ${what}: ${instead}`), { code });
}

function onEvent(listener) {
  hearEvent = listener;
}

module.exports = { clock, say, flush, wait, hear, end, refuse, onEvent, start: () => parse(readLine()) };
//# sourceURL=perfidy:channel
