'use strict';
// Connections to the services of the scenario. Sockets are those of Node, with its HTTP and that of undici on them,
// from the bytes upwards; what is below is replaced here.

const { AsyncResource } = require('node:async_hooks');
const dns = require('node:dns');
const net = require('node:net');
const os = require('node:os');
const { Duplex } = require('node:stream');
const { promisify } = require('node:util');
const { say, refuse, onEvent } = require('./channel.cjs');
const loop = require('./loop.cjs');

const OWN_ADDRESS = '10.0.0.1';
const FIRST_PORT = 49_151;
const ONLY_CLIENTS = 'a simulated agent only connects to the services of its scenario';
const ONLY_PLAIN = 'TLS is not simulated; use http:// for the services of the scenario';

const addresses = new Map();
const connections = new Map();
const its = Symbol('connection');
const timer = Symbol('timer');
let made = 0;

function systemError(code, errno, syscall, more = {}) {
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall, ...more });
}

/** The name of a host by its name or its address, if the scenario has it. */
function hostOf(host) {
  if (addresses.has(host)) return host;
  for (const [name, address] of addresses) if (address === host) return name;
  return null;
}

function unknown(host) {
  const known = [...addresses.keys()].join(', ');
  const error = refuse(`a connection to \`${host}\``, `the scenario has no such host; it has ${known}`, 'ENOTFOUND');
  return Object.assign(error, { errno: -3008, syscall: 'getaddrinfo', hostname: host });
}

/** A connection as it is below a socket. */
class Connection {
  constructor(socket, host, port) {
    this.number = made += 1;
    this.socket = socket;
    this.isOpen = this.isOver = false;
    this.isRef = true;
    this.scope = new AsyncResource('TCPWRAP', { requireManualDestroy: true });
    connections.set(this.number, this);
    loop.hold();
    socket._peername = { address: addresses.get(host), family: 'IPv4', port };
    socket._sockname = { address: OWN_ADDRESS, family: 'IPv4', port: FIRST_PORT + (this.number % 16_000) };
    say('open', this.number, host, port);
  }

  hears(kind, data) {
    const { socket } = this;
    if (socket.destroyed) return;
    socket._unrefTimer();
    if (kind === 'opened') {
      this.isOpen = true;
      socket.connecting = false;
      socket.emit('connect');
      socket.emit('ready');
      if (socket.readable && !socket.isPaused()) socket.read(0);
    } else if (kind === 'data') {
      socket.push(Buffer.from(data, 'latin1'));
    } else if (kind === 'reset') {
      this.isOver = true;
      socket.destroy(systemError('ECONNRESET', -104, 'read'));
    } else {
      this.isOver = true;
      socket.push(null);
      socket.read(0);
    }
  }

  setRef(isRef) {
    if (isRef !== this.isRef && connections.has(this.number)) (isRef ? loop.hold : loop.release)();
    this.isRef = isRef;
  }

  close() {
    if (!connections.delete(this.number)) return;
    if (this.isRef) loop.release();
    say('close', this.number);
  }
}

function connect(...given) {
  const [options, callback] = Array.isArray(given[0]) ? given[0] : net._normalizeArgs(given);
  if (this.destroyed) this._undestroy();
  if (callback) this.once('connect', callback);
  this.connecting = true;
  const fail = (error) => process.nextTick(() => this.destroy(error));
  if (options.path) {
    fail(systemError('ENOENT', -2, 'connect', { address: options.path }));
    return this;
  }
  const wanted = options.host || 'localhost';
  const host = hostOf(wanted);
  if (host === null) {
    fail(unknown(wanted));
    return this;
  }
  const isRef = this[its]?.isRef ?? true;
  this[its] = new Connection(this, host, Number(options.port));
  this[its].setRef(isRef);
  this.emit('lookup', null, addresses.get(host), 4, host);
  return this;
}

