'use strict';
// Timers and immediates, on the clock of this world.

const { AsyncResource } = require('node:async_hooks');
const Module = require('node:module');
const timers = require('node:timers');
const promises = require('node:timers/promises');
const { promisify } = require('node:util');
const { clock, refuse } = require('./channel.cjs');
const loop = require('./loop.cjs');

const NANOS_OF_MILLI = 1_000_000n;
const LONGEST = 2 ** 31 - 1;
const byNumber = new Map();
let made = 0;

function resource(kind) {
  return new AsyncResource(kind, { requireManualDestroy: true });
}

function checked(callback) {
  if (typeof callback === 'function') return callback;
  const error = new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`);
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** As Node reads a duration: whole milliseconds, and one at least. */
function millis(after) {
  const number = after * 1;
  return BigInt(number >= 1 && number <= LONGEST ? Math.trunc(number) : 1);
}

class Timeout {
  #callback;
  #after;
  #values;
  #repeats;
  #timer = null;
  #isRef = true;
  #number = (made += 1);
  #resource = resource('Timeout');

  constructor(callback, after, values, repeats) {
    this.#callback = checked(callback);
    this.#after = millis(after) * NANOS_OF_MILLI;
    this.#values = values;
    this.#repeats = repeats;
    this.#set();
  }

  #set() {
    this.#timer = loop.at(clock.monotonic + this.#after, () => this.#fire());
    if (this.#isRef) loop.hold();
  }

  #unset() {
    if (this.#timer === null) return false;
    loop.cancel(this.#timer);
    this.#timer = null;
    if (this.#isRef) loop.release();
    return true;
  }

  #fire() {
    const timer = this.#timer;
    try {
      this.#resource.runInAsyncScope(this.#callback, this, ...this.#values);
    } finally {
      // It may have been cleared, or set anew, by its callback.
      if (this.#timer === timer && this.#unset()) {
        if (this.#repeats) this.#set();
        else byNumber.delete(this.#number);
      }
    }
  }

  close() {
    this.#unset();
    byNumber.delete(this.#number);
    return this;
  }

  refresh() {
    this.#unset();
    this.#set();
    return this;
  }

  ref() {
    if (!this.#isRef && this.#timer !== null) loop.hold();
    this.#isRef = true;
    return this;
  }

  unref() {
    if (this.#isRef && this.#timer !== null) loop.release();
    this.#isRef = false;
    return this;
  }

  hasRef() {
    return this.#isRef;
  }

  [Symbol.toPrimitive]() {
    byNumber.set(this.#number, this);
    return this.#number;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

class Immediate {
  #isSet = true;
  #isRef = true;

  constructor(callback, values) {
    checked(callback);
    const of = resource('Immediate');
    loop.post(() => {
      if (this.#isSet) of.runInAsyncScope(callback, this, ...values);
      this.#isSet = false;
    });
  }

  close() {
    this.#isSet = false;
  }

  ref() {
    this.#isRef = true;
    return this;
  }

  unref() {
    this.#isRef = false;
    return this;
  }

  hasRef() {
    return this.#isRef;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

function clearTimer(timer) {
  const found = typeof timer === 'object' ? timer : byNumber.get(Number(timer));
  if (found instanceof Timeout) found.close();
}

const functions = {
  setTimeout: (callback, after, ...values) => new Timeout(callback, after, values, false),
  setInterval: (callback, after, ...values) => new Timeout(callback, after, values, true),
  setImmediate: (callback, ...values) => new Immediate(callback, values),
  clearTimeout: (timer) => clearTimer(timer),
  clearInterval: (timer) => clearTimer(timer),
  clearImmediate: (immediate) => {
    if (immediate instanceof Immediate) immediate.close();
  },
};

class AbortError extends Error {
  code = 'ABORT_ERR';
  name = 'AbortError';

  constructor(signal) {
    super('The operation was aborted', { cause: signal.reason });
  }
}

/** A promise that something keeps, unless a signal comes before. `begin` returns what is cleared then. */
function promised(begin, clear, { signal, ref = true } = {}) {
  return new Promise((keep, fail) => {
    if (signal?.aborted) {
      fail(new AbortError(signal));
      return;
    }
    const abort = () => {
      clear(started);
      fail(new AbortError(signal));
    };
    const started = begin((value) => {
      signal?.removeEventListener('abort', abort);
      keep(value);
    });
    if (!ref) started.unref();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

const { setTimeout, setImmediate, clearTimeout, clearImmediate } = functions;

async function* intervals(after, value, options = {}) {
  for (;;) yield await promised((keep) => setTimeout(keep, after, value), clearTimeout, options);
}

const inPromises = {
  setTimeout: (after, value, options) =>
    promised((keep) => setTimeout(keep, after, value), clearTimeout, options),
  setImmediate: (value, options) => promised((keep) => setImmediate(keep, value), clearImmediate, options),
  setInterval: intervals,
};

/** A sleep that blocks, as many write it: with a lock that nothing ever opens. */
function patchLocks() {
  const { wait } = Atomics;
  const sleep = (array, place, value, after = Infinity) => {
    if (Atomics.load(array, place) !== value) return wait(array, place, value, 0);
    if (after === Infinity) throw refuse('Atomics.wait without a time', 'no other thread could end it');
    loop.sleep(BigInt(Math.ceil(after * 1e6)));
    return 'timed-out';
  };
  Atomics.wait = sleep;
  const { register } = Module;
  // Node itself waits for the thread in which the hooks of a loader run, with what it finds here.
  Module.register = (...values) => {
    Atomics.wait = wait;
    try {
      return register(...values);
    } finally {
      Atomics.wait = sleep;
    }
  };
}

function install() {
  for (const [name, replaced] of Object.entries(functions)) {
    Object.defineProperty(replaced, 'name', { value: name });
    timers[name] = globalThis[name] = replaced;
  }
  Object.assign(promises, inPromises);
  promises.scheduler.wait = (after, options) => inPromises.setTimeout(after, undefined, options);
  promises.scheduler.yield = () => inPromises.setImmediate();
  setTimeout[promisify.custom] = inPromises.setTimeout;
  setImmediate[promisify.custom] = inPromises.setImmediate;
  AbortSignal.timeout = (after) => {
    const controller = new AbortController();
    const late = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    setTimeout(() => controller.abort(late()), after).unref();
    return controller.signal;
  };
  patchLocks();
}

module.exports = { install };
//# sourceURL=perfidy:timers
