"""A client that plays with compression: HOST PORT.

Input goes to the node; the lines DO and DONT request the compression and end it. The output of the node goes to standard output
without telnet commands, with changes of the compression in brackets. zlib decodes the output at once, so text that the node has
not flushed does not appear.
"""

import os
import select
import socket
import sys
import zlib

IAC, DONT, DO, WONT, WILL, SB, SE, COMPRESS2 = 255, 254, 253, 252, 251, 250, 240, 86

node = socket.create_connection((sys.argv[1], int(sys.argv[2])))
stream = None
pending = b""


def show(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def plain(text):
    """Prints bytes without telnet commands; returns the bytes behind the start of a compressed stream."""
    global pending
    text, pending = pending + text, b""
    while text:
        at = text.find(bytes([IAC]))
        show(text if at < 0 else text[:at])
        text = b"" if at < 0 else text[at:]
        end = length(text)
        if end is None:
            pending = text
            return None
        command, text = text[:end], text[end:]
        # The node assumes that a client without an answer to an option does not know telnet.
        if command[1:2] == bytes([DO]):
            node.sendall(bytes([IAC, WONT, command[2]]))
        if command == bytes([IAC, WILL, COMPRESS2]):
            node.sendall(bytes([IAC, DO, COMPRESS2]))
        if command[:3] == bytes([IAC, SB, COMPRESS2]):
            return text
    return None


def length(text):
    """The length of the command at the beginning of the bytes; None when it is not complete."""
    if len(text) < 2:
        return None if text else 0
    if text[1] == SB:
        end = text.find(bytes([IAC, SE]))
        return None if end < 0 else end + 2
    needed = 3 if WILL <= text[1] <= DONT else 2
    return needed if len(text) >= needed else None


def hear(data):
    global stream
    while data:
        if stream is None:
            data = plain(data)
            if data is not None:
                show(b"[COMPRESSED]")
                stream = zlib.decompressobj()
        else:
            assert plain(stream.decompress(data)) is None, "a stream in a stream"
            data = stream.unused_data
            if stream.eof:
                show(b"[STREAM ENDS]")
                stream = None


def say(typed):
    for line in typed.splitlines(keepends=True):
        verb = {b"DO\n": DO, b"DONT\n": DONT}.get(line)
        node.sendall(line if verb is None else bytes([IAC, verb, COMPRESS2]))


watched = [node, sys.stdin]
while True:
    ready = select.select(watched, [], [])[0]
    if sys.stdin in ready:
        typed = os.read(0, 4096)
        if not typed:
            watched.remove(sys.stdin)
        say(typed)
    if node in ready:
        data = node.recv(4096)
        if not data:
            break
        hear(data)
show(b"[CLOSED]" if stream is None else b"[CUT OFF]")
