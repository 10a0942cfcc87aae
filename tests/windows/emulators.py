"""Starts an emulator for each connection: emulators.py PROGRAM PORT_FILE.

A program that runs on Wine cannot start a Linux program with pipes. It connects here instead and sends the options on one line,
separated by tabs. The connection is the emulator's standard input and output: closing it ends the emulator. Ends with its own
standard input."""
import os
import socket
import subprocess
import sys
import threading


def options_of(connection: socket.socket) -> list[str]:
    line = b""
    # Byte by byte: what comes after the line is the emulator's.
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return []
        line += byte
    return line.decode().rstrip("\n").split("\t")


def serve(connection: socket.socket, program: str) -> None:
    with connection:
        options = options_of(connection)
        if options:
            subprocess.Popen([program, *options], stdin=connection, stdout=connection).wait()


def main() -> None:
    program, port_file = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    with open(f"{port_file}.new", "w", encoding="ascii") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(f"{port_file}.new", port_file)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, program), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
