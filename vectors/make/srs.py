"""SRS elements from the formulae of TS 38.211 §6.4.1.4.

python srs.py OUT_DIR   (numpy only)

srs.txt: for each vector a line of parameters, and for each symbol and port a line: first subcarrier, then re,im x 1000 of every step-th element.
"""
import math
import random
import sys

import numpy as np

from low_papr import type1
from uplink_common import gold

random.seed(6414)
# Rows of table 6.4.1.4.3-1 that the vectors use: C_SRS -> (m_SRS,b, N_b).
ROWS = {
    0: [(4, 1)] * 4, 5: [(20, 1), (4, 5), (4, 1), (4, 1)], 9: [(32, 1), (16, 2), (8, 2), (4, 2)], 13: [(48, 1), (24, 2), (12, 2), (4, 3)],
    17: [(64, 1), (32, 2), (16, 2), (4, 4)], 18: [(72, 1), (24, 3), (12, 2), (4, 3)], 24: [(96, 1), (48, 2), (24, 2), (4, 6)], 63: [(272, 1), (16, 17), (8, 2), (4, 2)],
}
CS_MAX = {2: 8, 4: 12, 8: 6}
# Table 6.4.1.4.3-2.
K_OFFSET = {(2, 2): [0, 1], (4, 4): [0, 2, 1, 3], (8, 8): [0, 4, 2, 6, 1, 5, 3, 7], (8, 4): [0, 4, 2, 6], (4, 12): [0, 2, 1, 3] * 3}
K_HOP = {1: [0], 2: [0, 1], 4: [0, 2, 1, 3]}


