"""Files a ticket and sends a mail, with pydantic-ai. A tool that takes longer than ten seconds is given up."""

import os

import httpx
from pydantic_ai import Agent

agent = Agent("openai:gpt-5", tool_timeout=10)


async def post(url: str, arguments: dict) -> str:
    async with httpx.AsyncClient(timeout=None) as http:
        return (await http.post(url, json=arguments)).raise_for_status().text


@agent.tool_plain
async def ticketing_create(title: str, priority: int) -> str:
    """Files a ticket."""
    return await post("http://ticketing/create", {"title": title, "priority": priority})


@agent.tool_plain
async def mail_send(to: str, text: str) -> str:
    """Sends a mail."""
    return await post("http://mail/send", {"to": to, "text": text})


print(agent.run_sync(os.environ["PERFIDY_PROMPT"]).output)
