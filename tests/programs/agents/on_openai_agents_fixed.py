"""The same, where each call has an idempotency key: what is wanted, for which task."""

import json
import os

import httpx
from agents import Agent, RunContextWrapper, Runner, function_tool


async def post(context: RunContextWrapper[str], url: str, arguments: dict) -> str:
    key = f"{context.context} {url} {json.dumps(arguments, sort_keys=True)}"
    async with httpx.AsyncClient(headers={"idempotency-key": key}) as http:
        return (await http.post(url, json=arguments)).raise_for_status().text


@function_tool
async def ticketing_create(context: RunContextWrapper[str], title: str, priority: int) -> str:
    """Files a ticket."""
    return await post(context, "http://ticketing/create", {"title": title, "priority": priority})


@function_tool
async def mail_send(context: RunContextWrapper[str], to: str, text: str) -> str:
    """Sends a mail."""
    return await post(context, "http://mail/send", {"to": to, "text": text})


agent = Agent(name="Support", tools=[ticketing_create, mail_send])
task, prompt = os.environ["PERFIDY_TASK"], os.environ["PERFIDY_PROMPT"]
print(Runner.run_sync(agent, prompt, context=task).final_output)
