"""The world of an agent in Python: its clock, its randomness, its network and its threads, all of them simulated.

It is the whole of a process that perfidy starts, the fork server. That process imports what a script needs once,
and forks a child for each run. In the child the script runs unmodified, until nothing in it can go on: then the
child says when its next timer is due, and waits until perfidy says what time it is and what has arrived. So time
passes only while the script waits, and nothing happens at once with something else.

What a script can wait for has one place each: `Loop` (asyncio), `sleep`, and the calls of `Socket` that block. All
of them come down to `Channel.wait`. What would leave this world (real sockets, processes, threads that run beside
others) is refused, and the refusal is named to perfidy.
"""

import time

NANOS = 1_000_000_000


class Clock:
    """What time it is. It stands still while Python runs."""

    def __init__(self):
        self.monotonic = 0
        self.wall = 0


clock = Clock()


def patch_time():
    """Comes first: the standard library copies these functions when it is imported."""
    real_local, real_utc, real_ctime, real_strftime = time.localtime, time.gmtime, time.ctime, time.strftime
    time.time = lambda: clock.wall / NANOS
    time.time_ns = lambda: clock.wall
    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: clock.monotonic / NANOS)
        setattr(time, name + "_ns", lambda: clock.monotonic)
    if hasattr(time, "clock_gettime"):
        is_wall = lambda which: which == time.CLOCK_REALTIME
        time.clock_gettime = lambda which: (clock.wall if is_wall(which) else clock.monotonic) / NANOS
        time.clock_gettime_ns = lambda which: clock.wall if is_wall(which) else clock.monotonic
    now = lambda: clock.wall // NANOS
    time.localtime = lambda secs=None: real_local(now() if secs is None else secs)
    time.gmtime = lambda secs=None: real_utc(now() if secs is None else secs)
    time.ctime = lambda secs=None: real_ctime(now() if secs is None else secs)
    time.strftime = lambda form, of=None: real_strftime(form, time.localtime() if of is None else of)
    time.sleep = lambda secs: channel.sleep(secs)


patch_time()

import _frozen_importlib
import ast
import asyncio
import asyncio.base_events
import asyncio.events
import atexit
import concurrent.futures
import concurrent.futures.thread
import contextlib
import ctypes
import datetime
import errno
import gc
import heapq
import importlib.util
import io
import json
import math
import os
import queue
import random
import select
import shutil
import signal
import socket
import struct
import sys
import threading
import traceback
import types

write_json, read_json = json.JSONEncoder(separators=(",", ":")).encode, json.JSONDecoder().decode
real_fork, real_exit, real_kill, real_wait = os.fork, os._exit, os.kill, os.waitpid
real_read, real_write = os.read, os.write


class Refused(PermissionError):
    """The script asks for something that there is not in this world."""


def refuse(what, instead):
    # A package that tries what there is while it is imported does so in the fork server or in a child.
    if not importing:
        channel.say(["refused", f"{what}: {instead}"])
    return Refused(errno.EPERM, f"perfidy: {what}: {instead}")


# The way to perfidy.

MOST_UNSENT = 1 << 16


class Channel:
    """The way to perfidy from a child. In the fork server itself there is none, and what is said is dropped."""

    def __init__(self):
        self.fd = None
        self.unread = b""
        self.said = []
        self.size = 0

    def open(self, fd):
        self.fd = fd

    def say(self, operation):
        if self.fd is None:
            return
        self.said.append(operation)
        self.size += sum(len(part) for part in operation if isinstance(part, str))
        if self.size > MOST_UNSENT:
            self.send({})

    def flush(self):
        if self.said:
            self.send({})

    def send(self, more):
        line = write_json({"ops": self.said, **more}).encode() + b"\n"
        self.said, self.size = [], 0
        view = memoryview(line)
        while view:
            view = view[real_write(self.fd, view):]

    def hear(self):
        while b"\n" not in self.unread:
            more = real_read(self.fd, 1 << 16)
            if not more:
                real_exit(70)
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        message = read_json(line.decode())
        clock.monotonic, clock.wall = message["now"], message["wall"]
        for kind, number, data in message["events"]:
            connection = connections.get(number)
            if connection is not None:
                connection.hears(kind, data.encode("latin-1"))

    def wait(self, due):
        """Waits until something arrives, or until a time if there is one."""
        if self.fd is None:
            raise RuntimeError("perfidy: nothing can be waited for while modules are imported")
        self.send({"waits": True, "due": due})
        self.hear()

    def wait_until(self, condition, timeout=None):
        """Waits until a condition holds; whether it does."""
        due = None if timeout is None else clock.monotonic + nanos(timeout)
        while not condition():
            if due is not None and clock.monotonic >= due:
                return False
            self.wait(due)
        return True

    def sleep(self, secs):
        if secs < 0:
            raise ValueError("sleep length must be non-negative")
        self.wait_until(lambda: False, max(secs, 1 / NANOS))


