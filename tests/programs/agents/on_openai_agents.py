"""Files a ticket and sends a mail, with OpenAI's agents SDK and its defaults."""

import os

import httpx
from agents import Agent, Runner, function_tool


async def post(url: str, arguments: dict) -> str:
    async with httpx.AsyncClient() as http:
        return (await http.post(url, json=arguments)).raise_for_status().text


@function_tool
async def ticketing_create(title: str, priority: int) -> str:
    """Files a ticket."""
    return await post("http://ticketing/create", {"title": title, "priority": priority})


@function_tool
async def mail_send(to: str, text: str) -> str:
    """Sends a mail."""
    return await post("http://mail/send", {"to": to, "text": text})


agent = Agent(name="Support", tools=[ticketing_create, mail_send])
print(Runner.run_sync(agent, os.environ["PERFIDY_PROMPT"]).final_output)
