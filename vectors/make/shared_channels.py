"""PDSCH and PUSCH with all that Release 17 adds to plain ones, derived from the clauses, loops as the clauses write them.

python shared_channels.py OUT_DIR   (numpy)

shared_channels.txt: for each vector a line of `key=value`, a line of precoding matrices (groups by ';', real and imaginary parts in turn, rows
first; empty: none or the codebook's), a line of coded bits (hex), and for each antenna port a line of the allocated elements, symbols of the
channel only: six hexadecimal digits an element, real and imaginary part times 512 in twelve bits, two's complement.
"""
import math
import random
import sys

import numpy as np

from uplink_common import gold, modulate, qpsk

random.seed(638214)
N_RB = 12

# TS 38.211 table 6.4.1.1.3-1, -2 (7.4.1.1.2-1, -2): port -> (Delta, [w_f(0), w_f(1)], [w_t(0), w_t(1)])
TYPE1 = {0: (0, [1, 1], [1, 1]), 1: (0, [1, -1], [1, 1]), 2: (1, [1, 1], [1, 1]), 3: (1, [1, -1], [1, 1]),
         4: (0, [1, 1], [1, -1]), 5: (0, [1, -1], [1, -1]), 6: (1, [1, 1], [1, -1]), 7: (1, [1, -1], [1, -1])}
TYPE2 = {0: (0, [1, 1], [1, 1]), 1: (0, [1, -1], [1, 1]), 2: (2, [1, 1], [1, 1]), 3: (2, [1, -1], [1, 1]),
         4: (4, [1, 1], [1, 1]), 5: (4, [1, -1], [1, 1]), 6: (0, [1, 1], [1, -1]), 7: (0, [1, -1], [1, -1]),
         8: (2, [1, 1], [1, -1]), 9: (2, [1, -1], [1, -1]), 10: (4, [1, 1], [1, -1]), 11: (4, [1, -1], [1, -1])}

# TS 38.211 table 7.4.1.2.2-1, rows by port, columns offset00 to offset11
K_REF = {1: {0: [0, 2, 6, 8], 1: [2, 4, 8, 10], 2: [1, 3, 7, 9], 3: [3, 5, 9, 11]},
         2: {0: [0, 1, 6, 7], 1: [1, 6, 7, 0], 2: [2, 3, 8, 9], 3: [3, 8, 9, 2], 4: [4, 5, 10, 11], 5: [5, 10, 11, 4]}}

j = 1j
# TS 38.211 tables 6.3.1.5-1 to -7, rows of the tables written out: one string a matrix, ports separated by spaces, layers within a word;
# o is -j, n is -1.
LETTER = {"0": 0, "1": 1, "n": -1, "j": j, "o": -j}
TABLE_1 = ("1 0|0 1|1 1|1 n|1 j|1 o", math.sqrt(2))
TABLE_2 = ("1 0 0 0|0 1 0 0|0 0 1 0|0 0 0 1|1 0 1 0|1 0 n 0|1 0 j 0|1 0 o 0|"
           "0 1 0 1|0 1 0 n|0 1 0 j|0 1 0 o|1 1 1 n|1 1 j j|1 1 n 1|1 1 o o|"
           "1 j 1 j|1 j j 1|1 j n o|1 j o n|1 n 1 1|1 n j o|1 n n n|1 n o j|"
           "1 o 1 o|1 o j n|1 o n j|1 o o 1", 2)
TABLE_3 = ("1 0 0 0|0 1 0 0|0 0 1 0|0 0 0 1|1 0 1 0|1 0 n 0|1 0 j 0|1 0 o 0|"
           "0 1 0 1|0 1 0 n|0 1 0 j|0 1 0 o|1 1 1 1|1 1 j j|1 1 n n|1 1 o o|"
           "1 j 1 j|1 j j n|1 j n o|1 j o 1|1 n 1 n|1 n j o|1 n n 1|1 n o j|"
           "1 o 1 o|1 o j 1|1 o n j|1 o o n", 2)
