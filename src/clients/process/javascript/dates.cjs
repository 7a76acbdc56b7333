'use strict';
// Clocks: dates, the clock of performance, and those of the process and the machine.

const os = require('node:os');
const hooks = require('node:perf_hooks');
const { clock } = require('./channel.cjs');

const NANOS_OF_MILLI = 1_000_000n;
const NANOS_OF_SECOND = 1_000_000_000n;

const now = () => Number(clock.wall / NANOS_OF_MILLI);

function patchDate() {
  const Real = Date;
  function SimulatedDate(...parts) {
    if (!new.target) return new Real(now()).toString();
    return Reflect.construct(Real, parts.length === 0 ? [now()] : parts, new.target);
  }
  Object.defineProperties(SimulatedDate, {
    name: { value: 'Date', configurable: true },
    length: { value: Real.length, configurable: true },
    prototype: { value: Real.prototype, writable: false },
    now: { value: now, writable: true, configurable: true },
    parse: { value: Real.parse, writable: true, configurable: true },
    UTC: { value: Real.UTC, writable: true, configurable: true },
  });
  Real.prototype.constructor = SimulatedDate;
  globalThis.Date = SimulatedDate;
}

/** A format without a date is of now. */
function patchFormats() {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, 'format').get;
  Object.defineProperty(prototype, 'format', {
    get() {
      const real = format.call(this);
      return (date) => real(date === undefined ? now() : date);
    },
    configurable: true,
  });
  const toParts = prototype.formatToParts;
  prototype.formatToParts = function (date) {
    return toParts.call(this, date === undefined ? now() : date);
  };
}

function patchPerformance(started) {
  const since = () => Number(clock.monotonic - started.monotonic) / 1e6;
  const origin = Number(started.wall) / 1e6;
  for (const place of [Object.getPrototypeOf(performance), performance]) {
    Object.defineProperty(place, 'now', { value: since, writable: true, configurable: true });
    Object.defineProperty(place, 'timeOrigin', { get: () => origin, configurable: true });
  }
  hooks.performance.now = since;
  Object.defineProperty(Event.prototype, 'timeStamp', { get: since, configurable: true });
}

function patchProcess(started) {
  const seconds = () => Number(clock.monotonic - started.monotonic) / 1e9;
  const hrtime = (before) => {
    const time = [Number(clock.monotonic / NANOS_OF_SECOND), Number(clock.monotonic % NANOS_OF_SECOND)];
    if (before === undefined) return time;
    const [whole, rest] = [time[0] - before[0], time[1] - before[1]];
    return rest < 0 ? [whole - 1, rest + 1e9] : [whole, rest];
  };
  hrtime.bigint = () => clock.monotonic;
  process.hrtime = hrtime;
  process.uptime = seconds;
  process.cpuUsage = () => ({ user: 0, system: 0 });
  os.uptime = () => Math.floor(Number(clock.monotonic / NANOS_OF_SECOND));
  os.loadavg = () => [0, 0, 0];
}

function install() {
  // The times at which the process has begun, of its own clocks.
  const started = { ...clock };
  patchDate();
  patchFormats();
  patchPerformance(started);
  patchProcess(started);
}

module.exports = { install };
//# sourceURL=perfidy:dates
