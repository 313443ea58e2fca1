"""systemd's side of sd_notify(3): a datagram socket that keeps what it is told."""

import os
import socket
import threading

from services.process import wait_until


class NotifySocket:
    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.told = []
        self.is_over = False
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        while True:
            text = self.socket.recv(4096).decode()
            if self.is_over:
                return
            self.told.append(text)

    def close(self):
        self.is_over = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"over", self.path)
        self.reader.join()
        self.socket.close()
        os.unlink(self.path)

    def lines(self):
        return [line for text in self.told for line in text.split("\n")]

    def count(self, line):
        return self.lines().count(line)

    def wait_for(self, line, times=1, seconds=30):
        wait_until(lambda: self.count(line) >= times, seconds, f"{line} to systemd: {self.told}")
