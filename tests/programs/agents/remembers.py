"""Files a ticket, and sleeps an hour before it does. It notes on its disk that it begins, and looks there first."""

import asyncio
import json
import os
import random
import socket
import sys
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

NOTES = Path("notes.txt")


async def post(host: str, path: str, body: object, key: str) -> dict:
    """A request by hand, over asyncio's own streams."""
    reader, writer = await asyncio.open_connection(host, 80)
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\nidempotency-key: {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
    status = (await reader.readline()).split()[1]
    headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    length = next(int(header.split(":")[1]) for header in headers if header.startswith("content-length"))
    answer = json.loads(await reader.readexactly(length))
    writer.close()
    return answer if status == b"200" else {}


class Registered(type):
    """A metaclass, as that of a library's own kind of dates."""


class Deadline(date, metaclass=Registered):
    """A date of one's own."""


async def main() -> None:
    started = time.monotonic()
    assert type(Deadline.today()) is Deadline and Deadline.today() == date.today() == datetime.now().date()
    assert type(datetime.now()) is datetime and datetime.now(UTC).timestamp() == time.time()
    print(f"draws {random.random()} at {datetime.now()}")
    key = NOTES.read_text() if NOTES.exists() and "--forgets" not in sys.argv else str(uuid.uuid4())
    NOTES.write_text(key)
    await asyncio.sleep(3600)
    assert time.monotonic() - started >= 3600
    arguments = {"title": "Login is down", "priority": 2}
    while True:
        try:
            answer = await asyncio.wait_for(post("ticketing", "/create", arguments, key), 2.0)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            continue
        if answer:
            break
    print(f"task done on {socket.gethostname()} as {os.getpid()}, receipt {answer['receipt']}")


asyncio.run(main())