TABLE_4 = (["10 01", "11 1n", "11 jo"], [math.sqrt(2), 2, 2])
TABLE_5 = (["10 01 00 00", "10 00 01 00", "10 00 00 01", "00 10 01 00", "00 10 00 01", "00 00 10 01", "10 01 10 0o", "10 01 10 0j",
            "10 01 o0 01", "10 01 o0 0n", "10 01 n0 0o", "10 01 n0 0j", "10 01 j0 01", "10 01 j0 0n", "11 11 1n 1n", "11 11 jo jo",
            "11 jj 1n jo", "11 jj jo n1", "11 nn 1n n1", "11 nn jo oj", "11 oo 1n oj", "11 oo jo 1n"],
           [2] * 14 + [2 * math.sqrt(2)] * 8)
TABLE_6 = (["100 010 001 000", "100 010 100 001", "100 010 n00 001", "111 1n1 11n 1nn", "111 1n1 jjo joo", "111 n1n 11n n11",
            "111 n1n jjo ojj"], [2] * 3 + [2 * math.sqrt(3)] * 4)
TABLE_7 = (["1000 0100 0010 0001", "1100 0011 1n00 001n", "1100 0011 jo00 00jo", "1111 1n1n 11nn 1nn1", "1111 1n1n jjoo jooj"],
           [2, 2 * math.sqrt(2), 2 * math.sqrt(2), 4, 4])


def codebook(ports, layers, tpmi, transform):
    if layers == 1:
        text, scale = TABLE_1 if ports == 2 else TABLE_2 if transform else TABLE_3
        rows, scale = text.split("|")[tpmi], scale
    else:
        words, scales = {(2, 2): TABLE_4, (4, 2): TABLE_5, (4, 3): TABLE_6, (4, 4): TABLE_7}[ports, layers]
        rows, scale = words[tpmi], scales[tpmi]
    return np.array([[LETTER[c] for c in row] for row in rows.split(" ")], complex) / scale


def ptrs_symbols(density, dmrs, start, n):
    """TS 38.211 §6.4.1.2.2.1, §7.4.1.2.2: steps 1 to 5, relative to the start."""
    d = [l - start for l in dmrs]
    out, i, ref = [], 0, 0
    while ref + i * density < n:
        low, high = max(ref + (i - 1) * density + 1, ref), ref + i * density
        hit = [l for l in d if low <= l <= high and not (i > 0 and l == ref)]
        if i == 1 and low == ref and ref in d:
            hit = [l for l in hit if l != ref]
        if hit:
            i, ref = 1, max(hit)
            while ref + 1 in d:
                ref += 1
            continue
        out.append(high + start)
        i += 1
    return out


def low_papr(u, v, m):
    """TS 38.211 §5.2.2.1, lengths of 36 and more, and 30."""
    if m == 30:
        return [np.exp(-1j * np.pi * (u + 1) * (n + 1) * (n + 2) / 31) for n in range(m)]
    prime = max(p for p in range(2, m) if all(p % q for q in range(2, int(p**0.5) + 1)))
    q_bar = prime * (u + 1) / 31
    q = math.floor(q_bar + 0.5) + v * (-1) ** math.floor(2 * q_bar)
    return [np.exp(-1j * np.pi * q * (n % prime) * (n % prime + 1) / prime) for n in range(m)]


def low_papr_2(c_init, m):
    """TS 38.211 §5.2.3.1: pi/2-BPSK of the pseudo-random sequence, transformed."""
    c = gold(c_init, m)
    b = [np.exp(1j * np.pi / 2 * (i % 2)) / np.sqrt(2) * ((1 - 2 * c[i]) + 1j * (1 - 2 * c[i])) for i in range(m)]
    return [sum(b[n] * np.exp(-2j * np.pi * n * k / m) for n in range(m)) / np.sqrt(m) for k in range(m)]


