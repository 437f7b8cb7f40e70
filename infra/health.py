"""Checks of the machine a run is about to use: interpreter, memory, disk, file system, encoder, port."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from data_contracts.doctor import DoctorReport, Finding, Health
from infra.settings import Settings

SUPPORTED = ((3, 11), (3, 12))
MEMORY_GIB = 8
DISK_GIB = 6
SERVING_PORT = 8080
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"}
GIB = 1024**3


def examine(settings: Settings, workdir: Path) -> DoctorReport:
    """Run every check; none of them changes anything."""
    checks: list[Callable[[], Finding]] = [
        _python,
        lambda: _cores(settings.workers),
        _memory,
        lambda: _disk(workdir),
        lambda: _file_system(workdir),
        _motion_filter,
        _port,
    ]
    return DoctorReport(findings=[check() for check in checks])


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] in SUPPORTED:
        return Finding(check="python", health=Health.GOOD, found=found)
    return Finding(check="python", health=Health.PROBLEM, found=found, fix="use Python 3.11 or 3.12")


def _cores(workers: int) -> Finding:
    cores = len(os.sched_getaffinity(0))
    found = f"{cores} usable, the profile wants {workers}"
    if cores >= workers:
        return Finding(check="cores", health=Health.GOOD, found=found)
    fix = "expect it to take longer, or lower `workers` in the profile (ids stay equal, bits may not)"
    return Finding(check="cores", health=Health.WARNING, found=found, fix=fix)


def _memory() -> Finding:
    gib = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    found = f"{gib:.1f} GiB free"
    if gib >= MEMORY_GIB:
        return Finding(check="memory", health=Health.GOOD, found=found)
    return Finding(check="memory", health=Health.WARNING, found=found, fix=f"free memory up to {MEMORY_GIB} GiB")


def _disk(workdir: Path) -> Finding:
    gib = shutil.disk_usage(_existing(workdir)).free / GIB
    found = f"{gib:.1f} GiB free for {workdir}"
    if gib >= DISK_GIB:
        return Finding(check="disk", health=Health.GOOD, found=found)
    return Finding(check="disk", health=Health.PROBLEM, found=found, fix=f"free {DISK_GIB} GiB or pass --workdir")


def _file_system(workdir: Path) -> Finding:
    """SQLite and record locks hang or lie on network file systems."""
    place = _existing(workdir).resolve()
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    homes = [(point, kind) for point, kind in mounts if place.is_relative_to(point)]
    kind = max(homes, key=lambda home: len(home[0]))[1] if homes else "unknown"
    if kind not in NETWORK_FILE_SYSTEMS:
        return Finding(check="file system", health=Health.GOOD, found=kind)
    fix = "put the workdir on a local disk: its databases and locks do not work over a network"
    return Finding(check="file system", health=Health.PROBLEM, found=kind, fix=fix)


def _motion_filter() -> Finding:
    import imageio_ffmpeg

    tool = imageio_ffmpeg.get_ffmpeg_exe()
    call = [tool, "-hide_banner", "-h", "filter=vmafmotion"]
    answer = subprocess.run(call, capture_output=True, text=True, timeout=30, check=False)
    if "vmafmotion" in answer.stdout and "Unknown filter" not in answer.stdout:
        return Finding(check="ffmpeg", health=Health.GOOD, found="has the vmafmotion filter")
    fix = "run `make setup` again: the pinned ffmpeg has the filter"
    return Finding(check="ffmpeg", health=Health.PROBLEM, found="no vmafmotion filter", fix=fix)


def _port() -> Finding:
    with socket.socket() as probe:
        busy = probe.connect_ex(("127.0.0.1", SERVING_PORT)) == 0
    if not busy:
        return Finding(check="port", health=Health.GOOD, found=f"{SERVING_PORT} is free")
    found = f"{SERVING_PORT} is in use"
    return Finding(check="port", health=Health.WARNING, found=found, fix="pass another --port to `wm serve`")


def _existing(path: Path) -> Path:
    """The path, or its nearest ancestor that exists."""
    return next(candidate for candidate in (path.absolute(), *path.absolute().parents) if candidate.exists())
