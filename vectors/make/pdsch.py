"""PDSCH, coded bits to elements, derived from the clauses; py3gpp serves for the constellations only.

pdsch.txt: for each vector a line of parameters, a line of coded bits in hexadecimal, a line of amplitudes x 10000, and for each layer a line of
elements, 14 symbols by 120 subcarriers, two characters each (real, imaginary): 'A' + index of the amplitude; '..' is zero."""
import random

import numpy as np
from py3gpp import nrSymbolModulate

random.seed(7311)
N_RB = 24


def gold(c_init, n):
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for i in range(n + 1600):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return [x1[i + 1600] ^ x2[i + 1600] for i in range(n)]


def interleaved(size, bundle, crb_start):
    """VRB -> PRB in the bandwidth part, TS 38.211 7.3.1.6."""
    first = bundle - crb_start % bundle
    bundles, at = [], 0
    while at < size:
        n = min(first if not bundles else bundle, size - at)
        bundles.append(list(range(at, at + n)))
        at += n
    n, r_max = len(bundles), 2
    c_max = n // r_max
    to = {n - 1: n - 1}
    for c in range(c_max):
        for r in range(r_max):
            if c * r_max + r < n - 1:
                to[c * r_max + r] = r * c_max + c
    out = {}
    for j in range(n):
        out.update(zip(bundles[j], bundles[to[j]]))
    return out


def main(out):
    ports1 = {0: (0, 0, 1, 1), 1: (0, 0, 1, -1), 2: (1, 1, 1, 1), 3: (1, 1, 1, -1)}
    ports2 = {0: (0, 0, 1, 1), 1: (0, 0, 1, -1), 2: (1, 2, 1, 1), 3: (1, 2, 1, -1), 4: (2, 4, 1, 1), 5: (2, 4, 1, -1)}
    cases = [
        # q_m, layers ports, dmrs type, cdm groups, dmrs symbols, start, n, interleaver bundle, reference, reserved, reserved re
        (2, [0], 1, 2, [2], 2, 12, 0, 0, None, None),
        (4, [0], 1, 1, [2, 11], 1, 13, 2, -3, None, None),
        (6, [0], 1, 2, [2, 7, 11], 2, 12, 4, -1, (3, 4, [4, 5]), None),
        (8, [0], 2, 1, [3, 8], 3, 9, 0, 2, None, {6: 0b000000010000}),
        (2, [2], 2, 2, [2], 2, 4, 2, 5, None, None),
        (4, [0, 1], 1, 2, [2, 9], 0, 14, 0, -10, (6, 3, [8, 9, 10, 11]), {5: 0b100010001000}),
        (6, [0, 2], 1, 2, [5], 5, 6, 4, -2, None, None),
        (8, [1], 2, 3, [2, 7], 2, 10, 2, 0, None, None),
    ]
    for n, (q_m, ports, kind, groups, dmrs_symbols, start, n_sym, bundle, reference, reserved, reserved_re) in enumerate(cases):
        bwp_start, bwp_size = (5, 17) if n % 2 else (5, 18)
        vrb_first, n_vrb = random.randrange(0, 4), random.randrange(5, 12)
        # Bundles are aligned to common RBs; the reference of the DM-RS is common RB 0 or CORESET 0's start.
        table = interleaved(bwp_size, bundle, bwp_start - reference) if bundle else {i: i for i in range(bwp_size)}
        prbs = [bwp_start + table[v] for v in range(vrb_first, vrb_first + n_vrb)]
        slot, rnti, n_id, dmrs_id, n_scid = random.randrange(20), random.randrange(1, 65536), random.randrange(1024), random.randrange(1024), n % 2
        layers = len(ports)
        grid = np.zeros((layers, 14, 12 * N_RB), complex)
        table_ports = ports1 if kind == 1 else ports2
        taken = np.zeros((14, 12 * N_RB), bool)
        for l in dmrs_symbols:
            c = gold((2**17 * (14 * slot + l + 1) * (2 * dmrs_id + 1) + 2 * dmrs_id + n_scid) % 2**31, 2 * 6 * 60)
            r = [((1 - 2 * c[2 * i]) + 1j * (1 - 2 * c[2 * i + 1])) / np.sqrt(2) for i in range(6 * 60)]
            for rb in prbs:
                for g in range(groups):
                    for k in range(12):
                        if (k % 2 == g if kind == 1 else k % 6 // 2 == g):
                            taken[l, 12 * rb + k] = True
            for v, p in enumerate(ports):
                _, delta, w0, w1 = table_ports[p]
                for i in range(1000):
                    for kk in range(2):
                        k = (4 * i + 2 * kk + delta) if kind == 1 else (6 * i + kk + delta)
                        k += 12 * reference
                        if k >= 0 and k < 12 * N_RB and k // 12 in prbs:
                            grid[v, l, k] = np.sqrt(groups) * r[2 * i + kk] * (w1 if kk else w0)
        if reserved:
            for l in reserved[2]:
                taken[l, 12 * reserved[0] : 12 * (reserved[0] + reserved[1])] = True
        for l, mask in (reserved_re or {}).items():
            for k in range(12 * N_RB):
                if mask >> (k % 12) & 1:
                    taken[l, k] = True
        places = [(l, 12 * rb + k) for l in range(start, start + n_sym) for rb in prbs for k in range(12) if not taken[l, 12 * rb + k]]
        g_bits = len(places) * layers * q_m
        coded = [random.getrandbits(1) for _ in range(g_bits)]
        scrambled = [a ^ b for a, b in zip(coded, gold(rnti * 2**15 + n_id, g_bits))]
        symbols = nrSymbolModulate(np.array(scrambled), {2: "QPSK", 4: "16QAM", 6: "64QAM", 8: "256QAM"}[q_m])
        for i, (l, k) in enumerate(places):
            for v in range(layers):
                grid[v, l, k] = symbols[i * layers + v]
        values = sorted(set(np.round(grid.real.flatten() * 1e4).astype(int)) | set(np.round(grid.imag.flatten() * 1e4).astype(int)))
        bitmap = sum(1 << rb for rb in prbs)
        res = reserved or (0, 0, [])
        re_masks = ",".join(str((reserved_re or {}).get(l, 0)) for l in range(14))
        head = [q_m, sum(1 << p for p in ports), kind, groups, sum(1 << l for l in dmrs_symbols), start, n_sym, bundle, reference]
        head += [res[0], res[1], sum(1 << l for l in res[2]), re_masks, bwp_start, bwp_size, bitmap, slot, rnti, n_id, dmrs_id, n_scid]
        packed = np.packbits(np.array(coded, dtype=np.uint8)).tobytes().hex()
        out.write(" ".join(map(str, head)) + "\n" + packed + "\n" + " ".join(map(str, values)) + "\n")

        def char(x):
            return chr(ord("A") + values.index(int(round(x * 1e4))))

        for v in range(layers):
            # The allocation's RBs only, in ascending order.
            cells = [grid[v, l, 12 * rb + k] for l in range(14) for rb in sorted(prbs) for k in range(12)]
            out.write("".join(".." if z == 0 else char(z.real) + char(z.imag) for z in cells) + "\n")


with open("pdsch.txt", "w") as out:
    main(out)
