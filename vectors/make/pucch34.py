"""PUCCH formats 3 and 4 from UCI to elements, derived from the clauses.

python pucch34.py OUT_DIR   (numpy; needs py3gpp for the tables that fec_clause.py reads)

pucch34.txt: for each vector a line of parameters, a line of HARQ-ACK bits, SR, CSI part 1 and CSI part 2 bits ('-': none), and one line a
symbol of the PUCCH: re,im x 1000 of every element of its resource blocks, of every n-th above 24 elements (n: a 24th of them).
"""
import random
import sys

import numpy as np

from low_papr import type1, type2
from uplink_common import coding, gold, short_block

random.seed(63264)
C = coding()
# TS 38.212 table 6.3.1.6-1: length and DM-RS symbols -> sets of UCI symbols.
SETS = {
    (4, (1,)): [[0, 2], [3]], (4, (0, 2)): [[1, 3]], (5, (0, 3)): [[1, 2, 4]], (6, (1, 4)): [[0, 2, 3, 5]], (7, (1, 4)): [[0, 2, 3, 5], [6]],
    (8, (1, 5)): [[0, 2, 4, 6], [3, 7]], (9, (1, 6)): [[0, 2, 5, 7], [3, 4, 8]], (10, (2, 7)): [[1, 3, 6, 8], [0, 4, 5, 9]],
    (10, (1, 3, 6, 8)): [[0, 2, 4, 5, 7, 9]], (11, (2, 7)): [[1, 3, 6, 8], [0, 4, 5, 9], [10]], (11, (1, 3, 6, 9)): [[0, 2, 4, 5, 7, 8, 10]],
    (12, (2, 8)): [[1, 3, 7, 9], [0, 4, 6, 10], [5, 11]], (12, (1, 4, 7, 10)): [[0, 2, 3, 5, 6, 8, 9, 11]],
    (13, (2, 9)): [[1, 3, 8, 10], [0, 4, 7, 11], [5, 6, 12]], (13, (1, 4, 7, 11)): [[0, 2, 3, 5, 6, 8, 10, 12], [9]],
    (14, (3, 10)): [[2, 4, 9, 11], [1, 5, 8, 12], [0, 6, 7, 13]], (14, (1, 5, 8, 12)): [[0, 2, 4, 6, 7, 9, 11, 13], [3, 10]],
}
# TS 38.211 table 6.4.1.3.3.2-1: length -> (no hopping, hopping) without and with additional DM-RS.
DMRS = {
    4: [(1,), (0, 2), (1,), (0, 2)], 5: [(0, 3)] * 4, 6: [(1, 4)] * 4, 7: [(1, 4)] * 4, 8: [(1, 5)] * 4, 9: [(1, 6)] * 4,
    10: [(2, 7), (2, 7), (1, 3, 6, 8), (1, 3, 6, 8)], 11: [(2, 7), (2, 7), (1, 3, 6, 9), (1, 3, 6, 9)], 12: [(2, 8), (2, 8), (1, 4, 7, 10), (1, 4, 7, 10)],
    13: [(2, 9), (2, 9), (1, 4, 7, 11), (1, 4, 7, 11)], 14: [(3, 10), (3, 10), (1, 5, 8, 12), (1, 5, 8, 12)],
}
# TS 38.211 tables 6.3.2.6.3-1 and -2, 6.4.1.3.3.1-1.
COVER = {
    2: [[1] * 12, [1] * 6 + [-1] * 6],
    4: [[1] * 12, [1] * 3 + [-1j] * 3 + [-1] * 3 + [1j] * 3, [1] * 3 + [-1] * 3 + [1] * 3 + [-1] * 3, [1] * 3 + [1j] * 3 + [-1] * 3 + [-1j] * 3],
}
M_0 = [0, 6, 3, 9]


def coded(bits, e, q_m):
    return short_block(bits, q_m, e, C["BASIS"]) if len(bits) <= 11 else C["uci"](bits, e)


