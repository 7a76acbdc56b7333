// Does what no simulated agent can do, or does badly: trouble.mjs WHAT.

import { execSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Worker } from 'node:worker_threads';

console.log('begins, {not a message}');
fs.writeSync(1, '{"exit": 0, "ops": []}\n');

const WHAT = {
  'unknown-host': () => fetch('http://api.example.com/issues'),
  'real-address': () => new Promise((_, fail) => net.connect(443, '93.184.216.34').on('error', fail)),
  encrypted: () => fetch('https://ticketing/create'),
  process: () => execSync('true'),
  thread: () => new Worker('./other.mjs'),
  listens: () => http.createServer().listen(8080, '127.0.0.1'),
  datagram: () => dgram.createSocket('udp4'),
  watches: () => fs.watch('.'),
  addon: () => process.dlopen({ exports: {} }, '/tmp/addon.node'),
  binding: () => process.binding('tcp_wrap'),
  lock: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  dies: () => process.abort(),
  'unhandled-rejection': () => setTimeout(() => Promise.reject(new Error('nobody waits for this')), 1_000),
  hangs: () => {
    for (;;);
  },
  flood: () => {
    for (let count = 0; count < 100; count += 1) console.log('x'.repeat(1 << 20));
  },
  'breaks-the-pipe': () => {
    for (let fd = 3; fd < 64; fd += 1) {
      try {
        fs.writeSync(fd, '{"ops":[["send",1]]}\n nonsense\n');
      } catch {
        // It is no socket, or not open.
      }
    }
  },
};

await WHAT[process.argv[2]]();