def c_init(slot, l, n_id, scid):
    return (2**17 * (14 * slot + l + 1) * (2 * n_id + 1) + 2 * n_id + scid) % 2**31


def points(bits, q_m):
    if q_m == 1:  # TS 38.211 §5.1.1
        return [np.exp(1j * np.pi / 2 * (i % 2)) / np.sqrt(2) * ((1 - 2 * b) + 1j * (1 - 2 * b)) for i, b in enumerate(bits)]
    if q_m == 10:  # TS 38.211 §5.1.7
        out = []
        for i in range(0, len(bits), 10):
            b = [1 - 2 * x for x in bits[i:i + 10]]
            re = b[0] * (16 - b[2] * (8 - b[4] * (4 - b[6] * (2 - b[8]))))
            im = b[1] * (16 - b[3] * (8 - b[5] * (4 - b[7] * (2 - b[9]))))
            out.append((re + 1j * im) / np.sqrt(682))
        return out
    return modulate(bits, q_m)


def vector(p, f):
    """One channel: everything about it is in `p`."""
    layers, ports = p["n_layers"], [q for q in range(12) if p["ports"] >> q & 1]
    table = TYPE1 if p["type"] == 1 else TYPE2
    symbols = range(p["start"], p["start"] + p["n"])
    dmrs = [l for l in range(14) if p["dmrs"] >> l & 1]
    second = p["start"] + p["n"] // 2
    hop = p["hop"]

    def rbs_of(l):
        if hop >= 0 and l >= second:
            return list(range(hop, hop + bin(p["rbs"]).count("1")))
        return [rb for rb in range(N_RB) if p["rbs"] >> rb & 1]

    n_rb = len(rbs_of(symbols[0]))
    m_sc = 12 * n_rb
    transform = p["transform"]
    grid = np.zeros((layers, 14, 12 * N_RB), complex)
    taken = np.zeros((14, 12 * N_RB), bool)
    beta_dmrs = math.sqrt(p["groups"])

    def second_of_pair(l):
        run = 0
        while l - run - 1 in dmrs:
            run += 1
        return run % 2

    def pilots(l):
        """r(m) against the reference point: a function of m."""
        if not transform:
            r = qpsk(gold(c_init(p["slot"], l, p["dmrs_id"], p["scid"]), 2 * 6 * (N_RB + 60)), 6 * (N_RB + 60))
            return lambda m: r[m]
        if p["papr2"]:
            r = low_papr_2(c_init(p["slot"], l, p["id_rs"], p["scid"]), m_sc // 2)
            return lambda m: r[m]
        at = 14 * p["slot"] + l - second_of_pair(l)
        f_gh = v = 0
        if p["hopping"] == 1:
            c = gold(p["id_rs"] // 30, 8 * at + 8)
            f_gh = sum(2**m * c[8 * at + m] for m in range(8)) % 30
        if p["hopping"] == 2 and m_sc // 2 >= 72:
            v = gold(p["id_rs"], at + 1)[at]
        r = low_papr((f_gh + p["id_rs"]) % 30, v, m_sc // 2)
        return lambda m: r[m]

    for l in dmrs:
        rbs = rbs_of(l)
        r = pilots(l)
        reference = rbs[0] if transform else p["reference"]
        for rb in rbs:
            for k in range(12):
                group = k % 2 if p["type"] == 1 else k % 6 // 2
                if group < p["groups"]:
                    taken[l, 12 * rb + k] = True
        for v, q in enumerate(ports):
            delta, wf, wt = table[q]
            for n in range(6 * (N_RB + 60)):
                for k1 in (0, 1):
                    k = (4 * n + 2 * k1 + delta) if p["type"] == 1 else (6 * n + k1 + delta)
                    k += 12 * reference
                    if 0 <= k < 12 * N_RB and k // 12 in rbs:
                        grid[v, l, k] = beta_dmrs * wf[k1] * wt[second_of_pair(l)] * r(2 * n + k1)

    if p["ptrs_l"] and not transform:
        k_step = p["ptrs_k"]
        first = p["rnti"] % (k_step if n_rb % k_step == 0 else n_rb % k_step)
        for l in ptrs_symbols(p["ptrs_l"], dmrs, p["start"], p["n"]):
            rbs = rbs_of(l)
            l0 = min(x for x in dmrs if hop < 0 or (x >= second) == (l >= second))
            r = pilots(l0)
            for q in [q for q in ports if p["ptrs_ports"] >> q & 1]:
                k_re = K_REF[p["type"]][q][p["ptrs_offset"]]
                delta = table[q][0]
                i = 0
                while (i * k_step + first) * 12 + k_re < m_sc:
                    rank = i * k_step + first
                    k = 12 * rbs[rank] + k_re
                    # Which element of the sequence the DM-RS has at this subcarrier.
                    far = k - 12 * p["reference"] - delta
                    m = 2 * (far // 4) + far % 4 // 2 if p["type"] == 1 else 2 * (far // 6) + far % 6
                    grid[ports.index(q), l, k] = 10 ** (p["ptrs_db"] / 20) * r(m)
                    taken[l, k] = True
                    i += 1

    groups_in, positions, samples = [], [], []
    if p["group_l"]:
        g, s_n, m = p["group_n"], p["group_s"], m_sc
        rows = {(2, 2): lambda: [s * (m // 4) + k - 1 for s in (1, 3) for k in (0, 1)],
                (2, 4): lambda: [k for k in range(4)] + [m + k for k in range(-4, 0)],
                (4, 2): lambda: [s * m // 8 + k - 1 for s in (1, 3, 5, 7) for k in (0, 1)],
                (4, 4): lambda: list(range(4)) + [s * m // 4 + m // 8 + k for s in (1, 2) for k in range(-2, 2)] + [m + k for k in range(-4, 0)],
                (8, 4): lambda: list(range(4)) + [s * m // 8 + m // 16 + k for s in range(1, 7) for k in range(-2, 2)] + [m + k for k in range(-4, 0)]}
        positions = rows[g, s_n]()
        groups_in = ptrs_symbols(p["group_l"], dmrs, p["start"], p["n"])
        c = gold(c_init(p["slot"], min(groups_in), p["group_id"], 0), len(positions))
        w = {2: [[1, 1], [1, -1]], 4: [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]}[s_n][p["rnti"] % s_n]
        samples = [p["group_beta"] * w[i % s_n] * np.exp(1j * np.pi / 2 * (at % 2)) / np.sqrt(2) * (1 - 2 * c[i]) * (1 + 1j)
                   for i, at in enumerate(positions)]

    places = [(l, 12 * rb + k) for l in symbols for rb in rbs_of(l) for k in range(12) if not taken[l, 12 * rb + k]]
    n_data = len(places) * layers - sum(len(positions) for l in groups_in)
    coded = [random.getrandbits(1) for _ in range(n_data * p["q_m"])]
    scrambled = [a ^ b for a, b in zip(coded, gold(p["rnti"] * 2**15 + p["n_id"], len(coded)))]
    d = points(scrambled, p["q_m"])
    if transform:
        at = 0
        for l in [l for l in symbols if l not in dmrs]:
            x = np.zeros(m_sc, complex)
            free = [i for i in range(m_sc) if not (l in groups_in and i in positions)]
            for i in free:
                x[i] = d[at]
                at += 1
            if l in groups_in:
                for i, s in zip(positions, samples):
                    x[i] = s
            y = [sum(x[i] * np.exp(-2j * np.pi * i * k / m_sc) for i in range(m_sc)) / np.sqrt(m_sc) for k in range(m_sc)]
            for rank, rb in enumerate(rbs_of(l)):
                for k in range(12):
                    grid[0, l, 12 * rb + k] = y[12 * rank + k]
        assert at == len(d)
    else:
        for i, (l, k) in enumerate(places):
            for v in range(layers):
                grid[v, l, k] = d[i * layers + v]

    # Precoding: one matrix, or one for each group of RBs aligned to common RB 0.
    matrices = []
    if p["w_ports"]:
        matrices = [codebook(p["w_ports"], layers, p["tpmi"], transform)]
        out = np.einsum("pv,vlk->plk", matrices[0], grid)
    elif p["prg"]:
        offset = -p["reference"] % p["prg"]
        count = (N_RB + offset + p["prg"] - 1) // p["prg"]
        values = [[complex(random.randrange(-9, 10), random.randrange(-9, 10)) / 10 for _ in range(3 * layers)] for _ in range(count)]
        matrices = [np.array(v).reshape(3, layers) for v in values]
        out = np.zeros((3, 14, 12 * N_RB), complex)
        for rb in range(N_RB):
            cells = slice(12 * rb, 12 * rb + 12)
            out[:, :, cells] = np.einsum("pv,vlk->plk", matrices[(rb + offset) // p["prg"]], grid[:, :, cells])
    else:
        out = grid
    f.write(" ".join(f"{k}={v}" for k, v in p.items()) + f" out={len(out)}\n")
    f.write(";".join(",".join(f"{x.real:g},{x.imag:g}" for x in w.flatten()) for w in matrices if p["prg"]) + "\n")
    f.write(np.packbits(np.array(coded, dtype=np.uint8)).tobytes().hex() + "\n")
    for port in out:
        cells = []
        for l in symbols:
            for rb in rbs_of(l):
                for k in range(12):
                    cells.append(port[l, 12 * rb + k])
        f.write("".join("%03x%03x" % (round(x.real * 512) & 0xfff, round(x.imag * 512) & 0xfff) for x in cells) + "\n")


BASE = dict(ul=0, q_m=2, n_layers=1, ports=1, type=1, groups=2, dmrs=1 << 2, start=0, n=14, rbs=0b1110, hop=-1, reference=-3, slot=7, rnti=4660,
            n_id=77, dmrs_id=301, scid=0, transform=0, papr2=0, hopping=0, id_rs=0, ptrs_l=0, ptrs_k=2, ptrs_offset=0, ptrs_ports=0, ptrs_db=0,
            group_l=0, group_n=2, group_s=2, group_id=0, group_beta=1, w_ports=0, tpmi=0, prg=0)


def bit(*l):
    return sum(1 << x for x in l)


CASES = [
    # 1024QAM, type 1 and 2, double symbols and time covers
    dict(q_m=10, rbs=0b110),
    dict(q_m=10, type=2, groups=1, dmrs=bit(3, 8), rbs=0b11000),
    dict(n_layers=2, ports=0b110000, dmrs=bit(2, 3), groups=2),
    dict(n_layers=4, ports=0b10110001, dmrs=bit(2, 3, 10, 11), rbs=0b1100),
    dict(type=2, groups=3, n_layers=3, ports=0b100100000001, dmrs=bit(2, 3), n=9, rbs=0b11),
    dict(type=2, groups=2, n_layers=2, ports=0b1000000010, dmrs=bit(3, 4, 8, 9), start=1, n=11, dmrs_id=65001),
    # mapping type B starts, additional positions
    dict(start=4, n=7, dmrs=bit(4, 8), q_m=4),
    dict(start=2, n=12, dmrs=bit(2, 5, 8, 11), q_m=6),
    # phase tracking in the downlink
    dict(ptrs_l=1, ptrs_k=2, ptrs_ports=1, rbs=0b11110, q_m=4, n=12),
    dict(ptrs_l=2, ptrs_k=4, ptrs_ports=2, ports=2, ptrs_offset=2, rbs=0b111111, dmrs=bit(2, 8), start=1, n=10, ptrs_db=3),
    dict(ptrs_l=4, ptrs_k=2, ptrs_ports=4, n_layers=2, ports=0b1100, ptrs_offset=1, dmrs=bit(2, 3), rnti=4661, rbs=0b11110),
    dict(ptrs_l=1, ptrs_k=2, type=2, groups=2, ptrs_ports=8, ports=8, ptrs_offset=3, dmrs=bit(3), start=2, n=10),
    # matrices for groups of RBs
    dict(prg=2, n_layers=2, ports=3, reference=-3, rbs=0b11110),
    dict(prg=4, n_layers=1, ports=1, reference=-6, rbs=0b110011, q_m=6, ptrs_l=2, ptrs_ports=1),
    # uplink: hopping, PT-RS of two ports, codebooks
    dict(ul=1, hop=7, dmrs=bit(2, 7), rbs=0b111),
    dict(ul=1, hop=0, dmrs=bit(2, 6, 7, 11), rbs=0b111000, q_m=4, ptrs_l=1, ptrs_ports=1),
    dict(ul=1, n_layers=2, ports=0b101, ptrs_l=2, ptrs_k=2, ptrs_ports=0b101, rbs=0b11110, w_ports=2, tpmi=1, ptrs_db=3),
    dict(ul=1, w_ports=2, tpmi=4, rbs=0b11),
    dict(ul=1, w_ports=4, tpmi=19, rbs=0b11),
    dict(ul=1, n_layers=2, ports=3, w_ports=4, tpmi=9, rbs=0b11, groups=1),
    dict(ul=1, n_layers=2, ports=5, w_ports=4, tpmi=17, rbs=0b10),
    dict(ul=1, n_layers=3, ports=7, w_ports=4, tpmi=4, rbs=0b10),
    dict(ul=1, n_layers=4, ports=15, w_ports=4, tpmi=2, rbs=0b10),
    dict(ul=1, n_layers=4, ports=15, w_ports=4, tpmi=4, rbs=0b10),
    # transform precoding
    dict(ul=1, transform=1, id_rs=123, rbs=0b111111, q_m=4, n=9),
    dict(ul=1, transform=1, id_rs=777, hopping=1, rbs=0b11111000000, dmrs=bit(2, 3), q_m=2),
    dict(ul=1, transform=1, id_rs=45, hopping=2, rbs=0b111111111111, dmrs=bit(2), n=5, q_m=2),
    dict(ul=1, transform=1, id_rs=501, papr2=1, q_m=1, rbs=0b11111, dmrs=bit(0, 4), start=0, n=7),
    dict(ul=1, transform=1, id_rs=31, hop=1, rbs=0b111111000000, dmrs=bit(2, 6), q_m=2, n=12),
    dict(ul=1, transform=1, id_rs=8, group_l=1, group_n=2, group_s=2, group_id=8, rbs=0b111111, q_m=2, dmrs=bit(2, 11)),
    dict(ul=1, transform=1, id_rs=9, group_l=2, group_n=8, group_s=4, group_id=99, rbs=0b11111111, q_m=4, rnti=4663, group_beta=round(3 / math.sqrt(5), 6)),
    dict(ul=1, transform=1, id_rs=9, group_l=1, group_n=4, group_s=4, group_id=9, rbs=0b111110, q_m=2, rnti=4665, n=8, w_ports=4, tpmi=17),
    dict(ul=1, transform=1, id_rs=9, group_l=2, group_n=4, group_s=2, group_id=9, rbs=0b11111, q_m=2, rnti=4665, start=3, n=8, dmrs=bit(3)),
    dict(ul=1, transform=1, id_rs=10, group_l=1, group_n=2, group_s=4, group_id=10, rbs=0b11111, q_m=2, rnti=4662, n=6),
]


def main(out):
    with open(f"{out}/shared_channels.txt", "w") as f:
        for i, case in enumerate(CASES):
            p = dict(BASE, slot=(3 * i + 1) % 20, dmrs_id=(97 * i + 5) % 1024, n_id=(41 * i) % 1024, scid=i % 2)
            vector({**p, **case}, f)


main(sys.argv[1])
