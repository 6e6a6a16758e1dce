"""Clients of a node's WebSocket, with the library `websockets`.

    relay URL PROTOCOL LOG   plays: sends its input byte by byte, writes binary frames to standard output, and text frames
                             and the end to LOG. PROTOCOL may be `none`.
    odd URL                  breaks the protocol, and prints the results as a line of JSON.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

PATIENCE_S = 30


async def relay(url, protocol, log):
    protocols = None if protocol == "none" else [protocol]
    async with connect(url, subprotocols=protocols, ping_interval=None) as socket:
        assert socket.subprotocol == (protocols and protocol), socket.subprotocol
        with open(log, "a", encoding="utf8") as messages:
            listening = asyncio.ensure_future(listen(socket, messages))
            if protocol == "gmcp.mudstandards.org":
                await socket.send('PQ.Window {"columns":111,"lines":33}')
                await socket.send('Core.Supports.Set ["PQ 1"]')
            typing = asyncio.ensure_future(type_lines(socket))
            await listening
            typing.cancel()
    # There is no other way to stop the thread that waits for a line.
    sys.stdout.flush()
    sys.stdin.close()


async def listen(socket, messages):
    try:
        async for frame in socket:
            if isinstance(frame, bytes):
                # Frames contain complete characters, because each frame has to be valid text.
                sys.stdout.write(frame.decode("utf8"))
                sys.stdout.flush()
            else:
                print(frame, file=messages, flush=True)
    except ConnectionClosed:
        pass
    print("CLOSE", socket.close_code, socket.close_reason, file=messages, flush=True)


async def type_lines(socket):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        for byte in line:
            await socket.send(bytes([byte]))


async def until(socket, text):
    told = ""
    while text not in told:
        frame = await asyncio.wait_for(socket.recv(), PATIENCE_S)
        told += frame.decode("utf8") if isinstance(frame, bytes) else ""
    return told


async def ends(socket):
    """Reads up to the end of the connection and returns its code and reason."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
    except ConnectionClosed:
        return [socket.close_code, socket.close_reason]


async def refused(url):
    try:
        async with connect(url, subprotocols=["json.mudstandards.org", "telnet.mudstandards.org"]):
            return "let in"
    except InvalidStatus as error:
        return [error.response.status_code, error.response.body.decode()]


async def chosen(url):
    names = ["telnet.mudstandards.org", "terminal.mudstandards.org", "gmcp.mudstandards.org"]
    async with connect(url, subprotocols=names) as socket:
        return socket.subprotocol


async def from_elsewhere(url):
    async with connect(url, origin="http://elsewhere.example") as socket:
        await until(socket, "name?")
        return "let in"


async def text_frames(url):
    """Plays without a subprotocol and without line ends, as a person does by hand."""
    async with connect(url) as socket:
        await until(socket, "name?")
        await socket.send("Tess")
        await until(socket, "y/n")
        await socket.send("maybe")
        return "Answer with y" in await until(socket, "no)")


async def huge(url):
    async with connect(url) as socket:
        await until(socket, "name?")
        try:
            await socket.send(b"x" * 1_000_000)
        except ConnectionClosed:
            pass
        return (await ends(socket))[0]


async def long_line(url):
    async with connect(url) as socket:
        await until(socket, "name?")
        for _ in range(20):
            await socket.send(b"x" * 200)
        await socket.send(b"\n")
        told = await until(socket, "\n")
        return told.strip()


async def bytes_of_telnet(url):
    """Sends bytes that begin a command in telnet: no option changes, and the client stays connected."""
    async with connect(url) as socket:
        await until(socket, "name?")
        await socket.send(b"\xff\xfd\xc9\xff\xfa\xc9Core.Supports.Set [\"PQ 1\"]\xff\xf0\xff\xf4\n")
        await until(socket, "\n")
        await socket.send(b"Ted\n")
        return "y/n" in await until(socket, "y/n")


async def odd(url):
    cases = [refused, chosen, from_elsewhere, text_frames, huge, long_line, bytes_of_telnet]
    print(json.dumps({case.__name__: await case(url) for case in cases}))


asyncio.run({"relay": relay, "odd": odd}[sys.argv[1]](*sys.argv[2:]))
