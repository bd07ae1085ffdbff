"""What every trainer needs to live in the background: lowest priority, a pause file, and a state that survives being killed."""
from __future__ import annotations

import os
import signal
import time
from typing import Any

import torch


def lowest_priority(threads: int) -> None:
    """Run only when nothing else wants the processor (SCHED_IDLE where the system has it, nice 19 elsewhere)."""
    torch.set_num_threads(threads)
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (AttributeError, OSError):
        pass
    os.nice(19)


class RunState:
    """The folder of a run: state.pt, state.previous.pt, log.txt, and the pause file.

    `save` writes a temporary file, syncs it and renames, so at every moment at least one whole state exists.
    """

    def __init__(self, folder: str, every: float = 200.0, log: bool = True):
        self.folder, self.every, self.logging = folder, every, log
        os.makedirs(folder, exist_ok=True)
        self.last_save = time.time()
        self.stopping = False
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, self._stop)

    def _stop(self, *_: Any) -> None:
        self.stopping = True

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def load(self) -> dict[str, Any] | None:
        """The newest state that can be read, or None."""
        for name in ("state.pt", "state.previous.pt"):
            try:
                return torch.load(self._path(name), map_location="cpu", weights_only=False)
            except FileNotFoundError:
                continue
            except Exception as error:  # a torn file: fall back to the one before
                self.log(f"{name} cannot be read ({error!r})")
        return None

    def due(self) -> bool:
        """Is it time to save (or to save and stop)?"""
        return self.stopping or time.time() - self.last_save > self.every

    def save(self, state: dict[str, Any]) -> None:
        """Atomic; the state before is kept."""
        temporary, current = self._path("state.tmp"), self._path("state.pt")
        with open(temporary, "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        if os.path.exists(current):
            os.replace(current, self._path("state.previous.pt"))
        os.replace(temporary, current)
        self.last_save = time.time()

    def wait_while_paused(self) -> float:
        """Sleep while the file `pause` exists in the folder; returns the seconds slept."""
        start = time.time()
        while os.path.exists(self._path("pause")) and not self.stopping:
            time.sleep(0.5)
        return time.time() - start

    def log(self, line: str) -> None:
        """One line with the time, to log.txt and to the terminal."""
        if not self.logging:
            return
        line = time.strftime("%H:%M:%S ") + line
        print(line, flush=True)
        with open(self._path("log.txt"), "a") as f:
            f.write(line + "\n")
