"""Lines of text over a socket, for a reader that waits on several sockets at once."""

import socket


class LineSocket:
    """The owner's end of one rank's connection. A selector may wait on it: no line is ever held back in a buffer."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        self._connection = connection
        self._partial = b""

    def fileno(self) -> int:
        """What a selector waits on."""
        return self._connection.fileno()

    def write_line(self, text: str) -> None:
        """Send one line."""
        self._connection.sendall(text.encode() + b"\n")

    def read_lines(self) -> list[str]:
        """All complete lines that have arrived, waiting for at least one.

        Raises:
            EOFError: the other end is gone.
        """
        lines: list[bytes] = []
        while not lines:
            received = self._connection.recv(1 << 16)
            if not received:
                raise EOFError("the other end of the socket is closed")
            *lines, self._partial = (self._partial + received).split(b"\n")
        return [line.decode() for line in lines]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
