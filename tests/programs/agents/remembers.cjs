// Files a ticket, and sleeps an hour before it does. It notes on its disk that it begins, and looks there first.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');

const NOTES = 'notes.txt';

/** A request by hand, over a socket. */
function post(host, path, body, key) {
  return new Promise((keep, fail) => {
    const data = JSON.stringify(body);
    const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nidempotency-key: ${key}\r\ncontent-length: ${data.length}\r\n\r\n`;
    const socket = net.connect({ host, port: 80, timeout: 2_000 });
    let text = '';
    // Nothing more is sent, so the service closes the connection when it has answered.
    socket.end(head + data);
    socket.setEncoding('utf8').on('data', (part) => (text += part));
    socket.on('timeout', () => socket.destroy(new Error('timed out'))).on('error', fail);
    socket.on('end', () => keep(text.startsWith('HTTP/1.1 200') ? JSON.parse(text.split('\r\n\r\n')[1]) : {}));
  });
}

async function main() {
  const started = performance.now();
  console.log(`draws ${Math.random()} at ${new Date().toISOString()}`);
  const isKnown = fs.existsSync(NOTES) && !process.argv.includes('--forgets');
  const key = isKnown ? fs.readFileSync(NOTES, 'utf8') : crypto.randomUUID();
  await fs.promises.writeFile(NOTES, key);
  await sleep(3_600_000);
  if (performance.now() - started < 3_600_000) throw new Error('it was woken early');
  let answer = {};
  while (answer.receipt === undefined) {
    answer = await post('ticketing', '/create', { title: 'Login is down', priority: 2 }, key).catch(() => ({}));
  }
  console.log(`task done on ${os.hostname()} as ${process.pid}, receipt ${answer.receipt}`);
}

main();
