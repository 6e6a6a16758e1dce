"""Plays a session with telnetlib3 and prints the negotiated options as a line of JSON.

Called with the address and the port of a node.
"""

import asyncio
import json
import sys

import telnetlib3
from telnetlib3 import telopt

PATIENCE_S = 30


async def until(reader, text):
    """Reads the output up to and including this text."""
    told = ""
    while text not in told:
        piece = await asyncio.wait_for(reader.read(1), PATIENCE_S)
        if not piece:
            sys.exit(f"the end instead of {text!r}: {told!r}")
        told += piece
    return told


async def main(host, port):
    pinged = asyncio.Event()
    reader, writer = await telnetlib3.open_connection(
        host, port, encoding="utf8", cols=100, rows=30
    )
    writer.set_ext_callback(telopt.GMCP, lambda package, data: pinged.set())
    await until(reader, "What's your character's name?\r\n")
    writer.write("Zoë\r\n")
    await until(reader, "Do you agree to these? y/n\r\n")
    writer.send_gmcp("Core.Ping")
    writer.write("y\r\n")
    print(await until(reader, "Obtained "))
    await asyncio.wait_for(pinged.wait(), PATIENCE_S)
    agreed = {
        "will_echo": bool(writer.will_echo),
        "eor": writer.remote_option.enabled(telopt.EOR),
        "charset": writer.environ_encoding,
        "naws": writer.local_option.enabled(telopt.NAWS),
        "ping": pinged.is_set(),
    }
    writer.write("quit\r\n")
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    print(json.dumps(agreed))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
