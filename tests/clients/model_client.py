"""An agent as many are: a loop around a model, whose tools are HTTP calls with a timeout and one more try.

    model_client.py API [--stream] [--key]      API: completions, responses or messages

It finds the addresses in its environment, as `perfidy serve ... -- python model_client.py` sets them.
"""

import json
import os
import sys
import urllib.error
import urllib.request

API, STREAM, KEY = sys.argv[1], "--stream" in sys.argv, "--key" in sys.argv
PROMPT = os.environ["PERFIDY_PROMPT"]
SCHEMAS = {
    "ticketing_create": {"title": "string", "priority": "integer"},
    "mail_send": {"to": "string", "text": "string"},
}


def schema(fields: dict) -> dict:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in fields.items()}}


def post(name: str, arguments: dict, key: str) -> str:
    url = f"{os.environ['PERFIDY_URL']}/tools/{name}"
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if KEY else {})
    for _ in range(3):
        request = urllib.request.Request(url, json.dumps(arguments).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=1.0) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError as error:
            print(f"{name}: {error}, once more", file=sys.stderr)
    return "error: timed out"


def completions() -> str:
    from openai import OpenAI

    client = OpenAI()
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema(fields)}}
        for name, fields in SCHEMAS.items()
    ]
    messages: list = [{"role": "system", "content": "Be quick."}, {"role": "user", "content": PROMPT}]
    while True:
        ask = {"model": "any", "messages": messages, "tools": tools}
        if STREAM:
            with client.chat.completions.stream(**ask) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**ask).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(
            {
                "role": "assistant",
                "content": message.content,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function.name, "arguments": call.function.arguments},
                    }
                    for call in message.tool_calls
                ],
            }
        )
        for call in message.tool_calls:
            result = post(call.function.name, json.loads(call.function.arguments), call.id)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def responses() -> str:
    from openai import OpenAI

    client = OpenAI()
    tools = [
        {"type": "function", "name": name, "parameters": schema(fields), "strict": False}
        for name, fields in SCHEMAS.items()
    ]
    items: list = [{"role": "user", "content": PROMPT}]
    while True:
        ask = {"model": "any", "instructions": "Be quick.", "input": items, "tools": tools}
        if STREAM:
            with client.responses.stream(**ask) as stream:
                response = stream.get_final_response()
        else:
            response = client.responses.create(**ask)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        for call in calls:
            items.append(
                {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
            )
        for call in calls:
            result = post(call.name, json.loads(call.arguments), call.call_id)
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})


def messages() -> str:
    from anthropic import Anthropic

    client = Anthropic()
    tools = [{"name": name, "input_schema": schema(fields)} for name, fields in SCHEMAS.items()]
    turns: list = [{"role": "user", "content": PROMPT}]
    while True:
        ask = {"model": "any", "max_tokens": 1000, "system": "Be quick.", "messages": turns, "tools": tools}
        if STREAM:
            with client.messages.stream(**ask) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**ask)
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in message.content if block.type == "text")
        turns.append(
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input} for call in calls
                ],
            }
        )
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": post(call.name, call.input, call.id)}
            for call in calls
        ]
        turns.append({"role": "user", "content": results})


answer = {"completions": completions, "responses": responses, "messages": messages}[API]()
print(answer, file=sys.stderr)
assert "task-1 is done" in answer, answer