def nanos(secs):
    """A time in whole nanoseconds, rounded up: a timer that fires early would be set again for ever."""
    return max(0, math.ceil(secs * NANOS))


channel = Channel()


# Randomness.


class Entropy:
    """What the machine's randomness is replaced by: a stream of bytes that depends on a seed and on nothing else."""

    def __init__(self, seed):
        self.stream = random.Random(seed)
        random.seed(seed)

    def state(self):
        return self.stream, random.getstate()

    def restore(self, state):
        self.stream = state[0]
        random.setstate(state[1])

    def bytes(self, count):
        return self.stream.randbytes(count)


entropy = Entropy("perfidy")
after_import = {}
importing = []


def when_imported(name, patch):
    """Patches a module as soon as there is one of that name."""
    if name in sys.modules:
        patch(sys.modules[name])
    else:
        after_import[name] = patch


# How long before 1970 the time of UUIDs begins, in units of 100 ns.
SINCE_1582 = 0x01B2_1DD2_1381_4000


def patch_randomness():
    os.urandom = random._urandom = lambda count: entropy.bytes(count)
    os.getrandom = lambda size, flags=0: entropy.bytes(size)
    import uuid

    uuid._generate_time_safe = None
    uuid._UuidCreate = None
    uuid.getnode = lambda: 0x02_00_00_00_00_01

    def patch_uuid_utils(uuid_utils):
        """It is written in Rust, and would read the clock and the randomness of the machine."""
        own = lambda number: uuid_utils.UUID(int=number)

        def number_of_7(timestamp=None, nanos=None):
            millis = clock.wall // 1_000_000 if timestamp is None else timestamp * 1_000 + (nanos or 0) // 1_000_000
            drawn = int.from_bytes(entropy.bytes(10), "big")
            return millis << 80 | 7 << 76 | (drawn >> 68) << 64 | 2 << 62 | drawn & (1 << 62) - 1

        def uuid6(node=None, timestamp=None, nanos=None):
            one = uuid.uuid1(node)
            time = one.time if timestamp is None else timestamp * 10_000_000 + (nanos or 0) // 100 + SINCE_1582
            return own(time >> 12 << 80 | 6 << 76 | (time & 0xFFF) << 64 | one.int & (1 << 64) - 1)

        uuid_utils.getnode, uuid_utils.uuid6 = uuid.getnode, uuid6
        uuid_utils.uuid1 = lambda node=None, clock_seq=None: own(uuid.uuid1(node, clock_seq).int)
        uuid_utils._uuid4_int = lambda: uuid.uuid4().int
        uuid_utils.uuid4 = lambda: own(uuid.uuid4().int)
        uuid_utils._uuid7_int = number_of_7
        uuid_utils.uuid7 = lambda timestamp=None, nanos=None: own(number_of_7(timestamp, nanos))

    when_imported("uuid_utils", patch_uuid_utils)


def patch_imports():
    """A module draws from a stream of its own while it is imported: whether it is imported in the fork server or
    in the child is no difference for what the script draws."""
    real = _frozen_importlib._find_and_load

    def find_and_load(name, import_):
        if name in sys.modules:
            return real(name, import_)
        state = entropy.state()
        entropy.__init__(name)
        importing.append(name)
        try:
            module = real(name, import_)
        finally:
            importing.pop()
            entropy.restore(state)
        # By its own name: one that is imported from another one has been seen then.
        patch = after_import.pop(name, None)
        if patch is not None:
            patch(sys.modules[name])
        return module

    _frozen_importlib._find_and_load = find_and_load


# Dates.