def shift_and_comb(p, i):
    n_max, k_tc = CS_MAX[p["comb"]], p["comb"]
    if p["ports"] == 4 and n_max == 6:
        n = (p["cs"] + n_max * (i // 2) // 2) % n_max
    else:
        n = (p["cs"] + n_max * i // p["ports"]) % n_max
    comb = p["offset"]
    if p["ports"] == 4 and i in (1, 3) and (n_max == 6 or p["cs"] >= n_max / 2):
        comb = (p["offset"] + k_tc // 2) % k_tc
    return 2 * math.pi * n / n_max, comb


def k_0(p, i, l):
    row = ROWS[p["c_srs"]]
    n_slots = 20 * p["frame"] + p["slot"]
    if p["period"]:
        n_srs = (n_slots - p["slot_offset"]) // p["period"] * (p["n_sym"] // p["rep"]) + l // p["rep"]
    else:
        n_srs = l // p["rep"]
    n_div = [1 if b == p["b_hop"] else row[b][1] for b in range(4)]
    total = 0
    for b in range(p["b_srs"] + 1):
        m, n = row[b]
        fixed = 4 * p["n_rrc"] // m
        if p["b_hop"] >= p["b_srs"] or b <= p["b_hop"]:
            nb = fixed % n
        else:
            below = math.prod(n_div[p["b_hop"]:b])
            upto = below * n
            if n % 2 == 0:
                f = n // 2 * ((n_srs % upto) // below) + (n_srs % upto) // (2 * below)
            else:
                f = n // 2 * (n_srs // below)
            nb = (f + fixed) % n
        total += m * 12 * nb
    p_f = p["p_f"]
    hop = 0
    if p["rb_hop"]:
        hop = K_HOP[p_f][n_srs // math.prod(n_div[p["b_hop"]:p["b_srs"] + 1]) % p_f]
    part = 12 * row[p["b_srs"]][0] * ((p["k_f"] + hop) % p_f) // p_f
    _, comb = shift_and_comb(p, i)
    if p["positioning"]:
        comb = (comb + K_OFFSET[p["comb"], p["n_sym"]][l]) % p["comb"]
    return 12 * (p["ref"] + p["n_shift"]) + comb + total + part


def sequence(p, i, l):
    m = ROWS[p["c_srs"]][p["b_srs"]][0] * 12 // (p["comb"] * p["p_f"])
    at = 14 * p["slot"] + p["l0"] + l
    u, v = p["id"] % 30, 0
    if p["hopping"] == 1:
        c = gold(p["id"], 8 * at + 8)
        u = (sum(2 ** x * c[8 * at + x] for x in range(8)) % 30 + p["id"]) % 30
    if p["hopping"] == 2 and m >= 72:
        v = gold(p["id"], at + 1)[at]
    alpha, _ = shift_and_comb(p, i)
    return type1(u, v, m) * np.exp(1j * alpha * np.arange(m)) / math.sqrt(p["ports"])


KEYS = "ports comb offset cs l0 n_sym rep n_rrc n_shift c_srs b_srs b_hop hopping id period slot_offset p_f k_f rb_hop positioning ref frame slot".split()
# ports, comb, offset, cs, n_sym, rep, n_rrc, c_srs, b_srs, b_hop, hopping, period, p_f, k_f, rb_hop, positioning
CASES = [
    (1, 2, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), (2, 4, 2, 5, 2, 1, 9, 13, 3, 0, 0, 0, 1, 0, 0, 0), (4, 2, 0, 2, 4, 2, 3, 9, 1, 0, 1, 20, 1, 0, 0, 0),
    (4, 4, 1, 7, 4, 4, 11, 18, 2, 3, 2, 40, 1, 0, 0, 0), (4, 8, 3, 1, 1, 1, 0, 24, 0, 0, 0, 0, 1, 0, 0, 0), (2, 8, 6, 4, 8, 1, 2, 17, 2, 0, 1, 10, 1, 0, 0, 0),
    (1, 4, 0, 11, 12, 1, 5, 18, 3, 0, 0, 8, 1, 0, 0, 0), (1, 2, 0, 0, 1, 1, 0, 63, 0, 0, 2, 80, 1, 0, 0, 0), (1, 2, 1, 6, 4, 1, 30, 63, 3, 1, 0, 5, 1, 0, 0, 0),
    (2, 2, 0, 1, 2, 1, 4, 9, 1, 1, 0, 0, 4, 3, 0, 0), (1, 2, 1, 4, 4, 2, 7, 17, 1, 0, 0, 4, 2, 1, 1, 0), (1, 4, 0, 3, 8, 1, 7, 24, 2, 0, 1, 2, 4, 1, 1, 0),
    (1, 2, 0, 3, 2, 1, 0, 13, 0, 0, 0, 0, 1, 0, 0, 1), (1, 4, 1, 0, 12, 12, 0, 5, 1, 1, 1, 0, 1, 0, 0, 1), (1, 8, 5, 2, 8, 8, 0, 24, 0, 0, 0, 0, 1, 0, 0, 1), (2, 4, 3, 10, 14, 7, 2, 13, 2, 1, 2, 4, 1, 0, 0, 0),
]
with open(f"{sys.argv[1]}/srs.txt", "w") as f:
    for ports, comb, offset, cs, n_sym, rep, n_rrc, c_srs, b_srs, b_hop, hopping, period, p_f, k_f, rb_hop, positioning in CASES:
        p = dict(ports=ports, comb=comb, offset=offset, cs=cs, n_sym=n_sym, rep=rep, n_rrc=n_rrc, c_srs=c_srs, b_srs=b_srs, b_hop=b_hop, hopping=hopping,
                 period=period, p_f=p_f, k_f=k_f, rb_hop=rb_hop, positioning=positioning, l0=random.randrange(15 - n_sym), n_shift=random.randrange(1 if c_srs == 63 else 100),
                 id=random.randrange(65536), ref=0 if c_srs == 63 else -random.randrange(2), frame=random.randrange(1024), slot=random.randrange(20))
        if p["n_shift"] == 0:
            p["ref"] = 0
        p["slot_offset"] = (20 * p["frame"] + p["slot"]) % period if period else 0
        f.write(" ".join(str(p[k]) for k in KEYS) + "\n")
        for l in range(n_sym):
            for i in range(ports):
                r = sequence(p, i, l)
                step = max(1, len(r) // 12)
                f.write(f"{k_0(p, i, l)} " + " ".join(f"{round(x.real * 1e3)},{round(x.imag * 1e3)}" for x in r[::step]) + "\n")
