'use strict';
// Randomness that depends on the seed of the run and on nothing else.

const crypto = require('node:crypto');
const fs = require('node:fs');

/** A generator of 32 bits at a time: sfc32, which passes the usual tests and needs no more than additions. */
function generator(seed, stream) {
  let [a, b, c, count] = [Number(seed & 0xffffffffn) | 0, Number((seed >> 32n) & 0xffffffffn) | 0, stream | 0, 1];
  const next = () => {
    const drawn = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  };
  for (let turn = 0; turn < 15; turn += 1) next();
  return next;
}

function patchMath(next) {
  Math.random = () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

function patchCrypto(next) {
  const fill = (bytes) => {
    for (let place = 0; place < bytes.length; ) {
      let word = next();
      for (let end = Math.min(place + 4, bytes.length); place < end; place += 1, word >>>= 8) {
        bytes[place] = word & 0xff;
      }
    }
  };
  const bytesOf = (view, offset = 0, size = undefined) => {
    const isBuffer = view instanceof ArrayBuffer || view instanceof SharedArrayBuffer;
    const bytes = isBuffer ? new Uint8Array(view) : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const width = view.BYTES_PER_ELEMENT ?? 1;
    return bytes.subarray(offset * width, size === undefined ? undefined : (offset + size) * width);
  };
  /** With a callback when there is one, which is called later. */
  const told = (callback, make) => {
    if (callback === undefined) return make();
    const value = make();
    setImmediate(callback, null, value);
    return undefined;
  };
  const randomFillSync = (view, offset, size) => {
    fill(bytesOf(view, offset, size));
    return view;
  };
  const randomBytes = (size, callback) => told(callback, () => randomFillSync(Buffer.alloc(size)));
  const randomFill = (view, ...rest) => {
    const callback = rest.pop();
    told(callback, () => randomFillSync(view, ...rest));
  };
  const randomInt = (...bounds) => {
    const callback = typeof bounds.at(-1) === 'function' ? bounds.pop() : undefined;
    const [low, high] = bounds.length === 1 ? [0, bounds[0]] : bounds;
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high)) {
      const error = new RangeError(`The range from ${low} to ${high} has no whole number`);
      throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
    }
    const drawn = () => low + Number(((BigInt(next()) << 32n) | BigInt(next())) % BigInt(high - low));
    return told(callback, drawn);
  };
  const randomUUID = () => {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
  const getRandomValues = (view) => randomFillSync(view);
  const inModule = { randomBytes, randomFillSync, randomFill, randomInt, randomUUID };
  for (const name of ['pseudoRandomBytes', 'prng', 'rng']) inModule[name] = randomBytes;
  for (const [name, value] of Object.entries(inModule)) {
    Object.defineProperty(crypto, name, { value, writable: true, enumerable: true, configurable: true });
  }
  // What the module has of these asks the object of the web's API.
  Object.assign(Object.getPrototypeOf(crypto.webcrypto), { getRandomValues, randomUUID });
}

/** The names of temporary folders. */
function patchFolders(next) {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const named = (prefix) => {
    let name = String(prefix);
    for (let count = 0; count < 6; count += 1) name += letters[next() % letters.length];
    return name;
  };
  fs.mkdtempSync = (prefix) => {
    const name = named(prefix);
    fs.mkdirSync(name, { mode: 0o700 });
    return name;
  };
  fs.promises.mkdtemp = async (prefix) => {
    const name = named(prefix);
    await fs.promises.mkdir(name, { mode: 0o700 });
    return name;
  };
  fs.mkdtemp = (prefix, ...rest) => {
    const name = named(prefix);
    fs.mkdir(name, { mode: 0o700 }, (error) => rest.at(-1)(error, error ? undefined : name));
  };
}

function install(seed) {
  patchMath(generator(seed, 1));
  patchCrypto(generator(seed, 2));
  patchFolders(generator(seed, 3));
}

module.exports = { install };
//# sourceURL=perfidy:randomness
