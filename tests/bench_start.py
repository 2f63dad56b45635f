"""How the whole command compares with importing what it needs: ratios of wall time, the sides taken in turn.

python tests/bench_start.py [RUNS]
"""

import statistics
import subprocess
import sys
import time

PYTHON = sys.executable
DEMO = [PYTHON, "-m", "derivcheck", "x1**2*sin(x2)", "--order", "2"]
FUNCTION = [PYTHON, "-m", "derivcheck", "log(1+exp(x))", "--function", "torch.nn.functional:softplus", "--order", "2"]
IMPORTS = [PYTHON, "-c", "import torch, sympy"]
ROWS = {
    "demo, --no-timing": ([*DEMO, "--no-timing"], IMPORTS),
    "demo, with timing": (DEMO, IMPORTS),
    "function, order 2": ([*FUNCTION, "--no-timing"], IMPORTS),
    "--version": ([PYTHON, "-m", "derivcheck", "--version"], [PYTHON, "-c", "import torch"]),
    "--help": ([PYTHON, "-m", "derivcheck", "--help"], [PYTHON, "-c", "import torch"]),
}


def seconds(command: list[str]) -> float:
    """Wall time of one process, its output thrown away."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print median ratios with their spread."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{'command':20} {'ratio':>6} {'least':>6} {'most':>6}   against")
    for name, (command, other) in ROWS.items():
        seconds(command), seconds(other)
        ratios = [seconds(command) / seconds(other) for _ in range(runs)]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"{name:20} {middle:6.2f} {low:6.2f} {high:6.2f}   {' '.join(other[1:])}")


if __name__ == "__main__":
    main()