def group(p, n_hop):
    f_ss = p["hopping_id"] % 30
    at = 2 * p["slot"] + n_hop
    if p["group"] == 1:
        c = gold(p["hopping_id"] // 30, 8 * at + 8)
        return (sum(2 ** m * c[8 * at + m] for m in range(8)) % 30 + f_ss) % 30, 0
    if p["group"] == 2:
        return f_ss, gold(2 ** 5 * (p["hopping_id"] // 30) + f_ss, at + 1)[at]
    return f_ss, 0


def dmrs(p, i, hop, m_sc):
    l = p["start"] + i
    if p["type2"]:
        return type2((2 ** 17 * (14 * p["slot"] + l + 1) * (2 * p["dmrs_id"] + 1) + 2 * p["dmrs_id"]) % 2 ** 31, m_sc)
    c = gold(p["hopping_id"], 14 * 8 * p["slot"] + 8 * l + 8)
    n_cs = sum(2 ** m * c[14 * 8 * p["slot"] + 8 * l + m] for m in range(8))
    m_0 = M_0[p["occ"]] if p["n_sf"] > 1 else 0
    u, v = group(p, hop)
    # Two base sequences exist from six resource blocks on.
    return type1(u, v if m_sc >= 72 else 0, m_sc) * np.exp(2j * np.pi / 12 * ((m_0 + n_cs) % 12) * np.arange(m_sc))


def multiplex(p, ack, csi2, e_tot, q_m, per_symbol):
    """TS 38.212 §6.3.1.4.1, §6.3.1.6."""
    positions = DMRS[p["n_sym"]][2 * p["additional"] + (p["hop_prb"] >= 0)]
    uci_symbols = [i for i in range(p["n_sym"]) if i not in positions]
    if not csi2:
        return coded(ack, e_tot, q_m), positions
    crc = 0 if len(ack) < 12 else 6 if len(ack) < 20 else 11
    e1 = min(e_tot, int(np.ceil((len(ack) + crc) / (p["rate"] / 1000) / q_m - 1e-9)) * q_m)
    g1, g2 = coded(ack, e1, q_m), coded(csi2, e_tot - e1, q_m)
    sets = SETS[p["n_sym"], positions]
    sizes = [len(s) for s in sets]
    j = next(j for j in range(1, len(sets) + 1) if sum(sizes[:j]) * per_symbol * q_m >= e1)
    n_before = sum(sizes[:j - 1])
    rest = (e1 - n_before * per_symbol * q_m) // q_m
    m, remainder = divmod(rest, sizes[j - 1])
    out, n1, n2 = [], 0, 0
    for i in uci_symbols:
        if any(i in s for s in sets[:j - 1]):
            k1 = per_symbol
        elif i in sets[j - 1]:
            k1 = m + (1 if remainder > 0 else 0)
            remainder -= 1
        else:
            k1 = 0
        out += g1[n1:n1 + k1 * q_m] + g2[n2:n2 + (per_symbol - k1) * q_m]
        n1 += k1 * q_m
        n2 += (per_symbol - k1) * q_m
    assert n1 == len(g1) and n2 == len(g2)
    return out, positions


def pucch(p, part1, csi2):
    m_sc = 12 * p["n_prb"]
    q_m = 1 if p["pi2"] else 2
    per_symbol = m_sc // p["n_sf"]
    n_uci = p["n_sym"] - len(DMRS[p["n_sym"]][2 * p["additional"] + (p["hop_prb"] >= 0)])
    e = q_m * per_symbol * n_uci
    bits, positions = multiplex(p, part1, csi2, e, q_m, per_symbol)
    c = gold(p["rnti"] * 2 ** 15 + p["n_id"], e)
    b = []
    for i, x in enumerate(bits):
        b.append(b[i - 1] if x == "y" else (x + c[i]) % 2)
    if q_m == 2:
        d = [((1 - 2 * b[2 * i]) + 1j * (1 - 2 * b[2 * i + 1])) / np.sqrt(2) for i in range(e // 2)]
    else:
        d = [np.exp(1j * np.pi / 2 * (i % 2)) / np.sqrt(2) * ((1 - 2 * b[i]) + 1j * (1 - 2 * b[i])) for i in range(e)]
    rows, l = [], 0
    k = np.arange(m_sc)
    transform = np.exp(-2j * np.pi * np.outer(k, k) / m_sc) / np.sqrt(m_sc)
    for i in range(p["n_sym"]):
        hop = 1 if p["hop_prb"] >= 0 and i >= p["n_sym"] // 2 else 0
        if i in positions:
            rows.append(dmrs(p, i, hop, m_sc))
            continue
        if p["n_sf"] == 1:
            y = np.array(d[l * m_sc:(l + 1) * m_sc])
        else:
            y = np.array([COVER[p["n_sf"]][p["occ"]][x] * d[l * m_sc // p["n_sf"] + x % (m_sc // p["n_sf"])] for x in range(m_sc)])
        rows.append(transform @ y)
        l += 1
    return rows


# n_sym, hopping, additional, n_prb, n_sf, occ, pi/2, type 2, group hopping, bits: HARQ-ACK, SR, CSI part 1, CSI part 2, rate
CASES = [
    (4, 0, 0, 1, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0), (4, 1, 0, 1, 1, 0, 0, 0, 1, 3, 1, 4, 0, 0), (5, 0, 0, 2, 1, 0, 1, 0, 0, 7, 1, 0, 0, 0),
    (6, 1, 1, 3, 1, 0, 0, 0, 2, 14, 0, 0, 0, 0), (7, 0, 0, 2, 1, 0, 0, 0, 0, 3, 0, 5, 4, 250), (8, 0, 0, 1, 1, 0, 0, 0, 0, 2, 1, 7, 8, 600),
    (9, 1, 0, 2, 1, 0, 1, 0, 1, 3, 1, 8, 5, 600), (10, 0, 1, 4, 1, 0, 0, 0, 2, 20, 1, 4, 0, 0), (10, 1, 0, 1, 1, 0, 0, 0, 2, 4, 0, 9, 12, 350),
    (11, 0, 0, 3, 1, 0, 1, 1, 0, 10, 0, 9, 22, 450), (12, 1, 1, 6, 1, 0, 0, 0, 2, 24, 1, 10, 30, 80), (12, 0, 0, 8, 1, 0, 1, 1, 0, 40, 0, 0, 0, 0),
    (13, 0, 0, 2, 1, 0, 0, 0, 0, 12, 1, 4, 20, 250), (13, 1, 1, 1, 1, 0, 1, 0, 1, 6, 0, 0, 0, 0), (14, 0, 0, 16, 1, 0, 0, 0, 0, 60, 1, 20, 40, 80),
    (14, 1, 1, 5, 1, 0, 0, 0, 1, 30, 0, 4, 2, 150), (14, 0, 1, 2, 1, 0, 0, 0, 0, 5, 1, 6, 1, 80), (14, 1, 0, 1, 1, 0, 0, 0, 2, 5, 1, 0, 0, 0),
    (4, 0, 0, 1, 2, 0, 0, 0, 0, 4, 0, 0, 0, 0), (7, 1, 0, 1, 2, 1, 0, 0, 1, 6, 1, 0, 0, 0), (14, 0, 0, 1, 4, 1, 0, 0, 0, 13, 0, 0, 0, 0),
    (14, 1, 1, 1, 4, 2, 0, 0, 2, 8, 0, 0, 0, 0), (12, 0, 1, 1, 4, 3, 1, 0, 0, 4, 1, 0, 0, 0), (11, 1, 0, 1, 2, 1, 1, 0, 0, 3, 0, 9, 0, 0),
    (14, 0, 0, 1, 2, 0, 0, 0, 1, 4, 0, 9, 9, 350),
]


def main(out):
    keys = "format n_prb n_sf occ prb hop_prb start n_sym additional pi2 type2 rate n_ack n_sr n_csi n_csi2 slot rnti hopping_id group n_id dmrs_id"
    with open(f"{out}/pucch34.txt", "w") as f:
        for n_sym, hopping, additional, n_prb, n_sf, occ, pi2, t2, grp, n_ack, n_sr, n_csi, n_csi2, rate in CASES:
            p = dict(format=4 if n_sf > 1 else 3, n_prb=n_prb, n_sf=n_sf, occ=occ, prb=random.randrange(5), hop_prb=random.randrange(9) if hopping else -1,
                     start=random.randrange(15 - n_sym), n_sym=n_sym, additional=additional, pi2=pi2, type2=t2, rate=rate, n_ack=n_ack, n_sr=n_sr, n_csi=n_csi,
                     n_csi2=n_csi2, slot=random.randrange(20), rnti=random.randrange(1, 65520), hopping_id=random.randrange(1024), group=grp,
                     n_id=random.randrange(1024), dmrs_id=random.randrange(1024))
            ack, csi, csi2 = ([random.randrange(2) for _ in range(n)] for n in (n_ack, n_csi, n_csi2))
            sr = random.randrange(2) if n_sr else 0
            rows = pucch(p, ack + ([sr] if n_sr else []) + csi, csi2)
            f.write(" ".join(str(p[k]) for k in keys.split()) + "\n")
            f.write(" ".join("".join(map(str, b)) or "-" for b in (ack, [sr], csi, csi2)) + "\n")
            for row in rows:
                step = max(1, len(row) // 24)
                f.write(" ".join(f"{round(x.real * 1e3)},{round(x.imag * 1e3)}" for x in row[::step]) + "\n")


main(sys.argv[1])
