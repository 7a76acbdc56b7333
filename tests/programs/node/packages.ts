/**
 * The same agent with the packages that many use, each with its own pools, timeouts and retries.
 *
 *     packages.ts WHICH [--key | --key-of-call]
 *
 * WHICH is one of
 *     agents      OpenAI's agents SDK, with function tools
 *     ai          the AI SDK, with tools of its own kind
 *     mcp         the AI SDK's model, and the tools by the MCP SDK
 *
 * --key: an idempotency key for each step of the task; --key-of-call: one for each call of the model, by the id that it gives it.
 * Whatever the packages do by default is left as it is.
 */
import { openai } from '@ai-sdk/openai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, run, setOpenAIAPI, setTracingDisabled, tool as functionTool } from '@openai/agents';
import { generateText, isStepCount, tool as aiTool, type ToolSet } from 'ai';
import { z } from 'zod';

const which = process.argv[2] ?? '';
const prompt = process.env.PERFIDY_PROMPT ?? '';

const SCHEMAS: Record<string, z.ZodObject> = {
  ticketing_create: z.object({ title: z.string(), priority: z.number() }),
  mail_send: z.object({ to: z.string(), text: z.string() }),
};

/** That of the step is the same when the model asks again; that of the call is not. */
function keyOf(name: string, call: string): string | undefined {
  if (process.argv.includes('--key-of-call')) return call;
  return process.argv.includes('--key') ? `${process.env.PERFIDY_TASK}/${name}` : undefined;
}

type Execute = (name: string, args: unknown, call: string) => Promise<string>;

/** Calls a tool once. What goes wrong is thrown: what becomes of it is a matter of the framework. */
const overHttp: Execute = async (name, args, call) => {
  const key = keyOf(name, call);
  const response = await fetch(`http://${name.replace('_', '/')}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) },
    body: JSON.stringify(args),
    signal: AbortSignal.timeout(10_000),
  });
  return response.text();
};

async function withAgents(): Promise<string> {
  setOpenAIAPI('chat_completions');
  setTracingDisabled(true);
  const tools = Object.entries(SCHEMAS).map(([name, parameters]) =>
    functionTool({
      name,
      description: name,
      parameters,
      execute: (args, _, details) => overHttp(name, args, details?.toolCall?.callId ?? ''),
    }),
  );
  const agent = new Agent({ name: 'support', instructions: 'Do what the user wants.', model: 'any', tools });
  return String((await run(agent, prompt)).finalOutput);
}

async function withAi(execute: Execute): Promise<string> {
  const tools: ToolSet = {};
  for (const [name, inputSchema] of Object.entries(SCHEMAS)) {
    tools[name] = aiTool({
      inputSchema,
      execute: (args: unknown, { toolCallId }) => execute(name, args, toolCallId),
    });
  }
  const { text } = await generateText({ model: openai.chat('any'), prompt, tools, stopWhen: isStepCount(20) });
  return text;
}

async function withMcp(): Promise<string> {
  const client = new Client({ name: 'support', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(process.env.PERFIDY_MCP_URL ?? '')));
  const text = await withAi(async (name, args, call) => {
    const key = keyOf(name, call);
    const all = { ...(args as object), ...(key ? { idempotency_key: key } : {}) };
    const result = await client.callTool({ name, arguments: all });
    const [first] = result.content as { text: string }[];
    return first?.text ?? '';
  });
  await client.close();
  return text;
}

const agents: Record<string, () => Promise<string>> = { agents: withAgents, ai: () => withAi(overHttp), mcp: withMcp };
console.log(await agents[which]?.());
