'use strict';
// What would run beside the script, or outside of its world, is refused, and the refusal is named to perfidy.

const { refuse } = require('./channel.cjs');

const NO_PROCESSES = 'another process would not be simulated; call what it does in JavaScript, or make it a tool';
const NO_THREADS = 'nothing runs beside the script here; call what it does in the script itself';
const NO_ADDONS = 'its threads and sockets would be of the real world; use what the package has in JavaScript';
const NO_WATCHING = 'nothing but the script changes its files';
const NO_SIGNALS = 'a simulated agent has no other process to signal';
const NO_INSPECTOR = 'it would be another clock; run the script by itself to debug it';

const REFUSED = {
  child_process: {
    instead: NO_PROCESSES,
    names: ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'],
  },
  worker_threads: { instead: NO_THREADS, names: ['Worker', 'BroadcastChannel'] },
  fs: { instead: NO_WATCHING, names: ['watch', 'watchFile'] },
  inspector: { instead: NO_INSPECTOR, names: ['open'] },
};

/** Not an arrow, as some of them are called with `new`. */
function refusing(name, instead) {
  return function () {
    throw refuse(name, instead);
  };
}

function install() {
  for (const [module, { instead, names }] of Object.entries(REFUSED)) {
    const exported = require(`node:${module}`);
    for (const name of names) exported[name] = refusing(`${module}.${name}`, instead);
  }
  require('node:fs').promises.watch = refusing('fs.promises.watch', NO_WATCHING);
  process.dlopen = refusing('a native addon', NO_ADDONS);
  process.kill = refusing('process.kill', NO_SIGNALS);
  process.binding = refusing('process.binding', 'it is of Node itself; use a module of Node');
  globalThis.BroadcastChannel = require('node:worker_threads').BroadcastChannel;
}

/** What the machine would decide, such as when memory is looked through for what is no longer needed. */
function patchMemory() {
  globalThis.FinalizationRegistry = class FinalizationRegistry {
    register() {}

    unregister() {
      return false;
    }
  };
  globalThis.WeakRef = class WeakRef {
    #target;

    constructor(target) {
      this.#target = target;
    }

    deref() {
      return this.#target;
    }
  };
  /** On this thread, where others would compile it on another one. */
  const { Module, Instance } = WebAssembly;
  WebAssembly.compile = async (bytes) => new Module(bytes);
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof Module) return new Instance(source, imports);
    const module = new Module(source);
    return { module, instance: new Instance(module, imports) };
  };
}

module.exports = { install, patchMemory };
//# sourceURL=perfidy:refusals