def patch_dates():
    """In place, as these types are of C: what derives from them, and code in C that makes dates, stay as they are."""

    def now(cls, tz=None):
        seconds, rest = divmod(clock.wall, NANOS)
        return cls.fromtimestamp(seconds, tz).replace(microsecond=rest // 1_000)

    for kind, name, function in (
        (datetime.date, "today", lambda cls: cls.fromtimestamp(clock.wall / NANOS)),
        (datetime.datetime, "now", now),
        (datetime.datetime, "today", lambda cls: cls.now()),
        (datetime.datetime, "utcnow", lambda cls: cls.now(datetime.timezone.utc).replace(tzinfo=None)),
    ):
        # The `__dict__` of such a type can only be read; what it shows is a dict as any other.
        (names,) = gc.get_referents(kind.__dict__)
        names[name] = classmethod(function)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


# The network.

connections = {}
addresses = {}
OWN_ADDRESS = "10.0.0.1"
FIRST_FD = 1 << 20


class Connection:
    """A connection to a service of the scenario."""

    count = 0

    def __init__(self, host, port):
        Connection.count += 1
        self.number = Connection.count
        self.peer, self.own = (addresses[host], port), (OWN_ADDRESS, 49_151 + self.number)
        self.is_open = self.is_over = False
        self.trouble = None
        self.arrived = bytearray()
        # Called when something has happened, if asyncio uses it.
        self.listener = None
        connections[self.number] = self
        channel.say(["open", self.number, host, port])

    def hears(self, kind, data):
        if kind == "opened":
            self.is_open = True
        elif kind == "data":
            self.arrived += data
        else:
            self.is_over = True
            if kind == "reset":
                self.trouble = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if self.listener is not None:
            self.listener()

    def send(self, data):
        if self.is_over and self.trouble is None:
            self.trouble = BrokenPipeError(errno.EPIPE, "Broken pipe")
        if self.trouble is not None:
            raise self.trouble
        channel.say(["send", self.number, bytes(data).decode("latin-1")])

    def take(self, most):
        data = bytes(self.arrived[:most])
        del self.arrived[:most]
        if not data and self.trouble is not None:
            raise self.trouble
        return data

    def is_readable(self):
        return bool(self.arrived) or self.is_over

    def close(self):
        if connections.pop(self.number, None) is not None:
            self.is_over = True
            channel.say(["close", self.number])


def host_of(host):
    """The name of a host by its name or its address, if the scenario has it."""
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host in addresses:
        return host
    name = next((name for name, address in addresses.items() if address == host), None)
    if name is None:
        known = ", ".join(addresses)
        raise_unknown(refuse(f"a connection to `{host}`", f"the scenario has no such host; it has {known}"))
    return name


def raise_unknown(refused):
    raise socket.gaierror(socket.EAI_NONAME, refused.strerror)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    if host is None or family not in (0, socket.AF_INET) or type not in (0, socket.SOCK_STREAM):
        raise socket.gaierror(socket.EAI_NONAME, "perfidy: there are only connections over TCP and IPv4")
    address = addresses[host_of(host)]
    port = {"http": 80, "https": 443}.get(port, port)
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port or 0)))]


ONLY_CLIENTS = "a simulated agent only connects to the services of its scenario"
ONLY_PLAIN = "TLS is not simulated; use http:// for the services of the scenario"


