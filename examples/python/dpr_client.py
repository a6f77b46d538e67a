"""A client of a DPR cluster, written from WIRE.md alone: one strict session with counters. Needs Python 3.9, and no package.

    async def main():
        session = Session("ws://localhost:6379", lambda *event: print(*event))
        session.add(0, 300)  # call 1: ("completed", 1, value) follows, and ("committed", 1)
        session.commit()
        await session.idle()
        await session.end()

    asyncio.run(main())
"""

import asyncio
import base64
import os
import struct
import time
from urllib.parse import urlsplit

PROTOCOL_VERSION = 2
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_UNACKNOWLEDGED = 256
POLL_S, ANSWER_S, SILENCE_S, RETRY_LIMIT_S, ABSURD_RETRY_LIMIT_S = 2.0, 5.0, 30.0, 3600.0, 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 1.0

HELLO, WELCOME, ERROR, SEVERAL = 0x01, 0x02, 0x03, 0x04
BATCH, REPLY, COMMIT, TABLE, TABLE_ANSWER, CUT, REFRESH, SESSION_ENDED = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18
FETCH_CLUSTER, CLUSTER = 0x20, 0x21
# Error codes by their numbers, as far as clients act on them.
ERRORS = {0: "malformed", 1: "unsupportedVersion", 2: "unauthorized", 3: "wrongCluster", 5: "wrongGeneration",
          6: "sequenceGap", 7: "absurdVersion", 8: "dependencyAboveVersion", 9: "windowExceeded", 10: "overloaded",
          11: "leaving", 12: "sessionExpired", 13: "tooManySessions", 14: "needDecisions", 15: "historyLost",
          20: "notServing"}  # fmt: skip
AGAIN = ("windowExceeded", "overloaded", "notServing", "needDecisions", "leaving", "wrongGeneration")
OVER = {"malformed": "malformed", "sessionExpired": "sessionExpired", "tooManySessions": "tooManySessions",
        "dependencyAboveVersion": "defect"}  # fmt: skip


class Malformed(Exception):
    """What came is no frame."""


class Reader:
    """Takes one frame apart."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        size = struct.calcsize("<" + layout)
        if self.at + size > len(self.data):
            raise Malformed("a frame is cut off")
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += size
        return values if len(values) > 1 else values[0]

    def text(self):
        return self.take(f"{self.take('H')}s").decode()

    def list(self, item):
        return [item() for _ in range(self.take("I"))]

    def versions(self, value="Q"):
        return dict(self.list(lambda: self.take("I" + value)))

    def optional(self, item):
        return item() if self.take("B") else None


def read_frame(data):
    """The type of a frame, and what a client needs of its fields."""
    r = Reader(data)
    kind = r.take("B")
    if kind == WELCOME:
        protocol, cluster, world_line, _port = r.take("H16sIH")
        return kind, (protocol, cluster, world_line, r.optional(lambda: (*r.take("III"), r.text())))
    if kind == ERROR:
        code, session = r.take("B"), r.optional(lambda: r.take("16s"))
        return kind, (ERRORS.get(code, str(code)), session, *r.take("QQ"), r.text())
    if kind == REPLY:
        _, count, session, world_line, _incarnation, sequence, version = r.take("3sI16sIIQQ")
        return kind, (session, world_line, sequence, version, count, data[r.at :])
    if kind == TABLE_ANSWER:
        return kind, r.take("16sIQ")
    if kind == CUT:
        _, world_line = r.take("16sI")
        decisions = r.list(lambda: (r.take("I"), r.versions(), r.versions("I"))[:2])
        return kind, (world_line, dict(decisions), r.versions())
    if kind == CLUSTER:
        _, version = r.take("16sQ")
        members = r.list(lambda: (*r.take("II"), r.text(), r.text(), *r.take("HB")))
        return kind, (version, members, dict(r.list(lambda: r.take("II"))))
    raise Malformed(f"a client is not sent frames of type {kind}")


def read_message(data):
    if data[:1] != bytes([SEVERAL]):
        return [read_frame(data)]
    r, frames = Reader(data[4:]), []
    while r.at < len(r.data):
        frames.append(read_frame(r.take(f"{r.take('I')}s")))
    return frames


class Socket:
    """A WebSocket (RFC 6455) that carries binary messages."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, host, port):
        reader, writer = await asyncio.open_connection(host, port, limit=MAX_MESSAGE_BYTES)
        key = base64.b64encode(os.urandom(16)).decode()
        request = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{request}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        if b" 101 " not in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]:
            writer.close()
            raise ConnectionError("the server speaks no WebSocket")
        return cls(reader, writer)

    def send(self, data, opcode=2):
        size = len(data)
        length = bytes([128 | size]) if size < 126 else struct.pack(">BH" if size < 65536 else ">BQ", 128 | (126 if size < 65536 else 127), size)
        self.writer.write(bytes([128 | opcode]) + length + bytes(4) + data)  # the mask is zero

    async def receive(self):
        """The next message; ConnectionError at the end."""
        message = b""
        while True:
            head = await asyncio.wait_for(self.reader.readexactly(2), SILENCE_S)
            opcode, size = head[0] & 15, head[1] & 127
            if size > 125:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            if len(message) + size > MAX_MESSAGE_BYTES:
                raise Malformed("a message is too long")
            data = await self.reader.readexactly(size)
            if opcode == 8:
                raise ConnectionError(f"the server closed the connection, {int.from_bytes(data[:2], 'big')}")
            if opcode == 9:
                self.send(data, 10)
            elif opcode < 8:
                message += data
                if head[0] & 128:
                    return message

    def close(self):
        if not self.writer.is_closing():
            self.send(struct.pack(">H", 1000), 8)
            self.writer.close()


