"""Where a bridge's time goes: by py-spy where it is installed, otherwise by the profile that it wrote itself."""

import pstats
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

SHOWN = 25
LINE = re.compile(r":\d+\)$")
SAMPLES_PER_SECOND = 200
END_SECONDS = 60.0


def find_py_spy() -> str | None:
    return shutil.which("py-spy")


class Spy:
    """Samples a process from outside until it is stopped."""

    def __init__(self, pid: int, file: Path) -> None:
        self._file = file
        command = [find_py_spy() or "py-spy", "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_SECOND)]
        command += ["--format", "raw", "--duration", "unlimited", "--nonblocking", "--output", str(file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        """End the sampling; the file is written then."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def hottest(file: Path) -> str:
    """Return the functions that took most, from a file of either kind; "" where there is none."""
    if not file.exists():
        return "no profile was written\n"
    if find_py_spy():
        return "\n".join(_sampled(file.read_text())) + "\n"
    text = StringIO()
    stats = pstats.Stats(str(file), stream=text)
    stats.strip_dirs().sort_stats("tottime").print_stats(SHOWN)
    return text.getvalue()


def _sampled(text: str) -> Iterator[str]:
    """Read py-spy's raw lines: `frame;frame;frame samples`, the innermost frame last."""
    own: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [LINE.sub(")", frame) for frame in stack.split(";")]
        own[frames[-1]] += int(samples)
        inside.update(dict.fromkeys(frames, int(samples)))
    everything = sum(own.values()) or 1
    for title, counts in (("in the function itself", own), ("with all it calls", inside)):
        yield f"{title}, of {everything} samples"
        for frame, times in counts.most_common(SHOWN):
            yield f"  {times / everything:6.1%}  {frame}"
