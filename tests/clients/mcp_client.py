"""An MCP client as many are: a timeout, and then the same call again. With --key it sends an idempotency key.

    mcp_client.py [--key] MODE                  over HTTP, at PERFIDY_MCP_URL
    mcp_client.py [--key] MODE COMMAND...       over standard input and output
"""

import asyncio
import os
import sys

from mcp import Client, MCPError, StdioServerParameters


async def call_until_it_works(client: Client, tool: str, arguments: dict) -> None:
    for _ in range(5):
        try:
            result = await client.call_tool(tool, arguments, read_timeout_seconds=1.0)
        except MCPError as error:
            print(f"{tool}: {error}, once more", file=sys.stderr)
            continue
        if not result.is_error:
            return
    raise SystemExit(f"{tool} does not work")


async def main() -> None:
    words = sys.argv[1:]
    with_key = words[0] == "--key"
    mode, *target = words[1:] if with_key else words
    if target:
        server = StdioServerParameters(command=target[0], args=target[1:])
    else:
        server = os.environ["PERFIDY_MCP_URL"]
    async with Client(server, mode=mode) as client:
        print(f"speaks {client.session.protocol_version}", file=sys.stderr)
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"mail_send", "ticketing_create", "tell_user"}, tools
        prompts = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in prompts] == ["task-1"], prompts
        text = (await client.get_prompt("task-1")).messages[0].content.text
        assert "ticketing_create" in text, text
        ticket = {"title": "Login is down", "priority": 2}
        if with_key:
            ticket["idempotency_key"] = "task-1/file-ticket"
        await call_until_it_works(client, "ticketing_create", ticket)
        await call_until_it_works(client, "mail_send", {"to": "customer", "text": "We are on it."})
        await client.call_tool("tell_user", {"done": True})


asyncio.run(main())
