// An agent as many are: a loop around a model, whose tools are HTTP calls with a timeout and more tries.
//
//     support.mjs [--key] [--http]
//
// --key: an idempotency key for each step of the task; --http: by node:http, which keeps its connections, and not by fetch.
// It needs no package. Where the model is it finds in its environment, as with any agent.

import http from 'node:http';
import process from 'node:process';

const KEY = process.argv.includes('--key');
const BY_HTTP = process.argv.includes('--http');
const MODEL = `${process.env.OPENAI_BASE_URL}/chat/completions`;
const TRIES = 20;
const TOOLS = {
  ticketing_create: { title: 'string', priority: 'integer' },
  mail_send: { to: 'string', text: 'string' },
};
const agent = new http.Agent({ keepAlive: true });

const schema = (fields) => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }])),
});

async function byFetch(url, body, headers) {
  const response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(2_000) });
  return { status: response.status, text: await response.text() };
}

function byHttp(url, body, headers) {
  return new Promise((keep, fail) => {
    const request = http.request(url, { method: 'POST', headers, agent, timeout: 2_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('end', () => keep({ status: response.statusCode, text })).on('error', fail);
    });
    request.on('timeout', () => request.destroy(new Error('timed out'))).on('error', fail);
    request.end(body);
  });
}

async function post(url, body, key) {
  const headers = { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) };
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      const { status, text } = await (BY_HTTP ? byHttp : byFetch)(url, JSON.stringify(body), headers);
      if (status < 500 && status !== 429) return text;
    } catch (error) {
      console.error(`${url}: ${error.message}, once more`);
    }
    await new Promise((done) => setTimeout(done, 1_000 * Math.random()));
  }
  return '{"error": "timed out"}';
}

const tools = Object.entries(TOOLS).map(([name, fields]) => ({
  type: 'function',
  function: { name, parameters: schema(fields) },
}));
const messages = [{ role: 'user', content: process.env.PERFIDY_PROMPT }];
for (;;) {
  const reply = JSON.parse(await post(MODEL, { model: 'any', messages, tools }));
  const { message } = reply.choices[0];
  messages.push(message);
  if (!message.tool_calls?.length) {
    console.log(message.content);
    break;
  }
  for (const { id, function: called } of message.tool_calls) {
    const [tool, operation] = called.name.split('_');
    const key = KEY ? `${process.env.PERFIDY_TASK}/${operation}` : undefined;
    const content = await post(`http://${tool}/${operation}`, JSON.parse(called.arguments), key);
    messages.push({ role: 'tool', tool_call_id: id, content });
  }
}
