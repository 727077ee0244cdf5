"""PUSCH from transport block and UCI to elements, derived from the clauses, loops as the clauses write them.

python pusch.py OUT_DIR   (numpy; needs py3gpp for the base graph files that fec_clause.py reads)

pusch.txt: for each vector a line of parameters, transport block (hex), HARQ-ACK bits, CSI part 1 bits ('-': none), amplitudes x 10000, and a
line of elements for each layer, 14 symbols by 144 subcarriers.
"""
import math
import random
import sys

import numpy as np

from uplink_common import coding, elements, gold, modulate, qpsk, scramble, short_block

random.seed(63813)
N_RB = 12
C = coding()


def code_block_sum(tbs, rate):
    """Sum of K_r, TS 38.212 §5.2.2."""
    bgn = 2 if tbs <= 292 or (tbs <= 3824 and rate <= 0.67) or rate <= 0.25 else 1
    b = tbs + (24 if tbs > 3824 else 16)
    k_cb = 8448 if bgn == 1 else 3840
    c = 1 if b <= k_cb else math.ceil(b / (k_cb - 24))
    k_prime = (b + (0 if c == 1 else 24 * c)) // c
    k_b = 22 if bgn == 1 else 10 if b > 640 else 9 if b > 560 else 8 if b > 192 else 6
    z = min(x for s in C["SETS"] for x in s if k_b * x >= k_prime)
    return c * (22 if bgn == 1 else 10) * z


def uci_code(bits, q_m, e):
    if len(bits) <= 11:
        return short_block(bits, q_m, e, C["BASIS"])
    return C["uci"](bits, e)


def crc_len(o):
    return 0 if o <= 11 else 6 if o <= 19 else 11


def multiplex(p, data_sets, dmrs_symbols, coded_ulsch, ack, csi):
    """TS 38.212 §6.2.7, steps 1 to 6. Returns the bits and G of UL-SCH; coded_ulsch(G) gives g^UL-SCH."""
    n_l, q_m = p["n_layers"], p["q_m"]
    symbols = range(p["start"], p["start"] + p["n_sym"])
    phi_ulsch = {l: list(data_sets[l]) for l in symbols}
    phi_uci = {l: ([] if l in dmrs_symbols else list(data_sets[l])) for l in symbols}
    m_uci = {l: len(phi_uci[l]) for l in symbols}
    first = min(dmrs_symbols)
    l1 = first
    while l1 in dmrs_symbols:
        l1 += 1
    l_csi = p["start"]
    while l_csi in dmrs_symbols:
        l_csi += 1
    sum_k = code_block_sum(p["tbs"] * 8, p["rate"] / 1024)

    def q_ack(o):
        a = math.ceil((o + crc_len(o)) * p["beta_ack"] * sum(m_uci.values()) / sum_k)
        return min(a, math.ceil(p["alpha"] * sum(m_uci[l] for l in symbols if l >= l1)))

    per_re = n_l * q_m
    rvd = {l: [] for l in symbols}
    g_rvd = q_ack(2) * per_re if len(ack) <= 2 else 0
    q = q_ack(len(ack)) if ack else 0
    g_ack = q * per_re
    q_before = g_rvd // per_re if len(ack) <= 2 else q
    g_csi = 0
    if csi:
        o = len(csi)
        a = math.ceil((o + crc_len(o)) * p["beta_csi"] * sum(m_uci.values()) / sum_k)
        g_csi = min(a, math.ceil(p["alpha"] * sum(m_uci.values())) - q_before) * per_re

    def spread(count, total, available):
        if total - count >= len(available) * per_re:
            return 1, len(available)
        return len(available) * per_re // (total - count), -(-(total - count) // per_re)

    bit = {}
    if not ack and not csi:
        g_rvd = 0
    if len(ack) <= 2:  # step 1
        count, l = 0, l1
        while count < g_rvd:
            if phi_uci[l]:
                d, n = spread(count, g_rvd, phi_uci[l])
                for j in range(n):
                    rvd[l].append(phi_uci[l][j * d])
                    count += per_re
            l += 1
    ack_bits = uci_code(ack, q_m, g_ack) if ack else []
    if len(ack) > 2:  # step 2
        count, l = 0, l1
        while count < g_ack:
            if phi_uci[l]:
                d, n = spread(count, g_ack, phi_uci[l])
                taken = [phi_uci[l][j * d] for j in range(n)]
                for k in taken:
                    bit[l, k] = ack_bits[count:count + per_re]
                    count += per_re
                phi_uci[l] = [k for k in phi_uci[l] if k not in taken]
                phi_ulsch[l] = [k for k in phi_ulsch[l] if k not in taken]
            l += 1
    csi_bits = uci_code(csi, q_m, g_csi) if csi else []
    count, l = 0, l_csi  # step 3
    while count < g_csi:
        temp = [k for k in phi_uci[l] if k not in rvd[l]]
        if temp:
            d, n = spread(count, g_csi, temp)
            taken = [temp[j * d] for j in range(n)]
            for k in taken:
                bit[l, k] = csi_bits[count:count + per_re]
                count += per_re
            phi_uci[l] = [k for k in phi_uci[l] if k not in taken]
            phi_ulsch[l] = [k for k in phi_ulsch[l] if k not in taken]
        l += 1
    g_ulsch = sum(len(phi_ulsch[l]) for l in symbols) * per_re  # step 4
    stream = coded_ulsch(g_ulsch)
    count = 0
    for l in symbols:
        for k in phi_ulsch[l]:
            bit[l, k] = stream[count:count + per_re]
            count += per_re
    if 0 < len(ack) <= 2:  # step 5
        count, l = 0, l1
        while count < g_ack:
            if rvd[l]:
                d, n = spread(count, g_ack, rvd[l])
                for j in range(n):
                    bit[l, rvd[l][j * d]] = ack_bits[count:count + per_re]
                    count += per_re
            l += 1
    out = []  # step 6
    for l in symbols:
        for k in sorted(data_sets[l]):
            out += list(bit[l, k])
    return out


