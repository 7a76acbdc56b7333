"""An agent as many are: a loop around a model, whose tools are HTTP calls with a timeout and more tries.

    support.py [--key]      --key: an idempotency key for each step of the task

It needs no package. Where the model is it finds in its environment, as with any agent.
"""

import http.client
import json
import os
import sys
import urllib.request

KEY = "--key" in sys.argv
MODEL = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
TOOLS = {
    "ticketing_create": {"title": "string", "priority": "integer"},
    "mail_send": {"to": "string", "text": "string"},
}


def schema(fields: dict) -> dict:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in fields.items()}}


def post(url: str, body: object, key: str | None = None) -> str:
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    for _ in range(20):
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=2.0) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                return error.read().decode()
        except (OSError, http.client.HTTPException) as error:
            print(f"{url}: {error}, once more", file=sys.stderr)
    return '{"error": "timed out"}'


def main() -> str:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema(fields)}}
        for name, fields in TOOLS.items()
    ]
    messages: list = [{"role": "user", "content": os.environ["PERFIDY_PROMPT"]}]
    while True:
        reply = json.loads(post(MODEL, {"model": "any", "messages": messages, "tools": tools}))
        message = reply["choices"][0]["message"]
        messages.append(message)
        if not message.get("tool_calls"):
            return message["content"]
        for call in message["tool_calls"]:
            function = call["function"]
            tool, operation = function["name"].split("_")
            arguments = json.loads(function["arguments"])
            key = f"{os.environ['PERFIDY_TASK']}/{operation}" if KEY else None
            result = post(f"http://{tool}/{operation}", arguments, key)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})


if __name__ == "__main__":
    print(main())
