"""A server on a port of this machine, and what the kernel says that it uses."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

WAIT_S = 30


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """Runs `command`, which is to listen on `port`, for as long as the block lasts.
    Variables in `environment` are added to ours; what it prints goes where ours goes,
    unless `stdout` and `stderr` name files."""

    def __init__(self, port, command, environment=None, **files):
        if listens(port):
            sys.exit(f"port {port} is taken")
        variables = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(command, env=variables, **files)
        self.pid = self.process.pid
        try:
            self.wait_for(port, command, files.get("stderr"))
        except BaseException:
            self.stop()
            raise

    def wait_for(self, port, command, errors):
        end = time.monotonic() + WAIT_S
        see = f"; see {errors.name}" if hasattr(errors, "name") else ""
        while not listens(port):
            if self.process.poll() is not None:
                sys.exit(f"{command[0]} ended with {self.process.returncode}{see}")
            if time.monotonic() > end:
                sys.exit(f"{command[0]} does not listen on port {port}{see}")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def cpu_seconds(self):
        """User and system time of it and its children, to the nanosecond: ticks are
        too coarse. Their threads live as long as they do."""
        total, tree = 0, [self.pid]
        while tree:
            one = tree.pop()
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
            tree += map(int, pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split())
        return total / 1e9

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
