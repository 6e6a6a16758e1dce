"""Plays a session with telnetlib3, subscribes to messages about its hero, and prints every message at once.

Called with the address and the port of a node. A line on the standard input ends it.
"""

import asyncio
import json
import sys

import telnetlib3
from telnetlib3 import telopt

PATIENCE_S = 30


def heard(package, data):
    print(package, json.dumps(data, sort_keys=True), flush=True)


async def main(host, port):
    reader, writer = await telnetlib3.open_connection(host, port, encoding="utf8")
    writer.set_ext_callback(telopt.GMCP, heard)
    writer.write("Ann\r\ny\r\n")
    told = ""
    while "Executing a " not in told:
        told += await asyncio.wait_for(reader.read(1), PATIENCE_S) or sys.exit(told)
    writer.send_gmcp("Core.Supports.Set", ["Char 1", "PQ 1"])
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.readline)
    rest = asyncio.ensure_future(reader.read())
    await ended
    writer.write("quit\r\n")
    await asyncio.wait_for(rest, PATIENCE_S)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
