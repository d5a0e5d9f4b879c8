import subprocess
import sys

import pytest

# 32 MB in arrays that numpy asks no huge pages for: 8192 pages
WORK = """
import resource
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from astrid.core.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(2**18) for _ in range(16)]
    del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed_memory()
def work():
    if {threads}:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(faults).result()
    return faults()
print(work(), work(), work())
"""


@pytest.mark.parametrize("threads", [False, True])
def test_freed_memory_is_taken_again_without_asking_the_system(threads):
    command = [sys.executable, "-c", WORK.format(threads=threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    first, *later = map(int, done.stdout.split())
    assert first > 4000
    # the interpreter and a new thread touch some pages of their own
    assert max(later) < 200
