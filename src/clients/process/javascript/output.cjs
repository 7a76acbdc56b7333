'use strict';
// What the script prints.

const fs = require('node:fs');
const { Writable } = require('node:stream');
const { say, flush } = require('./channel.cjs');

const NAMES = { 1: 'stdout', 2: 'stderr' };

/** At once: what a script printed last tells most if it dies or hangs. */
function print(fd, text) {
  say('print', NAMES[fd], text);
  flush();
}

function stream(fd) {
  const made = new Writable({
    decodeStrings: false,
    write(chunk, encoding, done) {
      print(fd, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      done();
    },
    // Node's own is never destroyed either.
    destroy: (error, done) => done(error),
  });
  return Object.assign(made, { fd, _type: 'pipe', _isStdio: true });
}

/** Loggers write to the numbers. */
function patchNumbers() {
  const { write, writeSync } = fs;
  const length = (data) => (typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength);
  const text = (data, place) => {
    if (typeof data === 'string') return data;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const [offset = 0, size = bytes.length - offset] = place.filter((value) => typeof value === 'number');
    return bytes.subarray(offset, offset + size).toString();
  };
  fs.writeSync = (fd, data, ...rest) => {
    if (!(fd in NAMES)) return writeSync(fd, data, ...rest);
    const said = text(data, rest);
    print(fd, said);
    return length(said);
  };
  fs.write = (fd, data, ...rest) => {
    if (!(fd in NAMES)) return write(fd, data, ...rest);
    const said = text(data, rest);
    print(fd, said);
    setImmediate(rest.at(-1), null, length(said), data);
    return undefined;
  };
}

function install() {
  for (const [fd, name] of Object.entries(NAMES)) {
    const value = stream(Number(fd));
    Object.defineProperty(process, name, { get: () => value, configurable: true, enumerable: true });
  }
  process._rawDebug = (...values) => print(2, require('node:util').format(...values));
  patchNumbers();
}

module.exports = { install };
//# sourceURL=perfidy:output
