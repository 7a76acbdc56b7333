"""The same, where each call has an idempotency key: what is wanted, for which task."""

import json
import os

import httpx
from pydantic_ai import Agent, RunContext

agent = Agent("openai:gpt-5", deps_type=str, tool_timeout=10)


async def post(context: RunContext[str], url: str, arguments: dict) -> str:
    key = f"{context.deps} {url} {json.dumps(arguments, sort_keys=True)}"
    async with httpx.AsyncClient(timeout=None, headers={"idempotency-key": key}) as http:
        return (await http.post(url, json=arguments)).raise_for_status().text


@agent.tool
async def ticketing_create(context: RunContext[str], title: str, priority: int) -> str:
    """Files a ticket."""
    return await post(context, "http://ticketing/create", {"title": title, "priority": priority})


@agent.tool
async def mail_send(context: RunContext[str], to: str, text: str) -> str:
    """Sends a mail."""
    return await post(context, "http://mail/send", {"to": to, "text": text})


print(agent.run_sync(os.environ["PERFIDY_PROMPT"], deps=os.environ["PERFIDY_TASK"]).output)
