"""Does what no simulated agent can do: trouble.py WHAT."""

import os
import queue
import socket
import subprocess
import sys
import threading
import urllib.request

WHAT = sys.argv[1]
print("begins, {not a message}", flush=True)
os.write(1, b'{"exit": 0, "ops": []}\n')

if WHAT == "unknown-host":
    urllib.request.urlopen("http://api.example.com/issues", timeout=5)
elif WHAT == "real-address":
    socket.create_connection(("93.184.216.34", 443), timeout=5)
elif WHAT == "real-socket":
    import _socket

    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect(("127.0.0.1", 9))
elif WHAT == "socket-of-an-extension":
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    print("refused" if libc.socket(2, 1, 0) == -1 else "there is a real socket")
    os.abort()
elif WHAT == "fork":
    os.fork()
elif WHAT == "process":
    subprocess.run(["true"], check=True)
elif WHAT == "waits-for-thread":
    ready = threading.Event()
    threading.Thread(target=ready.set, daemon=True).start()
    ready.wait()
elif WHAT == "waits-for-queue":
    calls: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=calls.get).start()
    calls.put("too late")
elif WHAT == "dies":
    os.abort()
elif WHAT == "leaves":
    os._exit(3)
elif WHAT == "hangs":
    while True:
        pass
elif WHAT == "listens":
    socket.socket().bind(("127.0.0.1", 8080))
elif WHAT == "deadlock":
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
elif WHAT == "flood":
    for _ in range(100):
        print("x" * (1 << 20))
elif WHAT == "breaks-the-pipe":
    for fd in range(3, 64):
        try:
            os.write(fd, b'{"ops":[["send",1]]}\n\xff\xfe nonsense\n')
        except OSError:
            pass
