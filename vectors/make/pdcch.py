"""PDCCH, bits to elements, derived from the clauses; py3gpp serves for the polar reliability order and the CRC only.

Each line of pdcch.txt: parameters, payload, then one string of elements for each symbol of the CORESET over the whole carrier:
'0' zero, 'a'..'d' QPSK (+,+), (-,+), (+,-), (-,-)."""
import random

import numpy as np
from py3gpp import nrCRCEncode
from py3gpp.helper import generate_5g_ranking, polar_precode_interleave

random.seed(38213)
N_RB = 60
SUB = [0, 1, 2, 4, 3, 5, 6, 7, 8, 16, 9, 17, 10, 18, 11, 19, 12, 20, 13, 21, 14, 22, 15, 23, 24, 25, 26, 28, 27, 29, 30, 31]


def gold(c_init, n):
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for i in range(n + 1600):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return [x1[i + 1600] ^ x2[i + 1600] for i in range(n)]


def reliability(n):
    """Channels from least to most reliable, out of how information sets grow."""
    order, seen = [], set()
    for k in range(1, n + 1):
        info = set(int(i) for i in generate_5g_ranking(k, n)[1]) if k < n else set(range(n))
        order += list(info - seen)
        seen = info
    return order[::-1]


def polar(payload_crc, e):
    k = len(payload_crc)
    # TS 38.212 5.3.1: mother code length, n_max 9.
    n1 = int(np.ceil(np.log2(e)))
    if e <= 9 / 8 * 2 ** (n1 - 1) and k / e < 9 / 16:
        n1 -= 1
    n = max(5, min(n1, int(np.ceil(np.log2(8 * k))), 9))
    size = 2**n
    j = [SUB[32 * i // size] * (size // 32) + i % (size // 32) for i in range(size)]
    # TS 38.212 5.4.1.1: positions that rate matching freezes.
    frozen = set()
    if e < size:
        if k / e <= 7 / 16:
            frozen |= {j[i] for i in range(size - e)}
            limit = np.ceil(3 * size / 4 - e / 2) if e >= 3 * size / 4 else np.ceil(9 * size / 16 - e / 4)
            frozen |= set(range(int(limit)))
        else:
            frozen |= {j[i] for i in range(e, size)}
    usable = [i for i in reliability(size) if i not in frozen]
    info = sorted(usable[-k:])
    u = np.zeros(size, int)
    u[info] = np.array(payload_crc)[polar_precode_interleave(k)]
    g = np.array([[1]])
    for _ in range(n):
        g = np.kron(g, np.array([[1, 0], [1, 1]]))
    d = u @ g % 2
    y = [int(d[i]) for i in j]
    if e >= size:
        return [y[i % size] for i in range(e)]
    return [y[i + size - e] for i in range(e)] if k / e <= 7 / 16 else y[:e]


def dci(payload, rnti, e):
    padded = payload + [0] * max(0, 12 - len(payload))
    crc = [int(b) for b in nrCRCEncode(np.array([1] * 24 + padded), "24C")[:, 0]][24:]
    for i in range(16):
        crc[-16 + i] ^= rnti >> (15 - i) & 1
    return polar(crc, e)


def main(out):
    cases = [
        # duration, interleaving (L, R, shift) or none
        (1, None), (2, None), (3, None), (1, (6, 2, 5)), (2, (2, 2, 7)), (2, (6, 2, 500)), (1, (2, 2, 1)), (3, (3, 2, 11)), (3, (6, 2, 0)), (2, (6, 2, 88)),
    ]
    for n, (duration, mapping) in enumerate(cases):
        groups = [0b1111, 0b11011011, 0b110011, 0b1111, 0b11111111, 0b11111111, 0b1111, 0b1111, 0b1111, 0b11111111][n]
        start = random.randrange(0, 10)
        rbs = [start + 6 * i + r for i in range(45) if groups >> i & 1 for r in range(6)]
        n_reg = len(rbs) * duration
        n_cce = n_reg // 6
        level = random.choice([l for l in (1, 2, 4, 8, 16) if l <= n_cce])
        if n == 5:
            level = 16
        cce = level * random.randrange(n_cce // level)
        slot, first = random.randrange(20), random.randrange(0, 14 - duration)
        dmrs_id, n_id = random.randrange(65536), random.randrange(65536)
        reference = [0, -3, start, 0, -40, 2, 0, start, 0, 0][n]
        if reference > start:
            reference = start
        rnti, scr_rnti = random.randrange(1, 65536), random.choice([0, 17017, 65535])
        bits = [random.getrandbits(1) for _ in range(random.choice([12, 27, 39, 41, 44]) if n else 8)]
        # CCE to REG.
        if mapping:
            bundle, rows, shift = mapping
            columns = n_reg // (bundle * rows)
            f = {}
            for c in range(columns):
                for r in range(rows):
                    f[c * rows + r] = (r * columns + c + shift) % (n_reg // bundle)
        else:
            bundle, rows, shift = 6, 0, 0
            f = {i: i for i in range(n_reg // 6)}
        regs = []
        for j in range(cce, cce + level):
            for b in range(6 // bundle):
                i = f[6 * j // bundle + b]
                regs += range(i * bundle, (i + 1) * bundle)
        places = {(reg % duration, rbs[reg // duration]) for reg in regs}
        coded = dci(bits, rnti, 108 * level)
        coded = [a ^ b for a, b in zip(coded, gold((scr_rnti * 2**16 + n_id) % 2**31, len(coded)))]
        grid = [["0"] * (12 * N_RB) for _ in range(duration)]
        at = 0
        for l in range(duration):
            c_init = (2**17 * (14 * slot + first + l + 1) * (2 * dmrs_id + 1) + 2 * dmrs_id) % 2**31
            c = gold(c_init, 6 * (N_RB + 50))
            for k in range(12 * N_RB):
                if (l, k // 12) not in places:
                    continue
                if k % 12 in (1, 5, 9):
                    m = 3 * (k // 12 - reference) + (k % 12 - 1) // 4
                    pair = c[2 * m], c[2 * m + 1]
                else:
                    pair = coded[at], coded[at + 1]
                    at += 2
                grid[l][k] = "abcd"[pair[0] + 2 * pair[1]]
        assert at == len(coded)
        head = [groups, start, duration, bundle, rows, shift, dmrs_id, reference, slot, first, cce, level, rnti, scr_rnti, n_id]
        out.write(" ".join(map(str, head)) + " " + "".join(map(str, bits)) + " " + " ".join("".join(g) for g in grid) + "\n")


with open("pdcch.txt", "w") as out:
    main(out)
