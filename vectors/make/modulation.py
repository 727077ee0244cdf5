"""Modulation mapping by py3gpp: python modulation.py OUT_DIR

modulation.txt: for each vector the scheme, the bits (hex), and the symbols (real, imaginary x 10^6).
"""
import sys

import numpy as np
from py3gpp import nrSymbolModulate

rng = np.random.default_rng(511)
with open(f"{sys.argv[1]}/modulation.txt", "w") as f:
    for name, q_m in [("pi/2-BPSK", 1), ("BPSK", 1), ("QPSK", 2), ("16QAM", 4), ("64QAM", 6), ("256QAM", 8)]:
        bits = rng.integers(0, 2, 48 * q_m)
        symbols = np.asarray(nrSymbolModulate(bits, name)).ravel()
        cells = " ".join(f"{round(s.real * 1e6)},{round(s.imag * 1e6)}" for s in symbols)
        f.write(f"{name}\n{np.packbits(bits.astype(np.uint8)).tobytes().hex()}\n{cells}\n")