class Socket:
    """A socket for code that blocks."""

    def __init__(self, family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0, fileno=None):
        family = socket.AF_INET if family == -1 else family
        if fileno is not None or family != socket.AF_INET or type not in (-1, socket.SOCK_STREAM):
            raise refuse("a socket that is not TCP over IPv4", ONLY_CLIENTS)
        self.family, self.type, self.proto = family, socket.SOCK_STREAM, 0
        self.timeout = socket.getdefaulttimeout()
        self.connection = None
        self._io_refs, self._closed = 0, False
        sockets.append(self)
        self._fd = FIRST_FD + len(sockets) - 1

    def connect(self, address):
        if self.timeout == 0.0:
            self.begin(address)
            if not self.connection.is_open:
                raise BlockingIOError(errno.EINPROGRESS, "Operation now in progress")
            return
        self.begin(address)
        if not channel.wait_until(self.is_decided, self.timeout):
            raise TimeoutError("timed out")
        if self.connection.trouble is not None:
            raise self.connection.trouble

    def begin(self, address):
        if self._closed:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if self.connection is None:
            self.connection = Connection(host_of(address[0]), address[1])

    def is_decided(self):
        return self.connection.is_open or self.connection.is_over

    def connect_ex(self, address):
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EAGAIN
        return 0

    def _connected(self):
        if self._closed:
            raise OSError(errno.EBADF, "Bad file descriptor")
        if self.connection is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return self.connection

    def send(self, data, flags=0):
        data = memoryview(data).cast("B")
        self._connected().send(data)
        return len(data)

    def sendall(self, data, flags=0):
        self.send(data)

    def recv(self, most, flags=0):
        connection = self._connected()
        if not connection.is_readable() and self.timeout == 0.0:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        if not channel.wait_until(connection.is_readable, self.timeout):
            raise TimeoutError("timed out")
        if flags & socket.MSG_PEEK:
            return bytes(connection.arrived[:most])
        return connection.take(most)

    def recv_into(self, buffer, most=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = self.recv(most or len(view), flags)
        view[: len(data)] = data
        return len(data)

    makefile = socket.socket.makefile

    def _decref_socketios(self):
        self._io_refs = max(0, self._io_refs - 1)
        if self._closed:
            self.close()

    def close(self):
        self._closed = True
        if self._io_refs == 0 and self.connection is not None:
            self.connection.close()

    def shutdown(self, how):
        if how != socket.SHUT_WR:
            self._connected().close()

    def detach(self):
        self._closed = True
        return self._fd

    def settimeout(self, timeout):
        self.timeout = None if timeout is None else float(timeout)

    def gettimeout(self):
        return self.timeout

    def setblocking(self, blocks):
        self.timeout = None if blocks else 0.0

    def getblocking(self):
        return self.timeout != 0.0

    def setsockopt(self, *_):
        pass

    def getsockopt(self, level, option, size=0):
        return 0 if not size else bytes(size)

    def getpeername(self):
        return self._connected().peer

    def getsockname(self):
        return (OWN_ADDRESS, 0) if self.connection is None else self.connection.own

    def fileno(self):
        return -1 if self._closed else self._fd

    def set_inheritable(self, _):
        pass

    def get_inheritable(self):
        return False

    def bind(self, address):
        if address[1] != 0:
            raise refuse(f"listening at {address}", ONLY_CLIENTS)

    def listen(self, backlog=0):
        raise refuse("listening", ONLY_CLIENTS)

    accept = listen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self._closed:
            self.close()


sockets = []


def create_connection(address, timeout=socket._GLOBAL_DEFAULT_TIMEOUT, source_address=None, *, all_errors=False):
    new = Socket()
    if timeout is not socket._GLOBAL_DEFAULT_TIMEOUT:
        new.settimeout(timeout)
    try:
        new.connect(address)
    except BaseException:
        new.close()
        raise
    return new


def is_ready(fd):
    connection = sockets[fd - FIRST_FD].connection if 0 <= fd - FIRST_FD < len(sockets) else None
    readable = connection is not None and connection.is_readable()
    writable = connection is not None and (connection.is_open or connection.is_over)
    return readable, writable


class Poll:
    """`select.poll` for simulated sockets."""

    def __init__(self):
        self.registered = {}

    def register(self, fd, mask=select.POLLIN | select.POLLOUT | select.POLLPRI):
        self.registered[fd if isinstance(fd, int) else fd.fileno()] = mask

    modify = register

    def unregister(self, fd):
        del self.registered[fd if isinstance(fd, int) else fd.fileno()]

    def ready(self):
        found = []
        for fd, mask in self.registered.items():
            readable, writable = is_ready(fd)
            seen = (select.POLLIN if readable else 0) | (select.POLLOUT if writable else 0)
            if seen & mask:
                found.append((fd, seen & mask))
        return found

    def poll(self, millis=None):
        timeout = None if millis is None or millis < 0 else millis / 1_000
        channel.wait_until(self.ready, timeout)
        return self.ready()


def select_(reads, writes, troubles, timeout=None):
    number = lambda one: one if isinstance(one, int) else one.fileno()

    def ready():
        found = [one for one in reads if is_ready(number(one))[0]], [one for one in writes if is_ready(number(one))[1]]
        return (*found, []) if any(found) else None

    channel.wait_until(ready, timeout)
    return ready() or ([], [], [])


def patch_network():
    socket.socket = socket.SocketType = Socket
    socket.create_connection, socket.getaddrinfo = create_connection, getaddrinfo
    socket.has_ipv6 = False
    socket.gethostname = lambda: "agent"
    socket.getfqdn = lambda name="": name or "agent"
    socket.gethostbyname = lambda host: addresses[host_of(host)]
    socket.create_server = lambda *_, **__: Socket().listen()
    select.poll, select.select = Poll, select_

    def patch_ssl(ssl):
        # To load the certificates of the machine takes longer than a run, and nothing is ever checked with them.
        plain = lambda *_, **__: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ssl.create_default_context = ssl._create_default_https_context = plain
        ssl.SSLContext.load_verify_locations = ssl.SSLContext.load_default_certs = lambda *_, **__: None

        def wrap(*_, **__):
            raise refuse("an encrypted connection", ONLY_PLAIN)

        ssl.SSLContext.wrap_socket = ssl.SSLContext.wrap_bio = wrap

    when_imported("ssl", patch_ssl)


# asyncio.


class Transport(asyncio.Transport):
    """A connection as asyncio has it."""

    def __init__(self, loop, connection, protocol):
        super().__init__()
        self.loop, self.connection, self.protocol = loop, connection, protocol
        self.closing = self.paused = self.lost = False
        self.socket = Socket()
        self.socket.connection = connection
        self.socket.setblocking(False)
        connection.listener = self.happens

    def happens(self):
        self.loop.call_soon(self.read)

    def read(self):
        if self.paused or self.closing:
            return
        data = bytes(self.connection.arrived)
        self.connection.arrived.clear()
        if data and isinstance(self.protocol, asyncio.BufferedProtocol):
            self.fill(data)
        elif data:
            self.protocol.data_received(data)
        if self.connection.is_over and not self.closing:
            keeps_open = self.connection.trouble is None and self.protocol.eof_received()
            if not keeps_open:
                self.end(self.connection.trouble)

    def fill(self, data):
        while data:
            buffer = self.protocol.get_buffer(len(data))
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self.protocol.buffer_updated(count)
            data = data[count:]

    def end(self, trouble):
        if not self.closing:
            self.closing = True
            self.connection.close()
            self.loop.call_soon(self.lose, trouble)

    def lose(self, trouble):
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(trouble)

    def write(self, data):
        if self.closing:
            return
        try:
            self.connection.send(data)
        except OSError as error:
            self.end(error)

    def writelines(self, parts):
        self.write(b"".join(parts))

    def close(self):
        self.end(None)

    abort = close

    def is_closing(self):
        return self.closing

    def get_extra_info(self, name, default=None):
        known = {"socket": self.socket, "peername": self.connection.peer, "sockname": self.connection.own}
        return known.get(name, default)

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False
        self.happens()

    def is_reading(self):
        return not self.paused and not self.closing

    def can_write_eof(self):
        return False

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return 0

    def get_write_buffer_limits(self):
        return (0, 1 << 16)

    def get_protocol(self):
        return self.protocol

    def set_protocol(self, protocol):
        self.protocol = protocol


class Selector:
    """Where a loop waits."""

    def __init__(self, loop):
        self.loop = loop

    def select(self, timeout=None):
        if timeout is not None and timeout <= 0:
            return []
        scheduled = self.loop._scheduled
        # A timer that was cancelled is nothing to wait for.
        while scheduled and scheduled[0]._cancelled:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            self.loop._timer_cancelled_count = max(0, self.loop._timer_cancelled_count - 1)
        due = None
        if scheduled:
            due = max(nanos(scheduled[0]._when), clock.monotonic + 1)
        channel.wait(due)
        return []

    def close(self):
        pass


class Task(asyncio.Task):
    """A task whose hash is its number. That of other objects is where they are in memory, and so would be the order
    in which a script goes through the set of tasks that `asyncio.wait` gives it."""

    count = 0

    def __init__(self, *arguments, **named):
        Task.count += 1
        self.number = Task.count
        super().__init__(*arguments, **named)

    def __hash__(self):
        return self.number


class Loop(asyncio.base_events.BaseEventLoop):
    """The event loop: that of asyncio, on the clock and the network of this world."""

    def __init__(self, selector=None):
        super().__init__()
        self._task_factory = lambda loop, coroutine, **named: Task(coroutine, loop=loop, **named)
        self._selector = Selector(self)
        self._clock_resolution = 1 / NANOS

    def time(self):
        return clock.monotonic / NANOS

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        return getaddrinfo(host, port, family, type, proto, flags)

    async def create_connection(self, factory, host=None, port=None, *, ssl=None, sock=None, **_):
        if ssl:
            raise refuse("an encrypted connection", ONLY_PLAIN)
        new = sock
        if new is None:
            new = Socket()
            new.setblocking(False)
            try:
                await self.sock_connect(new, (host, port))
            except BaseException:
                new.close()
                raise
        protocol = factory()
        transport = Transport(self, new.connection, protocol)
        protocol.connection_made(transport)
        if new.connection.is_readable():
            transport.happens()
        return transport, protocol

    async def sock_connect(self, sock, address):
        sock.begin(address)
        connection, decided = sock.connection, self.create_future()
        connection.listener = lambda: decided.done() or decided.set_result(None)
        if not sock.is_decided():
            await decided
        connection.listener = None
        if connection.trouble is not None:
            raise connection.trouble

    def run_in_executor(self, executor, function, *arguments):
        """Runs a function at once: it is as if its thread were the first to run."""
        future = self.create_future()
        try:
            future.set_result(function(*arguments))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    def set_default_executor(self, executor):
        pass

    async def shutdown_default_executor(self, timeout=None):
        pass

    def add_signal_handler(self, signal, callback, *arguments):
        """There are no signals here but the one that cannot be handled."""

    def remove_signal_handler(self, signal):
        return False


def refused_of_loop(name, instead):
    async def refused(self, *_, **__):
        raise refuse(f"asyncio's {name}", instead)

    setattr(Loop, name, refused)


class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return Loop()


def patch_asyncio():
    for name in ("create_server", "create_unix_server", "create_unix_connection", "create_datagram_endpoint"):
        refused_of_loop(name, ONLY_CLIENTS)
    for name in ("subprocess_exec", "subprocess_shell"):
        refused_of_loop(name, NO_PROCESSES)
    for name in ("connect_read_pipe", "connect_write_pipe"):
        refused_of_loop(name, "there are no pipes; read files, or the environment")
    asyncio.set_event_loop_policy(Policy())
    asyncio.SelectorEventLoop = asyncio.DefaultEventLoop = Loop

    def patch_uvloop(uvloop):
        """It is written in C, and would be of the real world."""
        uvloop.install, uvloop.new_event_loop = (lambda: None), Loop
        uvloop.Loop, uvloop.EventLoopPolicy, uvloop.run = Loop, Policy, asyncio.run

    when_imported("uvloop", patch_uvloop)


# Threads and processes.

NO_PROCESSES = "another process would not be simulated; call what it does in Python, or make it a tool"
NO_THREADS = "nothing runs beside the script here; use asyncio, or a thread pool, whose work runs at once"


def patch_threads():
    """The work of threads runs at once, in the thread that starts it. A daemon thread, such as the exporter of a
    telemetry library, never runs: it would have no end."""
    Thread, real_join, real_alive = threading.Thread, threading.Thread.join, threading.Thread.is_alive

    def start(self):
        if getattr(self, "_perfidy", None):
            raise RuntimeError("threads can only be started once")
        self._started.set()
        if self.daemon:
            self._perfidy = "never runs"
            channel.say(["refused", f"the daemon thread `{self.name}` never runs: {NO_THREADS}"])
            return
        self._perfidy = "has run"
        try:
            self.run()
        except SystemExit:
            pass
        except Refused:
            raise
        except BaseException:
            traceback.print_exc()

    def join(self, timeout=None):
        if not getattr(self, "_perfidy", None):
            real_join(self, timeout)

    def is_alive(self):
        mark = getattr(self, "_perfidy", None)
        return real_alive(self) if mark is None else mark == "never runs"

    def timer(self):
        raise refuse("threading.Timer", NO_THREADS)

    def submit(self, function, /, *arguments, **named):
        future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future

    def wait(self, timeout=None):
        if timeout is None:
            raise refuse("a wait for another thread", NO_THREADS)
        channel.sleep(timeout)
        return False

    Thread.start, Thread.join, Thread.is_alive = start, join, is_alive
    threading.Timer.start = timer
    threading.Condition.wait = wait
    concurrent.futures.thread.ThreadPoolExecutor.submit = submit

    def patch_anyio(backend):
        async def inline(cls, function, arguments, *_, **__):
            await cls.checkpoint()
            return function(*arguments)

        backend.AsyncIOBackend.run_sync_in_worker_thread = classmethod(inline)

    when_imported("anyio._backends._asyncio", patch_anyio)
    # That of C waits in C, where nothing could refuse it.
    queue.SimpleQueue = queue._PySimpleQueue

    def patch_aiosqlite(core):
        """Each connection has a thread that takes calls from a queue. Here the queue makes them."""

        class Calls:
            def put_nowait(self, call):
                future, function = call
                try:
                    result = function()
                except BaseException as error:
                    if future is None:
                        raise
                    future.set_exception(error)
                else:
                    if future is not None:
                        future.set_result(result)

        class Worker:
            def __init__(self, **_):
                self.has_begun = False

            def start(self):
                self.has_begun = True

            def is_alive(self):
                return self.has_begun

        # In older versions the connection itself is the thread: what it waits for is refused.
        if hasattr(core, "_connection_worker_thread"):
            core.SimpleQueue, core.Thread = Calls, Worker

    when_imported("aiosqlite.core", patch_aiosqlite)


# By the names of Python's audit events: https://docs.python.org/3/library/audit_events.html
AUDITED = {
    "os.exec": NO_PROCESSES,
    "os.fork": NO_PROCESSES,
    "os.forkpty": NO_PROCESSES,
    "os.posix_spawn": NO_PROCESSES,
    "os.spawn": NO_PROCESSES,
    "os.system": NO_PROCESSES,
    "subprocess.Popen": NO_PROCESSES,
    "pty.spawn": NO_PROCESSES,
    "os.kill": "a simulated agent has no other process to signal",
    "socket.__new__": ONLY_CLIENTS,
    "socket.connect": ONLY_CLIENTS,
    "socket.bind": ONLY_CLIENTS,
    "_thread.start_new_thread": NO_THREADS,
}


def watch(event, arguments):
    """Refuses what no patch above has replaced."""
    instead = AUDITED.get(event)
    if instead is not None:
        raise refuse(event, instead)


def patch_platform(platform):
    """It would start a program of the machine to find out its processor."""
    platform.processor = lambda: ""
    platform._Processor.get = staticmethod(lambda: "")


# The numbers of the calls of Linux that make a socket, run another program, and go round both.
SEALED = {
    "x86_64": (0xC000003E, (41, 59, 322, 425)),
    "aarch64": (0xC00000B7, (198, 221, 281, 425)),
}


def seal(libc=None):
    """Lets the kernel refuse sockets and programs also to code that is not Python, such as that of extensions. What is
    refused here is refused with `EACCES`, and has no name. Other systems than Linux have nothing like it."""
    arch, calls = SEALED.get(os.uname().machine, (0, ()))
    if libc is None or not calls:
        return
    # A child does not outlive its fork server, whatever that dies of.
    killed_with_parent = 1
    libc.prctl(killed_with_parent, signal.SIGKILL, 0, 0, 0)
    allow, deny = 0x7FFF_0000, 0x0005_0000 | errno.EACCES
    load, is_equal, give = 0x20, 0x15, 0x06
    program = [(load, 0, 0, 4), (is_equal, 1, 0, arch), (give, 0, 0, allow), (load, 0, 0, 0)]
    program += [(is_equal, len(calls) - place, 0, call) for place, call in enumerate(calls)]
    program += [(give, 0, 0, allow), (give, 0, 0, deny)]
    code = b"".join(struct.pack("HBBI", *one) for one in program)
    kept = ctypes.create_string_buffer(code)
    filter = struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept))
    no_new_privileges, set_filter, by_program = 38, 22, 2
    libc.prctl(no_new_privileges, 1, 0, 0, 0)
    libc.prctl(set_filter, by_program, ctypes.create_string_buffer(filter), 0, 0)


