"""Lets `npm run conformance -- python3 examples/python/conformance.py` tell the client what to do, line by line."""

import asyncio
import os
import sys

from dpr_client import Session


async def main():
    session = Session(os.environ["DPR_CLUSTER"], lambda *event: print(*event, flush=True), os.environ.get("DPR_TOKEN", ""))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode():
        command, *words = line.split()
        if command == "add":
            session.add(int(words[0]), int(words[1]))
        elif command == "get":
            session.add(int(words[0]), 0)
        elif command == "commit":
            session.commit()
        elif command == "end":
            return await session.end()


asyncio.run(main())
