import mmap
import subprocess
import sys

import numpy as np

from astrid.core.measure import measured


def test_peak_memory_is_that_of_the_block():
    with measured() as small:
        pass
    # fresh from the system: what the process freed earlier would not show
    with measured() as large, mmap.mmap(-1, 50_000_000) as area:
        np.frombuffer(area, np.uint8).sum()
    # 50 MB were touched, all at once
    assert large.peak_memory_mb - small.peak_memory_mb > 40


def test_steps_of_one_name_add_up():
    with measured() as cost:
        with cost.step("read"):
            pass
        before = cost.seconds["read"]
        with cost.step("read"):
            pass
    assert list(cost.seconds) == ["read"]
    assert cost.seconds["read"] >= before


def test_programs_that_ran_count():
    work = "import time\nwhile time.process_time() < 0.3: pass"
    with measured() as cost:
        subprocess.run([sys.executable, "-c", work], check=True)  # noqa: S603
    assert cost.cpu_seconds > 0.3
