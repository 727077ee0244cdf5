"""PRACH samples by the sums of the clauses, in double precision, at some instants of each occasion.

python prach.py OUT_DIR   (numpy only)

prach.txt: for each vector a line of parameters, and a line of 'sample index, real, imaginary x 10^6' of the signal of mean power 1, counted from
the start of the occasion. Parameters: carrier spacing in kHz, resource blocks, transform length, duplex (0 FDD, 1 TDD), configuration index,
zeroCorrelationZoneConfig, root index, msg1-FDM, msg1-FrequencyStart, slot in the frame, first symbol, f_id, preamble, samples in all.
"""
import math
import random
import sys

import numpy as np

random.seed(6333)
# TS 38.211 table 6.3.3.1-3, first entries; 6.3.3.1-4.
ROOTS_839 = [129, 710, 140, 699, 120, 719, 210, 629, 168, 671, 84, 755, 105, 734, 93, 746, 70, 769, 60, 779, 2, 837, 1, 838, 56, 783]
ROOTS_139 = [x for i in range(1, 70) for x in (i, 139 - i)]
N_CS = {1.25: [0, 13, 15, 18, 22, 26, 32, 38, 46, 59, 76, 93, 119, 167, 279, 419], 5: [0, 13, 26, 33, 38, 41, 49, 55, 64, 76, 93, 119, 139, 209, 279, 419],
        "short": [0, 2, 4, 6, 8, 10, 12, 13, 15, 17, 19, 23, 27, 34, 46, 69]}
# Tables 6.3.3.1-1 and -2: format -> (spacing in kHz or None, repetitions, N_CP in kappa).
FORMATS = {"0": (1.25, 1, 3168), "1": (1.25, 2, 21024), "2": (1.25, 4, 4688), "3": (5, 4, 3168), "A1": (None, 2, 288), "A2": (None, 4, 576), "A3": (None, 6, 864),
           "B1": (None, 2, 216), "B4": (None, 12, 936), "C0": (None, 1, 1240), "C2": (None, 4, 2048)}
# Table 6.3.3.2-1.
SIZE = {(1.25, 15): (6, 7), (1.25, 30): (3, 1), (5, 15): (24, 12), (5, 30): (12, 10), (15, 15): (12, 2), (30, 30): (12, 2)}
KAPPA_PER_MS = 30720


def symbol_start_kappa(scs, slot, symbol):
    """t_start,l of TS 38.211 §5.3.1 within the subframe, in units of kappa T_c."""
    mu = {15: 0, 30: 1}[scs]
    l_abs = (slot % 2 ** mu) * 14 + symbol
    at = 0
    for l in range(l_abs):
        at += (2048 >> mu) + (144 >> mu) + (16 if l in (0, 7 * 2 ** mu) else 0)
    return at


def vector(f, fmt, scs, n_rb, n_fft, tdd, index, zcz, root_idx, fdm, freq_start, slot, symbol, f_id, preamble):
    spacing, reps, n_cp = FORMATS[fmt]
    l_ra = 839 if spacing else 139
    mu = {15: 0, 30: 1}[scs]
    table = N_CS[spacing] if spacing else N_CS["short"]
    if spacing is None:
        spacing, n_cp = scs, n_cp >> mu
    n_cs = table[zcz]
    per_root = l_ra // n_cs if n_cs else 1
    u = (ROOTS_839 if l_ra == 839 else ROOTS_139)[root_idx + preamble // per_root]
    c_v = preamble % per_root * n_cs
    x = np.array([np.exp(-1j * math.pi * u * (i * (i + 1)) / l_ra) for i in range(l_ra)])
    xuv = np.array([x[(n + c_v) % l_ra] for n in range(l_ra)])
    y = np.array([sum(xuv[m] * np.exp(-2j * math.pi * m * n / l_ra) for m in range(l_ra)) for n in range(l_ra)])
    n_rb_ra, k_bar = SIZE[spacing, scs]
    k = scs / spacing
    k1 = freq_start * 12 + f_id * n_rb_ra * 12 - n_rb * 6
    one = KAPPA_PER_MS / spacing  # kappa in one repetition
    n_u = reps * one
    if l_ra == 139:
        start = symbol_start_kappa(scs, slot, symbol)
        n = sum(1 for t in (0, KAPPA_PER_MS // 2) if start <= t < start + n_u + n_cp)
        n_cp += 16 * n
    fs_khz = n_fft * scs
    per_kappa = fs_khz / KAPPA_PER_MS
    total = (n_cp + n_u) * per_kappa
    assert total == int(total), (fmt, total)
    indices = sorted({0, 1, int(total) - 1, int(n_cp * per_kappa), int(n_cp * per_kappa) - 1} | {random.randrange(int(total)) for _ in range(30)})
    ks = np.arange(l_ra)
    samples = []
    for i in indices:
        t_ms = i / fs_khz - n_cp / KAPPA_PER_MS
        s = np.sum(y * np.exp(2j * math.pi * (ks + k * k1 + k_bar) * spacing * t_ms)) / l_ra
        samples.append(f"{i},{round(s.real * 1e6)},{round(s.imag * 1e6)}")
    f.write(f"{scs} {n_rb} {n_fft} {tdd} {index} {zcz} {root_idx} {fdm} {freq_start} {slot} {symbol} {f_id} {preamble} {int(total)}\n{' '.join(samples)}\n")


# format, scs, n_rb, fft, tdd, configuration index, zcz, root, fdm, frequency start, slot, symbol, f_id, preamble
CASES = [
    ("0", 15, 52, 768, 0, 16, 5, 3, 1, 4, 1, 0, 0, 40), ("0", 30, 51, 768, 1, 7, 12, 0, 2, 10, 18, 0, 1, 7), ("1", 15, 52, 768, 0, 28, 8, 2, 1, 0, 1, 0, 0, 22),
    ("2", 15, 52, 768, 0, 53, 9, 1, 1, 20, 1, 0, 0, 63), ("3", 15, 52, 768, 0, 60, 10, 0, 1, 2, 1, 0, 0, 9), ("3", 30, 51, 768, 1, 47, 12, 5, 1, 30, 18, 0, 0, 13),
    ("A1", 30, 51, 768, 1, 77, 11, 0, 1, 3, 19, 0, 0, 17), ("A1", 30, 51, 768, 1, 77, 11, 0, 1, 3, 19, 4, 0, 17), ("A2", 30, 51, 768, 1, 100, 11, 9, 2, 1, 19, 9, 1, 50),
    ("A3", 30, 106, 1536, 1, 122, 8, 20, 1, 60, 19, 0, 0, 33), ("B4", 30, 273, 4096, 1, 160, 11, 1, 1, 200, 19, 2, 0, 63), ("C0", 30, 51, 768, 1, 179, 13, 0, 1, 5, 19, 2, 0, 1),
    ("C2", 30, 51, 768, 1, 201, 12, 0, 1, 5, 19, 2, 0, 11), ("B4", 15, 52, 768, 0, 200, 10, 70, 1, 15, 4, 1, 0, 44), ("A2", 15, 52, 768, 0, 117, 7, 0, 1, 0, 2, 0, 0, 3),
]
with open(f"{sys.argv[1]}/prach.txt", "w") as out:
    for case in CASES:
        vector(out, *case)