def find_libc():
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "linux":
            return ctypes.CDLL(None, use_errno=True)
    return None


def refuse_signals():
    def refused(*_):
        raise refuse("an alarm of the machine", "its clock does not stand still; use asyncio.timeout or a timeout")

    for name in ("alarm", "setitimer", "pause", "sigwait", "sigtimedwait"):
        setattr(signal, name, refused)


# What the script prints.


class Output(io.RawIOBase):
    def __init__(self, name):
        self.stream = name

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        channel.say(["print", self.stream, data.decode("utf-8", "replace")])
        # At once: what a script printed last tells most if it dies or hangs.
        channel.flush()
        return len(data)


def patch_output():
    for name in ("stdout", "stderr"):
        raw = io.BufferedWriter(Output(name))
        stream = io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True, write_through=True)
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


# The fork server.


class Script:
    """The script of an agent."""

    def __init__(self, path):
        self.path = path
        self.folder = os.path.dirname(path)
        with open(path, "rb") as file:
            self.tree = ast.parse(file.read(), path)
        self.code = compile(self.tree, path, "exec", dont_inherit=True)
        sys.path[:] = [self.folder, *(folder for folder in sys.path if folder)]

    def is_own(self, file):
        """Whether a module is beside the script. It may do anything, so each run imports it anew."""
        return (file or "").startswith(self.folder + os.sep) and "site-packages" not in file

    def wanted(self):
        """What it imports first of all, as arguments of `__import__`."""
        for line in self.tree.body:
            if isinstance(line, ast.Import):
                yield from ((one.name, ()) for one in line.names)
            elif isinstance(line, ast.ImportFrom) and not line.level:
                yield line.module, [one.name for one in line.names if one.name != "*"]

    def import_wanted(self):
        """Imports it here, once. What cannot be imported here is imported by each child."""
        for name, names in self.wanted():
            with contextlib.suppress(BaseException):
                spec = importlib.util.find_spec(name.partition(".")[0])
                places = [spec.origin, *(spec.submodule_search_locations or ())]
                if not any(map(self.is_own, places)):
                    __import__(name, fromlist=names)

    def run(self, arguments):
        """Runs it as Python runs a script; its exit status."""
        main = types.ModuleType("__main__")
        main.__file__, main.__builtins__ = self.path, __builtins__
        sys.modules["__main__"] = main
        sys.argv = [self.path, *arguments]
        status = 0
        try:
            exec(self.code, main.__dict__)
        except SystemExit as end:
            status = end.code
        except BaseException:
            status = 1
            traceback.print_exc()
        if status is None:
            status = 0
        elif not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
        atexit._run_exitfuncs()
        return status & 0xFF

    def imported(self):
        """The modules that are the same whatever the script does."""
        for name, module in list(sys.modules.items()):
            if name != "__main__" and not self.is_own(getattr(module, "__file__", None)):
                yield name


