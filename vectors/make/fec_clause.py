"""Vectors of TS 38.212 by a second derivation from the clauses, bit by bit, without the code under test.

python fec_clause.py OUT_DIR   (numpy; py3gpp 0.6 for its base graph files, its polar tables, and to check what it does right)

Covers what Sionna leaves out: redundancy versions, the limited buffer, rates below 1/5, DCI masking, parity-check polar codes, UCI
segmentation, block codes.
"""
import math
import sys
from importlib.resources import files
import numpy as np
import py3gpp
from py3gpp import codes, helper

rng = np.random.default_rng(5321)
out = sys.argv[1]

CRC = {  # generator as a list of exponents, clause 5.1
    "24A": [24, 23, 18, 17, 14, 11, 10, 7, 6, 5, 4, 3, 1, 0],
    "24B": [24, 23, 6, 5, 1, 0],
    "24C": [24, 23, 21, 20, 17, 15, 13, 12, 8, 4, 2, 1, 0],
    "16": [16, 12, 5, 0],
    "11": [11, 10, 9, 5, 0],
    "6": [6, 5, 0],
}


def crc(bits, name):
    """Long division of a(D) D^L by g(D)."""
    g = CRC[name]
    length = g[0]
    rest = list(bits) + [0] * length
    for i in range(len(bits)):
        if rest[i]:
            for x in g:
                rest[i + length - x] ^= 1
    return rest[-length:]


SETS = [[2, 4, 8, 16, 32, 64, 128, 256], [3, 6, 12, 24, 48, 96, 192, 384], [5, 10, 20, 40, 80, 160, 320], [7, 14, 28, 56, 112, 224],
        [9, 18, 36, 72, 144, 288], [11, 22, 44, 88, 176, 352], [13, 26, 52, 104, 208], [15, 30, 60, 120, 240]]


def base_graph(bgn, i_ls):
    rows, row = {}, 0
    for line in files(codes).joinpath(f"bg{bgn}.csv").read_text().splitlines()[2:]:
        cells = line.split(";")
        row = int(cells[0]) if cells[0].strip() else row
        rows.setdefault(row, {})[int(cells[1])] = int(cells[2 + i_ls])
    return rows


def rotate(block, shift):
    return np.roll(block, -shift)


def ldpc(c, bgn, z):
    """d of clause 5.3.2 (fillers as -1), by solving H w = 0 column by column with Gauss elimination of the core over circulants."""
    i_ls = next(i for i, s in enumerate(SETS) if z in s)
    rows = base_graph(bgn, i_ls)
    k_cols, n_rows = (22, 46) if bgn == 1 else (10, 42)
    info = np.where(np.array(c) < 0, 0, c).reshape(k_cols, z)
    need = np.zeros((4, z), int)
    for r in range(4):
        for col, v in rows[r].items():
            if col < k_cols:
                need[r] ^= rotate(info[col], v % z)
    # dense GF(2) solve of the 4z x 4z core
    a = np.zeros((4 * z, 4 * z), np.uint8)
    for r in range(4):
        for col, v in rows[r].items():
            if k_cols <= col < k_cols + 4:
                for i in range(z):
                    a[r * z + i, (col - k_cols) * z + (i + v) % z] ^= 1
    m = np.concatenate([a, need.reshape(-1, 1).astype(np.uint8)], axis=1)
    for i in range(4 * z):
        pivot = i + int(np.argmax(m[i:, i]))
        assert m[pivot, i]
        m[[i, pivot]] = m[[pivot, i]]
        hit = np.flatnonzero(m[:, i])
        m[hit[hit != i]] ^= m[i]
    columns = list(info) + list(m[:, -1].astype(int).reshape(4, z))
    for r in range(4, n_rows):
        p = np.zeros(z, int)
        for col, v in rows[r].items():
            if col < k_cols + 4:
                p ^= rotate(columns[col], v % z)
        columns.append(p)
    w = np.concatenate(columns)
    w[: k_cols * z][np.array(c) < 0] = -1
    return list(w[2 * z:])