const onSocket = {
  connect,

  _read() {},

  _write(data, encoding, done) {
    const connection = this[its];
    if (connection === undefined) {
      this.once('connect', () => this._write(data, encoding, done));
      return;
    }
    this._unrefTimer();
    if (connection.isOver) {
      done(systemError('EPIPE', -32, 'write'));
      return;
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
    say('send', connection.number, Buffer.from(bytes).toString('latin1'));
    done();
  },

  _writev(chunks, done) {
    const bytes = chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
    this._write(Buffer.concat(bytes), 'buffer', done);
  },

  _final(done) {
    if (this[its] !== undefined && !this[its].isOver) say('finish', this[its].number);
    done();
  },

  _destroy(error, done) {
    this.connecting = false;
    this[timer]?.close();
    this[its]?.close();
    done(error);
    process.nextTick(() => this.emit('close', Boolean(error)));
  },

  setTimeout(after, callback) {
    if (this.destroyed) return this;
    this.timeout = after;
    this[timer]?.close();
    this[timer] = null;
    if (after === 0) {
      if (callback) this.removeListener('timeout', callback);
      return this;
    }
    this[timer] = setTimeout(() => this.emit('timeout'), after).unref();
    if (callback) this.once('timeout', callback);
    return this;
  },

  _unrefTimer() {
    this[timer]?.refresh();
  },

  ref() {
    this[its]?.setRef(true);
    return this;
  },

  unref() {
    if (this[its] === undefined) this.once('connect', this.unref);
    else this[its].setRef(false);
    return this;
  },

  resetAndDestroy() {
    return this.destroy();
  },

  pause: Duplex.prototype.pause,
  resume: Duplex.prototype.resume,
  read: Duplex.prototype.read,
  _getpeername() {
    return this.connecting ? {} : this._peername ?? {};
  },
  _getsockname() {
    return this._sockname ?? {};
  },
};

/** The answers of name servers: the hosts of the scenario, and no others. */
function patchNames() {
  const addressOf = (name) => {
    const host = hostOf(name);
    if (host === null) throw unknown(name);
    return addresses.get(host);
  };
  const lookup = (name, options) => {
    const found = { address: addressOf(name), family: 4 };
    return options?.all ? [found] : found;
  };
  const answers = {
    lookup,
    resolve: (name, kind = 'A') => {
      if (kind !== 'A') throw unknown(name);
      return [addressOf(name)];
    },
    resolve4: (name, options) => (options?.ttl ? [{ address: addressOf(name), ttl: 60 }] : [addressOf(name)]),
    lookupService: (address, port) => ({ hostname: hostOf(address) ?? address, service: String(port) }),
  };
  const others = Object.keys(dns.promises).filter((name) => /^(resolve|reverse)/.test(name) && !(name in answers));
  for (const name of others) answers[name] = (what) => { throw unknown(what); };
  for (const [name, answer] of Object.entries(answers)) {
    const promised = async (...given) => answer(...given);
    dns.promises[name] = promised;
    dns[name] = (...given) => {
      const callback = given.pop();
      const found = name === 'lookup' && typeof given[1] === 'number' ? promised(given[0]) : promised(...given);
      found.then(
        (value) => {
          const isOne = name === 'lookup' && !Array.isArray(value);
          if (isOne) callback(null, value.address, value.family);
          else if (name === 'lookupService') callback(null, value.hostname, value.service);
          else callback(null, value);
        },
        (error) => callback(error),
      );
    };
    dns[name][promisify.custom] = promised;
  }
}

/** What Node has in the place of a connection that is encrypted, or is none of a client. */
function patchOthers() {
  const tls = require('node:tls');
  tls.connect = (...given) => {
    const [options, callback] = net._normalizeArgs(given);
    const socket = new net.Socket();
    if (callback) socket.once('secureConnect', callback);
    const host = options.host || 'localhost';
    const error = hostOf(host) === null ? unknown(host) : refuse('an encrypted connection', ONLY_PLAIN);
    process.nextTick(() => socket.destroy(error));
    return socket;
  };
  net.Server.prototype.listen = () => {
    throw refuse('listening', ONLY_CLIENTS);
  };
  require('node:dgram').createSocket = () => {
    throw refuse('a socket of UDP', ONLY_CLIENTS);
  };
}

function install(hosts) {
  for (const [name, address] of Object.entries(hosts)) addresses.set(name, address);
  onEvent((kind, number, data) => {
    const connection = connections.get(number);
    if (connection !== undefined) loop.post(() => connection.scope.runInAsyncScope(connection.hears, connection, kind, data));
  });
  for (const [name, value] of Object.entries(onSocket)) {
    Object.defineProperty(net.Socket.prototype, name, { value, writable: true, configurable: true });
  }
  Object.defineProperty(net.Socket.prototype, 'pending', {
    get() {
      return this.connecting || this[its] === undefined;
    },
    configurable: true,
  });
  patchNames();
  patchOthers();
  os.hostname = () => 'agent';
  os.networkInterfaces = () => ({});
}

module.exports = { install };
//# sourceURL=perfidy:network