def child(fd, script, start, is_learned):
    """Runs the script once, and never returns. Unless it is known, it says what the script has imported."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    channel.open(fd)
    os.environ.update(start["environment"])
    os.chdir(start["folder"])
    addresses.update(start["hosts"])
    entropy.__init__(start["seed"])
    os.getpid, os.getppid = (lambda: start["pid"]), (lambda: 1)
    gc.disable()
    # Not in each child: to look at every module is to copy the memory where it is.
    known = None if is_learned else set(sys.modules)
    seal(libc)
    sys.addaudithook(watch)
    status = 1
    try:
        channel.hear()
        status = script.run(start["arguments"])
        sys.stdout.flush()
    finally:
        new = [] if known is None else [name for name in script.imported() if name not in known]
        channel.send({"exit": status, "imported": new})
        real_exit(0)


def settle():
    """Keeps what there is now shared with the children: the collector would write to all of it."""
    gc.collect()
    gc.freeze()


class Server:
    def __init__(self, control):
        self.control = control
        self.children = set()
        self.script = None
        self.folders = None
        # Whether what the script imports first of all is imported, and whether all else is.
        self.is_warm = self.is_learned = False

    def answer(self, **what):
        self.control.sendall(write_json(what).encode() + b"\n")

    def serve(self):
        while True:
            line, fds, _, _ = socket.recv_fds(self.control, 1 << 20, 1)
            while line and not line.endswith(b"\n"):
                line += self.control.recv(1 << 20)
            if not line:
                return
            request = read_json(line.decode())
            try:
                getattr(self, request["do"])(request, *fds)
            except Exception as error:
                self.answer(error=f"{type(error).__name__}: {error}")

    def load(self, request):
        self.folders = request["folders"]
        try:
            self.script = Script(request["script"])
        except (SyntaxError, ValueError) as error:
            place = f", line {error.lineno}" if getattr(error, "lineno", None) else ""
            self.answer(error=f"{getattr(error, 'msg', error)}{place}")
            return
        self.answer(version=list(sys.version_info[:3]))

    def start(self, request, fd):
        if not self.is_warm:
            self.is_warm = True
            self.script.import_wanted()
            settle()
        pid = real_fork()
        if pid == 0:
            self.control.close()
            child(fd, self.script, request, self.is_learned)
        os.close(fd)
        self.children.add(pid)
        self.answer(pid=pid)

    def end(self, request):
        pid = request["pid"]
        self.children.discard(pid)
        with contextlib.suppress(ProcessLookupError):
            real_kill(pid, signal.SIGKILL)
        _, status = real_wait(pid, 0)
        self.answer(status=status)

    def imports(self, request):
        self.is_learned = True
        for name in request["names"]:
            # What cannot be imported here is imported by each child.
            with contextlib.suppress(BaseException):
                __import__(name)
        settle()
        self.answer(count=len(sys.modules))


libc = find_libc()


def serve(fd):
    control = socket.socket(fileno=fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.tzset()
    for patch in (
        patch_output,
        patch_randomness,
        patch_dates,
        patch_network,
        patch_asyncio,
        patch_threads,
        patch_imports,
        refuse_signals,
    ):
        patch()
    when_imported("platform", patch_platform)
    server = Server(control)
    try:
        server.serve()
    finally:
        for pid in server.children:
            with contextlib.suppress(OSError):
                real_kill(pid, signal.SIGKILL)
                real_wait(pid, 0)
        if server.folders is not None:
            shutil.rmtree(server.folders, ignore_errors=True)
        real_exit(0)


serve(os.dup(0))
