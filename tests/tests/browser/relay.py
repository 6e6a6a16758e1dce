"""Sends standard input to the game with telnetlib3 or a WebSocket, and writes the output of the game to standard output.

    relay.py telnet|tls|terminal|gmcp HOST PORT

The last two are the subprotocols of mudstandards.org. Messages of GMCP go to standard error.
"""

import asyncio
import ssl
import sys

PACKAGES = '["PQ 1", "Char 1"]'


def trusting():
    """Accepts the self-signed certificate of the node."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def show(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


async def typed():
    """Returns the lines of standard input one by one."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line


async def over_telnet(host, port, context):
    import telnetlib3

    reader, writer = await telnetlib3.open_connection(
        host, port, encoding="utf8", cols=100, rows=30, ssl=context
    )

    async def send():
        async for line in typed():
            writer.write(line.decode().replace("\n", "\r\n"))

    sending = asyncio.create_task(send())
    while text := await reader.read(4096):
        show(text.encode())
    sending.cancel()


async def over_web(host, port, dialect):
    import websockets

    async with websockets.connect(
        f"ws://{host}:{port}/ws",
        subprotocols=[f"{dialect}.mudstandards.org"],
        compression=None,
    ) as socket:
        if dialect == "gmcp":
            await socket.send(f"Core.Supports.Set {PACKAGES}")

        async def send():
            async for line in typed():
                await socket.send(line.replace(b"\n", b"\r\n"))

        sending = asyncio.create_task(send())
        async for frame in socket:
            if isinstance(frame, bytes):
                show(frame)
            else:
                print(frame, file=sys.stderr, flush=True)
        sending.cancel()


async def main(way, host, port):
    match way:
        case "telnet":
            await over_telnet(host, port, None)
        case "tls":
            await over_telnet(host, port, trusting())
        case dialect:
            await over_web(host, port, dialect)


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