PORTS = {1: lambda p: (p // 2 % 2, p // 2 % 2, 1 - 2 * (p % 2)), 2: lambda p: (p // 2 % 3, 2 * (p // 2 % 3), 1 - 2 * (p % 2))}


def vector(p, f):
    rbs = [rb for rb in range(N_RB) if p["rbs"] >> rb & 1]
    subcarriers = [12 * rb + k for rb in rbs for k in range(12)]
    dmrs_symbols = [l for l in range(14) if p["dmrs"] >> l & 1]
    blocked = set()
    for group in range(p["groups"]):
        for n in range(6):
            blocked |= {2 * n + group} if p["type"] == 1 else {6 * (n // 2) + n % 2 + 2 * group} if n < 4 else set()
    data_sets = {}
    for l in range(p["start"], p["start"] + p["n_sym"]):
        data_sets[l] = [k for k in subcarriers if not (l in dmrs_symbols and k % 12 in blocked)]
    tb = [random.randrange(2) for _ in range(p["tbs"] * 8)]
    ack = [random.randrange(2) for _ in range(p["n_ack"])]
    csi = [random.randrange(2) for _ in range(p["n_csi"])]
    ul_sch = lambda g: C["sch"](tb, p["rate"] / 1024, p["q_m"], p["n_layers"], p["rv"], g, None)
    bits = multiplex(p, data_sets, dmrs_symbols, ul_sch, ack, csi)
    b = scramble(bits, gold(p["rnti"] * 2 ** 15 + p["n_id"], len(bits)))
    d = modulate(b, p["q_m"])
    grid = np.zeros((p["n_layers"], 14, 12 * N_RB), complex)
    at = 0
    for l in data_sets:
        for k in data_sets[l]:
            for layer in range(p["n_layers"]):
                grid[layer, l, k] = d[at]
                at += 1
    assert at == len(d)
    ports = [q for q in range(12) if p["ports"] >> q & 1]
    for layer, port in enumerate(ports):
        _, delta, w = PORTS[p["type"]](port)
        for l in dmrs_symbols:
            c_init = (2 ** 17 * (14 * p["slot"] + l + 1) * (2 * p["dmrs_id"] + 1) + 2 * p["dmrs_id"] + p["scid"]) % 2 ** 31
            r = qpsk(gold(c_init, 2 * 6 * (N_RB + 50)), 6 * (N_RB + 50))
            for n in range(3 * (N_RB + 50)):
                for k1 in range(2):
                    k = 4 * n + 2 * k1 + delta if p["type"] == 1 else 6 * n + k1 + delta
                    k += 12 * p["reference"]
                    if 2 * n + k1 < len(r) and k in subcarriers:
                        grid[layer, l, k] += np.sqrt(p["groups"]) * (w if k1 else 1) * r[2 * n + k1]
    keys = "q_m n_layers ports type groups dmrs start n_sym reference rbs slot rnti n_id dmrs_id scid rv tbs rate n_ack n_csi beta_ack beta_csi alpha"
    f.write(" ".join(str(p[k]) for k in keys.split()) + "\n")
    hexed = np.packbits(np.array(tb, dtype=np.uint8)).tobytes().hex()
    f.write(f"{hexed}\n{''.join(map(str, ack)) or '-'}\n{''.join(map(str, csi)) or '-'}\n")
    elements(grid.reshape(p["n_layers"], -1), f)


# q_m, ports, type, groups, dmrs, start, n_sym, rv, tbs, rate, n_ack, n_csi
CASES = [
    (2, 1, 1, 2, [2], 0, 14, 0, 60, 308, 0, 0),
    (4, 1, 1, 1, [2, 11], 0, 14, 2, 200, 490, 0, 0),
    (6, 1, 2, 2, [3, 8], 0, 12, 0, 300, 567, 1, 0),
    (2, 1, 1, 2, [2, 11], 0, 14, 0, 60, 308, 2, 0),
    (4, 1, 1, 2, [2, 7, 11], 0, 14, 0, 150, 378, 1, 4),
    (8, 1, 1, 1, [3], 2, 11, 3, 300, 682, 2, 7),
    (2, 1, 1, 2, [0], 0, 6, 0, 20, 251, 3, 0),
    (6, 1, 1, 2, [2, 11], 0, 14, 1, 250, 466, 9, 5),
    (4, 2, 1, 2, [2, 11], 0, 14, 0, 120, 340, 14, 4),
    (2, 4, 2, 3, [2], 0, 10, 0, 30, 193, 25, 15),
    (8, 1, 2, 1, [0, 7], 0, 9, 0, 200, 797, 0, 11),
    (2, 3, 1, 1, [2, 11], 0, 14, 0, 120, 308, 2, 4),
    (4, 5, 1, 2, [2], 0, 14, 0, 300, 490, 5, 0),
]


def main(out):
    with open(f"{out}/pusch.txt", "w") as f:
        for i, (q_m, ports, kind, groups, dmrs, start, n_sym, rv, tbs, rate, n_ack, n_csi) in enumerate(CASES):
            rbs = [0b111111110, 0b110011011011, 0b000111111100][i % 3]
            vector(dict(q_m=q_m, n_layers=bin(ports).count("1"), ports=ports, type=kind, groups=groups, dmrs=sum(1 << l for l in dmrs),
                        start=start, n_sym=n_sym, reference=-random.randrange(30), rbs=rbs, slot=random.randrange(20),
                        rnti=random.randrange(1, 65520), n_id=random.randrange(1024), dmrs_id=random.randrange(1024), scid=i % 2, rv=rv,
                        tbs=tbs, rate=rate, n_ack=n_ack, n_csi=n_csi, beta_ack=[8, 20, 5][i % 3] if n_ack < 12 else 4, beta_csi=[2.25, 5, 1.125][i % 3],
                        alpha=[1, 0.8, 0.65][i % 3]), f)


main(sys.argv[1])