def sch(tb, rate, q_m, layers, rv, g, tbs_lbrm):
    a = len(tb)
    b_bits = list(tb) + crc(tb, "24A" if a > 3824 else "16")
    bgn = 2 if a <= 292 or (a <= 3824 and rate <= 0.67) or rate <= 0.25 else 1
    b = len(b_bits)
    k_cb = 8448 if bgn == 1 else 3840
    c = 1 if b <= k_cb else math.ceil(b / (k_cb - 24))
    l = 0 if c == 1 else 24
    k_prime = (b + c * l) // c
    assert k_prime * c == b + c * l
    k_b = 22 if bgn == 1 else 10 if b > 640 else 9 if b > 560 else 8 if b > 192 else 6
    z = min(x for s in SETS for x in s if k_b * x >= k_prime)
    k = (22 if bgn == 1 else 10) * z
    f = []
    for r in range(c):
        part = b_bits[r * (k_prime - l):(r + 1) * (k_prime - l)]
        block = part + (crc(part, "24B") if c > 1 else []) + [-1] * (k - k_prime)
        d = ldpc(block, bgn, z)
        n = len(d)
        n_cb = n if tbs_lbrm is None else min(n, int(tbs_lbrm // (c * 2 / 3)))
        factor = ([0, 17, 33, 56] if bgn == 1 else [0, 13, 25, 43])[rv]
        k0 = (factor * n_cb) // n_of(bgn, z) * z
        units = g // (layers * q_m)
        e_len = layers * q_m * (units // c if r <= c - units % c - 1 else -(-units // c))
        e, j = [], 0
        while len(e) < e_len:
            bit = d[(k0 + j) % n_cb]
            if bit >= 0:
                e.append(int(bit))
            j += 1
        for col in range(e_len // q_m):
            for row in range(q_m):
                f.append(e[row * (e_len // q_m) + col])
    assert len(f) == g
    if tbs_lbrm is None and layers == 1 and (bgn == 1 or k > 6400) and q_m > 1:
        check_py3gpp(tb, bgn, q_m, rv, g, f)
    return f


def n_of(bgn, z):
    return (66 if bgn == 1 else 50) * z


def check_py3gpp(tb, bgn, q_m, rv, g, f):
    blk = py3gpp.nrCRCEncode(np.array(tb), "24A" if len(tb) > 3824 else "16")
    cbs = py3gpp.nrCodeBlockSegmentLDPC(blk[:, 0] if blk.ndim > 1 else blk, bgn)
    enc = py3gpp.nrLDPCEncode(cbs, bgn)
    mod = {2: "QPSK", 4: "16QAM", 6: "64QAM", 8: "256QAM"}[q_m]
    theirs = py3gpp.nrRateMatchLDPC(enc, g, rv, mod, 1)
    assert np.array_equal(theirs.astype(int), f), ("py3gpp differs", len(tb), bgn, rv)
    print("py3gpp agrees", len(tb), bgn, rv)


Q = [int(x) for x in helper.frozen_pos_table]
P = [0, 1, 2, 4, 3, 5, 6, 7, 8, 16, 9, 17, 10, 18, 11, 19, 12, 20, 13, 21, 14, 22, 15, 23, 24, 25, 26, 28, 27, 29, 30, 31]


def polar(c, e, n_max, i_il, i_bil):
    """Clauses 5.3.1 and 5.4.1 for the bits c (CRC included)."""
    k = len(c)
    log = math.ceil(math.log2(e))
    n1 = log - 1 if e <= 9 / 8 * 2 ** (log - 1) and k / e < 9 / 16 else log
    n = 2 ** max(min(n1, math.ceil(math.log2(8 * k)), n_max), 5)
    n_pc = 3 if i_bil and 18 <= k <= 25 else 0
    n_wm = 1 if n_pc and e - k + 3 > 192 else 0
    cp = [c[i] for i in helper.polar_precode_interleave(k)] if i_il else list(c)
    j = [P[32 * i // n] * (n // 32) + i % (n // 32) for i in range(n)]
    tmp = set()
    if e < n:
        if k / e <= 7 / 16:
            tmp |= {j[i] for i in range(n - e)}
            top = math.ceil(3 * n / 4 - e / 2) if e >= 3 * n / 4 else math.ceil(9 * n / 16 - e / 4)
            tmp |= set(range(top))
        else:
            tmp |= {j[i] for i in range(e, n)}
    q_i = [i for i in Q if i < n and i not in tmp][-(k + n_pc):]  # ascending reliability
    assert len(q_i) == k + n_pc
    q_pc = set(q_i[:n_pc - n_wm])
    if n_wm:
        rest = q_i[n_pc:]
        weight = {i: 2 ** bin(i).count("1") for i in rest}
        least = min(weight.values())
        q_pc.add([i for i in rest if weight[i] == least][-1])
    u, y, at = [0] * n, [0] * 5, 0
    chosen = set(q_i)
    for i in range(n):
        y = y[1:] + y[:1]
        if i in chosen:
            if i in q_pc:
                u[i] = y[0]
            else:
                u[i] = int(cp[at])
                at += 1
                y[0] ^= u[i]
    assert at == k
    g_n = np.array([[1]])
    for _ in range(int(math.log2(n))):
        g_n = np.kron(g_n, np.array([[1, 0], [1, 1]]))
    d = np.array(u) @ g_n % 2
    yb = [int(d[j[i]]) for i in range(n)]
    if e >= n:
        sel = [yb[i % n] for i in range(e)]
    elif k / e <= 7 / 16:
        sel = [yb[i + n - e] for i in range(e)]
    else:
        sel = yb[:e]
    if not i_bil:
        return sel
    t = next(t for t in range(1, 200) if t * (t + 1) // 2 >= e)
    table, at = {}, 0
    for r in range(t):
        for col in range(t - r):
            if at < e:
                table[r, col] = sel[at]
            at += 1
    return [table[r, col] for col in range(t) for r in range(t - col) if (r, col) in table]


def uci(bits, e):
    a = len(bits)
    c = 2 if (a >= 360 and e >= 1088) or a >= 1013 else 1
    name = "6" if a < 20 else "11"
    size = -(-a // c)
    padded = [0] * (c * size - a) + list(bits)
    f = []
    for r in range(c):
        part = padded[r * size:(r + 1) * size]
        f += polar(part + crc(part, name), e // c, 10, False, True)
    return f + [0] * (e - len(f))


def dci(bits, rnti, e):
    padded = list(bits) + [0] * max(0, 12 - len(bits))
    p = crc([1] * 24 + padded, "24C")
    for i in range(16):
        p[8 + i] ^= rnti >> (15 - i) & 1
    return polar(padded + p, e, 9, True, False)


BASIS = """11000000001 11100000011 10010010111 10110000101 11110001001 11001011101 10101010111 10011001101 11011001011 10111010011 10100111011
11100110101 10010101111 11010101011 10001101001 11001111011 11101110010 10011100100 11011111000 10000110000 10100010001 11010000011
10001001101 11101000111 11111011110 11000111001 10110100110 11110101110 10101110100 10111111100 11111111111 10000000000""".split()


def short(bits, e):
    return [sum(b * int(m) for b, m in zip(bits, BASIS[i % 32])) % 2 for i in range(e)]


def text(bits):
    return "".join(str(int(b)) for b in bits)


def to_hex(bits):
    return np.packbits(np.array(bits, dtype=np.uint8)).tobytes().hex()


# tbs, rate x 1024, q_m, layers, rv, g, tbs_lbrm
SCH = [
    (24, 120, 2, 1, 0, 240, None), (24, 120, 2, 1, 3, 600, None), (80, 193, 2, 1, 2, 400, None), (296, 700, 4, 1, 1, 440, None),
    (552, 120, 2, 1, 0, 4700, None), (600, 300, 1, 1, 3, 1999, None), (1800, 193, 2, 1, 1, 7000, None), (2088, 379, 4, 2, 2, 6000, 2400),
    (3824, 650, 6, 1, 3, 6000, None), (3848, 240, 2, 1, 1, 16432, None), (5640, 772, 6, 1, 2, 7482, None), (5640, 772, 6, 1, 1, 7482, 6000),
    (8456, 700, 4, 1, 3, 12372, None), (8456, 700, 4, 3, 2, 12372, 9000), (9480, 240, 2, 1, 2, 20000, None), (8424, 910, 8, 1, 1, 9480, None),
]
with open(f"{out}/fec_sch_clause.txt", "w") as f:
    f.write("# tbs rate_x1024 q_m layers rv g tbs_lbrm tb coded\n")
    for tbs, rate, q_m, layers, rv, g, lbrm in SCH:
        tb = [int(x) for x in rng.integers(0, 2, tbs)]
        coded = sch(tb, rate / 1024, q_m, layers, rv, g, lbrm)
        f.write(f"{tbs} {rate} {q_m} {layers} {rv} {g} {lbrm or '-'} {to_hex(tb)} {to_hex(coded)}\n")

with open(f"{out}/fec_control_clause.txt", "w") as f:
    f.write("# kind a e rnti payload coded\n")
    for a in range(3, 12):
        for e in (20, 32, 48, 100):
            bits = [int(x) for x in rng.integers(0, 2, a)]
            f.write(f"uci {a} {e} - {text(bits)} {text(short(bits, e))}\n")
    sizes = [(a, e) for a in range(12, 20) for e in (32, 54, 96, 150, 212, 230, 288)]
    sizes += [(20, 60), (31, 72), (45, 96), (70, 300), (130, 240), (359, 1200), (360, 1087), (360, 1088), (361, 1401), (700, 2200), (1013, 3001), (1706, 4500)]
    for a, e in sizes:
        bits = [int(x) for x in rng.integers(0, 2, a)]
        f.write(f"uci {a} {e} - {text(bits)} {text(uci(bits, e))}\n")
    for a in (9, 12, 28, 37, 41, 44, 66, 104, 140):
        for e in (108, 216, 432, 864):
            if a + 24 > e:
                continue
            bits, rnti = [int(x) for x in rng.integers(0, 2, a)], int(rng.integers(1, 65536))
            f.write(f"dci {a} {e} {rnti} {text(bits)} {text(dci(bits, rnti, e))}\n")
    for _ in range(3):
        bits = [int(x) for x in rng.integers(0, 2, 32)]
        coded = polar(bits + crc(bits, "24C"), 864, 9, True, False)
        enc = py3gpp.nrPolarEncode(np.array(bits + crc(bits, "24C")), 864, 9, True)
        assert list(map(int, py3gpp.nrRateMatchPolar(enc, 56, 864))) == coded
        f.write(f"pbch 32 864 - {text(bits)} {text(coded)}\n")
