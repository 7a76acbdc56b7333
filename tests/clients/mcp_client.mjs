// An MCP client as many are: a timeout, and then the same call again. With --key it sends an idempotency key.
//
//     mcp_client.mjs [--key] COMMAND...     over standard input and output
//     mcp_client.mjs [--key]                over HTTP, at PERFIDY_MCP_URL

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const words = process.argv.slice(2);
const withKey = words[0] === "--key" && words.shift() !== undefined;
const [command, ...args] = words;
const transport = command
  ? new StdioClientTransport({ command, args })
  : new StreamableHTTPClientTransport(new URL(process.env.PERFIDY_MCP_URL));

const client = new Client({ name: "careless", version: "1.0.0" });
await client.connect(transport);

async function callUntilItWorks(name, args) {
  for (let tries = 0; tries < 5; tries++) {
    try {
      const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 1000 });
      if (!result.isError) return;
    } catch (error) {
      console.error(`${name}: ${error.message}, once more`);
    }
  }
  throw new Error(`${name} does not work`);
}

const tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
if (String(tools) !== "mail_send,tell_user,ticketing_create") throw new Error(String(tools));
const key = withKey ? { idempotency_key: "task-1/file-ticket" } : {};
await callUntilItWorks("ticketing_create", { title: "Login is down", priority: 2, ...key });
await callUntilItWorks("mail_send", { to: "customer", text: "We are on it." });
await client.callTool({ name: "tell_user", arguments: { done: true } });
await client.close();