class Call:
    def __init__(self, number, worker, amount):
        self.number, self.worker, self.amount = number, worker, amount
        self.sequence, self.version, self.committed = 0, None, False  # version: None while there is no reply
        self.seen, self.dependencies, self.sent_at = 0, {}, 0.0  # what the batch carries, each time that it is sent


class Lane:
    """What the session has to do with one worker."""

    def __init__(self, worker):
        self.worker, self.generation, self.socket = worker, 0, None
        self.pause, self.is_paused, self.absurd_since = FIRST_PAUSE_S, False, 0.0
        self.begin()

    def begin(self):
        self.next, self.acknowledged, self.survivor, self.calls = 1, 0, 0, {}  # calls by sequence

    def unanswered(self):
        return [call for call in self.calls.values() if call.version is None]


class Session:
    """`tell` is called with each event: completed, overflow, committed, lost, rolledback, failed, ended, refused."""

    def __init__(self, address, tell, token=""):
        self.tell, self.token, self.address = tell, token.encode(), urlsplit(address)
        self.id, self.cluster, self.world_line, self.seen = os.urandom(16), None, 0, 0
        self.frontier, self.cut, self.decisions = {}, {}, {}
        self.verdict, self.tables = 0, {}  # the world-line whose losses are being found out; what tables said
        self.members, self.removed, self.membership = {}, {}, 0
        self.lanes, self.queue, self.orphans = {}, [], []
        self.calls = self.urged = self.last_committed = 0
        self.is_over, self.finder, self.ask_finder = False, None, asyncio.Event()
        self.changed = asyncio.Event()
        self.tasks = [asyncio.ensure_future(self.keep(None))]

    # What the application does.

    def add(self, worker, amount):
        self.calls += 1
        self.queue.append(Call(self.calls, worker, amount))
        if worker not in self.lanes:
            self.lanes[worker] = Lane(worker)
            self.tasks.append(asyncio.ensure_future(self.keep(self.lanes[worker])))
        self.pump()
        return self.calls

    def commit(self):
        self.urged = self.calls
        for lane in self.lanes.values():
            self.urge(lane)

    async def idle(self):
        """Wait until every call is committed, lost or failed."""
        while not self.is_over and (self.queue or self.orphans or any(not c.committed for lane in self.lanes.values() for c in lane.calls.values())):
            self.changed.clear()
            await self.changed.wait()

    async def end(self):
        for lane in self.lanes.values():
            if lane.next > 1:
                self.send(lane, struct.pack("<B16s", SESSION_ENDED, self.id))
        self.stop()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # Connections.

    async def keep(self, lane):
        """Connects to a worker, or to the Finder (None), again and again."""
        pause = FIRST_PAUSE_S
        while not self.is_over:
            socket = None
            try:
                socket, welcome = await asyncio.wait_for(self.greet(lane), ANSWER_S)
                self.opened(lane, socket, welcome)
                pause = FIRST_PAUSE_S
                while not self.is_over:  # `wait_for` may swallow that the task is cancelled
                    for kind, fields in read_message(await socket.receive()):
                        self.frame(lane, kind, fields)
            except (OSError, EOFError, asyncio.TimeoutError, ValueError, Malformed):
                pass  # connect again
            finally:
                if socket is not None:
                    socket.close()
                if lane is not None:
                    lane.socket = None
                    self.ask_finder.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def greet(self, lane):
        while lane is not None and lane.worker not in self.members:
            await asyncio.sleep(FIRST_PAUSE_S)
        member = self.members[lane.worker] if lane else None
        host, port = (member[1] or self.address.hostname, member[2]) if member else (self.address.hostname, self.address.port)
        socket = await Socket.open(host, port)
        try:
            known = b"\1" + self.cluster if self.cluster else b"\0"
            socket.send(struct.pack("<BHB", HELLO, PROTOCOL_VERSION, 0) + known + struct.pack("<BH", 0, len(self.token)) + self.token)
            # Other frames of the same message follow the welcome: they are a cut, which `refresh` gives again.
            kind, fields = read_message(await socket.receive())[0]
            if kind == ERROR and lane is None and fields[0] in ("unsupportedVersion", "unauthorized", "wrongCluster"):
                self.finish("refused", fields[0])
            if kind != WELCOME:
                raise ConnectionError("the server does not serve now")
            protocol, cluster, _, worker = fields
            if protocol != PROTOCOL_VERSION or cluster != (self.cluster or cluster):
                if lane is None:
                    self.finish("refused", "unsupportedVersion" if protocol != PROTOCOL_VERSION else "wrongCluster")
                raise ConnectionError("the server is of another version or cluster")
            if lane is not None and (worker is None or worker[0] != lane.worker or worker[1] != member[0]):
                raise ConnectionError("another worker than was looked for")
            return socket, fields
        except BaseException:
            socket.close()
            raise

    def opened(self, lane, socket, welcome):
        _, self.cluster, world_line, worker = welcome
        self.world_line = self.world_line or world_line
        if lane is None:
            self.finder = socket
            self.tasks.append(asyncio.ensure_future(self.poll(socket)))
            return
        if worker[1] > lane.generation > 0:
            self.gone(lane)
        lane.generation, lane.socket, lane.is_paused, lane.pause = worker[1], socket, False, FIRST_PAUSE_S
        self.send(lane, struct.pack("<BI", REFRESH, self.world_line))
        if world_line <= self.world_line or self.verdict:
            self.again(lane)
        # else the answer to `refresh` tells what to do first

    async def poll(self, socket):
        """Asks the Finder for the membership, and for the cut where no worker tells it."""
        while self.finder is socket and not socket.writer.is_closing() and not self.is_over:
            self.ask_finder.clear()
            socket.send(struct.pack("<BQ", FETCH_CLUSTER, self.membership))
            if self.orphans or any(lane.socket is None and lane.calls for lane in self.lanes.values()):
                socket.send(struct.pack("<BI", REFRESH, self.world_line))
            if any(time.monotonic() > call.sent_at + RETRY_LIMIT_S for lane in self.lanes.values() for call in lane.unanswered()):
                return self.finish("ended", "sessionExpired")
            try:
                await asyncio.sleep(0.05)  # the least time between two questions
                await asyncio.wait_for(self.ask_finder.wait(), POLL_S)
            except asyncio.TimeoutError:
                pass

    def send(self, lane, data):
        if lane.socket is not None:
            lane.socket.send(data)

    def finish(self, *event):
        if not self.is_over:
            self.tell(*event)
            self.stop()

    def stop(self):
        self.is_over = True
        self.changed.set()
        for socket in [self.finder, *(lane.socket for lane in self.lanes.values())]:
            if socket is not None:
                socket.close()
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()

    # Batches and replies.

    def pump(self):
        """Sends what may be sent, in order."""
        while self.queue and self.verdict == 0:
            call = self.queue[0]
            lane = self.lanes[call.worker]
            others = any(other is not lane and other.unanswered() for other in self.lanes.values())
            is_ready = lane.socket is not None and not lane.is_paused and self.world_line > 0
            if others or not is_ready or lane.next - lane.acknowledged > MAX_UNACKNOWLEDGED:
                return
            self.queue.pop(0)
            call.sequence, lane.next = lane.next, lane.next + 1
            call.seen, call.sent_at = self.seen, time.monotonic()
            call.dependencies = {worker: version for worker, version in self.frontier.items() if worker != lane.worker}
            lane.calls[call.sequence] = call
            self.transmit(lane, call)

    def transmit(self, lane, call):
        head = struct.pack("<BBHI16sIIQQQII", BATCH, call.number <= self.urged, 0, 1, self.id, self.world_line, lane.generation,
                           call.sequence, lane.acknowledged, call.seen, len(call.dependencies), 0)  # fmt: skip
        frontier = b"".join(struct.pack("<IQ", *entry) for entry in call.dependencies.items())
        self.send(lane, head + frontier + struct.pack("<q", call.amount))

    def again(self, lane):
        """Sends again what was not answered, or asks again what became of it; then what is new."""
        lane.is_paused = False
        if self.verdict:
            return self.ask_table(lane)
        for call in sorted(lane.unanswered(), key=lambda one: one.sequence):
            self.transmit(lane, call)
        self.urge(lane)
        self.pump()

    def later(self, lane):
        if not lane.is_paused:
            lane.is_paused = True
            asyncio.get_running_loop().call_later(lane.pause, lambda: lane.is_paused and not self.is_over and self.again(lane))
            lane.pause = min(2 * lane.pause, LONGEST_PAUSE_S)

    def urge(self, lane):
        wanted = [call.version for call in lane.calls.values() if call.version is not None and not call.committed and call.number <= self.urged]
        if wanted:
            self.send(lane, struct.pack("<BIQ", COMMIT, self.world_line, max(wanted)))

    def frame(self, lane, kind, fields):
        if self.is_over:
            return
        if kind == CUT:
            self.take_cut(lane, *fields)
        elif kind == ERROR:
            self.refused(lane, *fields)
        elif kind == CLUSTER:
            self.take_cluster(*fields)
        elif kind == REPLY and lane is not None and fields[0] == self.id:
            self.replied(lane, *fields[1:])
        elif kind == TABLE_ANSWER and lane is not None and fields[:2] == (self.id, self.verdict):
            self.tables[lane.worker] = fields[2]
            self.conclude()
        self.changed.set()

    def replied(self, lane, world_line, sequence, version, count, results):
        call = lane.calls.get(sequence)
        if world_line != self.world_line or self.verdict or call is None or call.version is not None:
            return
        if count != 1 or len(results) not in (8, 12) or version < call.seen:
            return self.finish("ended", "defect")
        call.version, lane.pause, lane.absurd_since = version, FIRST_PAUSE_S, 0.0
        self.seen = max(self.seen, version)
        for worker, known in call.dependencies.items():
            if self.frontier.get(worker, known + 1) <= known:
                del self.frontier[worker]
        self.frontier[lane.worker] = max(self.frontier.get(lane.worker, 0), version)
        while lane.acknowledged + 1 < lane.next and getattr(lane.calls.get(lane.acknowledged + 1), "version", 0) is not None:
            lane.acknowledged += 1
        self.tell("overflow" if len(results) == 12 else "completed", call.number, *struct.unpack_from("<q", results))
        if call.number <= self.urged:
            self.urge(lane)
        self.settle()
        self.pump()

    def refused(self, lane, code, session, sequence, detail, _text):
        if code == "historyLost" and self.world_line + 1 < detail:
            return self.finish("ended", code)
        if lane is None or session != self.id:
            return
        if code == "sessionExpired" and sequence and getattr(lane.calls.get(sequence), "version", 0) is not None:
            return  # about a copy, which came late
        if code == "absurdVersion":  # a worker that is ahead is believed once it has reported
            lane.absurd_since = lane.absurd_since or time.monotonic()
            over = time.monotonic() >= lane.absurd_since + ABSURD_RETRY_LIMIT_S
            return self.finish("ended", "defect") if over else self.later(lane)
        if code in OVER:
            return self.finish("ended", OVER[code])
        if code == "sequenceGap" and not self.verdict:
            due = [call.sequence for call in lane.unanswered()]
            if due and detail < min(due) and detail <= lane.acknowledged:
                return self.finish("ended", "defect")
        if code in AGAIN or code == "sequenceGap":
            if code in ("leaving", "wrongGeneration"):
                self.ask_finder.set()
            self.later(lane)

    # Commits, rollbacks and removals.

    def take_cut(self, lane, world_line, decisions, cut):
        if world_line == self.world_line and not self.verdict:
            for worker, version in cut.items():
                self.cut[worker] = max(version, self.cut.get(worker, 0))
            return self.settle()
        if self.world_line == 0 or world_line <= max(self.world_line, self.verdict):
            return
        self.decisions.update(decisions)
        if all(one in self.decisions for one in range(self.world_line + 1, world_line + 1)):
            self.verdict, self.tables = world_line, {}
            for one in self.lanes.values():
                self.ask_table(one)
            return self.conclude()
        refresh = struct.pack("<BI", REFRESH, self.world_line)
        (self.finder if lane is None else lane.socket).send(refresh)

    def settle(self):
        """Tells what the cut covers."""
        calls = [call for lane in self.lanes.values() for call in lane.calls.values()] + self.orphans
        for call in sorted(calls, key=lambda one: one.number):
            if call.version is not None and not call.committed and call.version <= self.cut.get(call.worker, 0):
                call.committed = True
                self.last_committed = max(self.last_committed, call.number)
                self.tell("committed", call.number)
        self.orphans = [call for call in self.orphans if not call.committed]
        for lane in self.lanes.values():
            lane.survivor = max([lane.survivor, *(call.sequence for call in lane.calls.values() if call.committed)])
            lane.calls = {n: call for n, call in lane.calls.items() if not call.committed or n > lane.acknowledged}

    def ask_table(self, lane):
        if lane.unanswered() and lane.worker not in self.tables:
            self.send(lane, struct.pack("<B16sII", TABLE, self.id, self.verdict, lane.generation))

    def conclude(self):
        """Once every table is known that is needed: what survived, what is lost, and on in the new world-line."""
        if any(lane.unanswered() and lane.worker not in self.tables for lane in self.lanes.values()):
            return
        prefixes = [self.decisions[one] for one in range(self.world_line + 1, self.verdict + 1)]
        kept = lambda call: call.committed or call.version <= min(prefix.get(call.worker, 0) for prefix in prefixes)  # noqa: E731
        lost = [call for call in self.orphans if not kept(call)]
        self.orphans = [call for call in self.orphans if kept(call)]
        for lane in self.lanes.values():
            known = max([lane.survivor, *(n for n, call in lane.calls.items() if call.version is not None and kept(call))])
            last = self.tables.get(lane.worker, known)
            if last < known:
                return self.finish("ended", "sessionExpired")
            lost += [call for n, call in lane.calls.items() if n > last]
            lane.calls = {n: call for n, call in lane.calls.items() if n <= last}
            lane.next, lane.survivor, lane.acknowledged, lane.is_paused = last + 1, last, min(lane.acknowledged, last), False
        self.world_line, self.verdict, self.frontier, self.cut = self.verdict, 0, {}, dict(prefixes[-1])
        self.seen = 0
        for lane in self.lanes.values():
            lane.absurd_since = 0.0
        self.settle()
        if lost:
            survivors = [call.number for lane in self.lanes.values() for call in lane.calls.values()]
            for call in sorted(lost, key=lambda one: one.number) + self.queue:
                self.tell("lost", call.number)
            self.queue = []
            self.tell("rolledback", max([self.last_committed, *survivors]))
        for lane in self.lanes.values():
            self.again(lane)

    def take_cluster(self, version, members, removed):
        if version == self.membership:
            return
        self.membership = version
        self.members = {worker: (generation, host, port) for worker, generation, _type, host, port, _leaving in members}
        self.removed = removed
        for lane in self.lanes.values():
            later = self.members.get(lane.worker, (0,))[0]
            if 0 < lane.generation <= removed.get(lane.worker, 0) or 0 < lane.generation < later:
                self.gone(lane)
        for call in [call for call in self.queue if call.worker not in self.members]:
            self.queue.remove(call)
            self.tell("failed", call.number, "notExecuted")
        if self.verdict:
            self.conclude()

    def gone(self, lane):
        """The worker was removed: no process knows any more what it did not answer."""
        for call in sorted(lane.unanswered(), key=lambda one: one.number):
            self.tell("failed", call.number, "unknown")
        self.orphans += [call for call in lane.calls.values() if call.version is not None and not call.committed]
        if lane.socket is not None:
            lane.socket.close()
            lane.socket = None
        lane.generation = 0
        lane.begin()
        self.tables.pop(lane.worker, None)
        if self.orphans:
            self.ask_finder.set()
