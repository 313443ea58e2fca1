"""Disks that are full."""

import ctypes
import os


class SmallDisk:
    """A file system of a few megabytes; where nothing may be mounted, a limit on the size of files."""

    def __init__(self, folder, size=48 << 20):
        self.folder = folder
        folder.mkdir()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.is_mounted = self.libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0,
                                          f"size={size}".encode()) == 0

    def fill(self, kafka):
        if not self.is_mounted:
            kafka.limit_files(11 << 20)  # above the indices, which have 10 MiB each
            return
        free = os.statvfs(self.folder)
        self.take(free.f_bavail * free.f_frsize - 65536)

    def take(self, size):
        """So many bytes of it."""
        with open(self.folder / "ballast", "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(1, size))

    def clear(self):
        if self.is_mounted:
            (self.folder / "ballast").unlink()

    def close(self):
        if self.is_mounted:
            self.libc.umount2(str(self.folder).encode(), 2)  # MNT_DETACH
