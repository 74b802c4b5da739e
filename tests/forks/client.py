"""Stands for a process that the server forks; without ``site`` and imports it starts in a hundredth of a second."""

import marshal
import os
import select
import signal
import socket
import sys

_PATIENCE = 0.2
"""Seconds: a signal that comes just before a wait begins does not end that wait."""


def passed_on(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        return  # it has ended, as is about to be told


def main(address: str, *call: str) -> int:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all that stands here
        request = marshal.dumps((call, folder, dict(os.environ)))
        socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(request)
        answers = server.makefile("rb", buffering=0)
        child = int(answers.readline())
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda got, _: passed_on(child, got))
        while not select.select([server], [], [], _PATIENCE)[0]:
            pass
        code = int(answers.readline())
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
