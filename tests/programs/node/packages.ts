/**
 * The same agent with the packages that many use, each with its own pools, timeouts and retries.
 *
 *     packages.ts WHICH [--key]
 *
 * WHICH is one of
 *     agents      OpenAI's agents SDK, with function tools
 *     ai          the AI SDK, with tools of its own kind
 *     mcp         the AI SDK's model, and the tools by the MCP SDK
 *
 * --key: an idempotency key for each step of the task. Whatever the packages do by default is left as it is.
 */
import { openai } from '@ai-sdk/openai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, run, setOpenAIAPI, setTracingDisabled, tool as functionTool } from '@openai/agents';
import { generateText, isStepCount, tool as aiTool, type ToolSet } from 'ai';
import { z } from 'zod';

const which = process.argv[2] ?? '';
const hasKeys = process.argv.includes('--key');
const prompt = process.env.PERFIDY_PROMPT ?? '';

const SCHEMAS = {
  ticketing_create: z.object({ title: z.string(), priority: z.number() }),
  mail_send: z.object({ to: z.string(), text: z.string() }),
};
type Tool = keyof typeof SCHEMAS;
const TOOLS = Object.keys(SCHEMAS) as Tool[];

/** Of the step, not of the call: a model that asks again gets the same key. */
const keyOf = (name: Tool) => `${process.env.PERFIDY_TASK}/${name}`;

/** Calls a tool once. What goes wrong is thrown: what becomes of it is a matter of the framework. */
async function call(name: Tool, args: unknown): Promise<string> {
  const response = await fetch(`http://${name.replace('_', '/')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(hasKeys ? { 'idempotency-key': keyOf(name) } : {}) },
    body: JSON.stringify(args),
    signal: AbortSignal.timeout(10_000),
  });
  return response.text();
}

async function withAgents(): Promise<string> {
  setOpenAIAPI('chat_completions');
  setTracingDisabled(true);
  const tools = TOOLS.map((name) =>
    functionTool({ name, description: name, parameters: SCHEMAS[name], execute: (args) => call(name, args) }),
  );
  const agent = new Agent({ name: 'support', instructions: 'Do what the user wants.', model: 'any', tools });
  return String((await run(agent, prompt)).finalOutput);
}

async function withAi(execute: (name: Tool, args: unknown) => Promise<string>): Promise<string> {
  const tools: ToolSet = {};
  for (const name of TOOLS) {
    tools[name] = aiTool({ inputSchema: SCHEMAS[name], execute: (args: unknown) => execute(name, args) });
  }
  const { text } = await generateText({ model: openai.chat('any'), prompt, tools, stopWhen: isStepCount(20) });
  return text;
}

async function withMcp(): Promise<string> {
  const client = new Client({ name: 'support', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(process.env.PERFIDY_MCP_URL ?? '')));
  const text = await withAi(async (name, args) => {
    const key = hasKeys ? { idempotency_key: keyOf(name) } : {};
    const result = await client.callTool({ name, arguments: { ...(args as object), ...key } });
    const [first] = result.content as { text: string }[];
    return first?.text ?? '';
  });
  await client.close();
  return text;
}

const agents: Record<string, () => Promise<string>> = { agents: withAgents, ai: () => withAi(call), mcp: withMcp };
console.log(await agents[which]?.());
