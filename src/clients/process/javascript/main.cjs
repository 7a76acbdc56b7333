'use strict';
// The world of an agent in JavaScript: its clock, its randomness, its network and what it prints, all of them simulated.
//
// Node loads this before the script, which then runs unmodified until nothing in it can go on. Then the process says
// when its next timer is due, and waits until perfidy says what time it is and what has arrived. So time passes only
// while the script waits. What would leave this world (real sockets, processes, threads) is refused, and named to perfidy.

const { syncBuiltinESMExports } = require('node:module');
const { isMainThread } = require('node:worker_threads');

/** Others are Node's own, such as the one in which the hooks of a loader run. */
if (isMainThread) {
  const channel = require('./channel.cjs');
  const start = channel.start();
  channel.hear();
  require('./loop.cjs').install();
  require('./timers.cjs').install();
  require('./dates.cjs').install();
  require('./randomness.cjs').install(BigInt(start.seed));
  require('./output.cjs').install();
  require('./network.cjs').install(start.hosts);
  require('./ports.cjs').install();
  const refusals = require('./refusals.cjs');
  refusals.install();
  refusals.patchMemory();
  Object.defineProperty(process, 'pid', { value: start.pid, enumerable: true });
  Object.defineProperty(process, 'ppid', { get: () => 1, enumerable: true });
  if (!start.entersLater) process.chdir(start.folder);
  module.exports = { enter: () => process.chdir(start.folder) };
  syncBuiltinESMExports();
}
//# sourceURL=perfidy:main
