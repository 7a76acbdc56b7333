"""The same agent with the packages that many use, each with its own pools, timeouts and retries.

    packages.py WHICH [--key]

WHICH is one of
    httpx       AsyncOpenAI for the model, httpx for the tools
    aiohttp     AsyncOpenAI, and aiohttp
    requests    OpenAI, and requests: both block
    anthropic   AsyncAnthropic, and httpx
    mcp         AsyncOpenAI, and the tools by MCP
    agents      OpenAI's agents SDK, with function tools
"""

import asyncio
import json
import os
import sys

WHICH, KEY = sys.argv[1], "--key" in sys.argv
PROMPT = os.environ["PERFIDY_PROMPT"]
TRIES = 20
SCHEMAS = {
    "ticketing_create": {"title": "string", "priority": "integer"},
    "mail_send": {"to": "string", "text": "string"},
}


def schema(fields: dict) -> dict:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in fields.items()}}


def functions() -> list:
    return [
        {"type": "function", "function": {"name": name, "parameters": schema(fields)}}
        for name, fields in SCHEMAS.items()
    ]


def url_of(name: str) -> str:
    return "http://" + name.replace("_", "/")


def key_of(name: str) -> str:
    """Of the step, not of the call: a model that asks again gets the same key."""
    return f"{os.environ['PERFIDY_TASK']}/{name}"


def headers_of(name: str) -> dict:
    return {"idempotency-key": key_of(name)} if KEY else {}


async def loop(client, call) -> str:
    """The loop around a model of OpenAI's API."""
    messages: list = [{"role": "user", "content": PROMPT}]
    while True:
        reply = await client.chat.completions.create(model="any", messages=messages, tools=functions())
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))

        async def result(one):
            content = await call(one.function.name, json.loads(one.function.arguments))
            return {"role": "tool", "tool_call_id": one.id, "content": content}

        messages.extend(await asyncio.gather(*map(result, message.tool_calls)))


async def with_httpx() -> str:
    import httpx
    from openai import AsyncOpenAI

    async with httpx.AsyncClient(timeout=2.0) as http, AsyncOpenAI(max_retries=TRIES) as client:

        async def call(name, arguments):
            for attempt in range(TRIES):
                try:
                    response = await http.post(url_of(name), json=arguments, headers=headers_of(name))
                    return response.text
                except httpx.HTTPError as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    await asyncio.sleep(2**attempt)
            return "timed out"

        return await loop(client, call)


async def with_aiohttp() -> str:
    import aiohttp
    from openai import AsyncOpenAI

    timeout = aiohttp.ClientTimeout(total=2.0)
    async with aiohttp.ClientSession(timeout=timeout) as http, AsyncOpenAI(max_retries=TRIES) as client:

        async def call(name, arguments):
            for attempt in range(TRIES):
                try:
                    async with http.post(url_of(name), json=arguments, headers=headers_of(name)) as response:
                        return await response.text()
                except (aiohttp.ClientError, TimeoutError) as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    await asyncio.sleep(2**attempt)
            return "timed out"

        return await loop(client, call)


def with_requests() -> str:
    import requests
    from openai import OpenAI
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    client = OpenAI(max_retries=TRIES)
    http = requests.Session()
    again = Retry(total=TRIES, backoff_factor=1, allowed_methods=None)
    http.mount("http://", HTTPAdapter(max_retries=again))
    messages: list = [{"role": "user", "content": PROMPT}]
    while True:
        reply = client.chat.completions.create(model="any", messages=messages, tools=functions())
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            name, arguments = call.function.name, json.loads(call.function.arguments)
            response = http.post(url_of(name), json=arguments, headers=headers_of(name), timeout=2.0)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": response.text})


async def with_anthropic() -> str:
    import httpx
    from anthropic import AsyncAnthropic

    tools = [{"name": name, "input_schema": schema(fields)} for name, fields in SCHEMAS.items()]
    turns: list = [{"role": "user", "content": PROMPT}]
    transport = httpx.AsyncHTTPTransport(retries=TRIES)
    async with httpx.AsyncClient(timeout=2.0, transport=transport) as http, AsyncAnthropic(max_retries=TRIES) as client:
        while True:
            async with client.messages.stream(model="any", max_tokens=1000, messages=turns, tools=tools) as stream:
                message = await stream.get_final_message()
            turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
            calls = [block for block in message.content if block.type == "tool_use"]
            if not calls:
                return "".join(block.text for block in message.content if block.type == "text")
            results = []
            for call in calls:
                for attempt in range(TRIES):
                    try:
                        response = await http.post(url_of(call.name), json=call.input, headers=headers_of(call.name))
                        break
                    except httpx.HTTPError as error:
                        print(f"{call.name}: {error!r}", file=sys.stderr)
                        await asyncio.sleep(2**attempt)
                results.append({"type": "tool_result", "tool_use_id": call.id, "content": response.text})
            turns.append({"role": "user", "content": results})


async def with_mcp() -> str:
    from mcp import Client
    from openai import AsyncOpenAI

    async with Client(os.environ["PERFIDY_MCP_URL"], read_timeout_seconds=2.0) as server, AsyncOpenAI(max_retries=TRIES) as client:

        async def call(name, arguments):
            if KEY:
                arguments["idempotency_key"] = key_of(name)
            for attempt in range(TRIES):
                try:
                    result = await server.call_tool(name, arguments)
                    return result.content[0].text
                except Exception as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    await asyncio.sleep(2**attempt)
            return "timed out"

        return await loop(client, call)


async def with_agents() -> str:
    import httpx
    from agents import Agent, FunctionTool, Runner, set_default_openai_api, set_tracing_disabled

    set_tracing_disabled(True)
    set_default_openai_api("responses")
    http = httpx.AsyncClient(timeout=2.0)

    def tool(name: str, fields: dict) -> FunctionTool:
        async def invoke(context, arguments: str) -> str:
            for attempt in range(TRIES):
                try:
                    headers = headers_of(name)
                    return (await http.post(url_of(name), json=json.loads(arguments), headers=headers)).text
                except httpx.HTTPError as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    await asyncio.sleep(2**attempt)
            return "timed out"

        return FunctionTool(name, name, schema(fields), invoke, strict_json_schema=False)

    agent = Agent("support", tools=[tool(*one) for one in SCHEMAS.items()], model="any")
    return (await Runner.run(agent, PROMPT)).final_output


if __name__ == "__main__":
    if WHICH == "requests":
        print(with_requests())
    else:
        print(asyncio.run(globals()["with_" + WHICH]()))
