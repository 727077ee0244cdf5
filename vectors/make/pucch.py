"""PUCCH formats 0, 1 and 2 from UCI to elements, derived from the clauses.

python pucch.py OUT_DIR   (numpy; needs py3gpp for the tables that fec_clause.py reads)

pucch.txt: for each vector a line of parameters, HARQ-ACK bits, SR (0, 1), CSI part 1 bits ('-': none), and a line of elements: symbol,
subcarrier, real and imaginary part x 10000 for each that is not zero.
"""
import cmath
import math
import random
import sys

from uplink_common import coding, gold, qpsk, scramble, short_block

random.seed(6323)
C = coding()
# TS 38.211 table 5.2.2.2-2, the rows that the vectors use (u: phi(0..11)).
PHI = {
    0: [-3, 1, -3, -3, -3, 3, -3, -1, 1, 1, 1, -3],
    1: [-3, 3, 1, -3, 1, 3, -1, -1, 1, 3, 3, 3],
    2: [-3, 3, 3, 1, -3, 3, -1, 1, 3, -3, 3, -3],
    3: [-3, -3, -1, 3, 3, 3, -3, 3, -3, 1, -1, -3],
    4: [-3, -1, -1, 1, 3, 1, 1, -1, 1, -1, -3, 1],
    5: [-3, -3, 3, 1, -3, -3, -3, -1, 3, -1, 1, 3],
}


def u_of(p, n_hop):
    """TS 38.211 §6.3.2.2.1."""
    f_ss = p["hopping_id"] % 30
    f_gh = 0
    if p["group"] == 1:
        c = gold(p["hopping_id"] // 30, 8 * (2 * p["slot"] + n_hop) + 8)
        f_gh = sum(2 ** m * c[8 * (2 * p["slot"] + n_hop) + m] for m in range(8)) % 30
    return (f_gh + f_ss) % 30


def sequence(p, n_hop, l, m_cs):
    """r_u,v^(alpha, 0)(n), TS 38.211 §5.2.2, §6.3.2.2.2; l counts from the slot's first symbol."""
    c = gold(p["hopping_id"], 14 * 8 * p["slot"] + 8 * l + 8)
    n_cs = sum(2 ** m * c[14 * 8 * p["slot"] + 8 * l + m] for m in range(8))
    alpha = 2 * math.pi / 12 * ((p["m0"] + m_cs + n_cs) % 12)
    phi = PHI[u_of(p, n_hop)]
    return [cmath.exp(1j * alpha * n) * cmath.exp(1j * phi[n] * math.pi / 4) for n in range(12)]


W4 = [[0, 0, 0, 0], [0, 2, 0, 2], [0, 0, 2, 2], [0, 2, 2, 0]]
# TS 38.211 table 6.3.2.4.1-2 for the spreading factors that the vectors use.
COVER = {
    1: [[0]], 2: [[0, 0], [0, 1]], 3: [[0, 0, 0], [0, 1, 2], [0, 2, 1]], 4: W4,
    5: [[0, 0, 0, 0, 0], [0, 1, 2, 3, 4], [0, 2, 4, 1, 3], [0, 3, 1, 4, 2], [0, 4, 3, 2, 1]],
    6: [[0] * 6, [0, 1, 2, 3, 4, 5], [0, 2, 4, 0, 2, 4], [0, 3, 0, 3, 0, 3], [0, 4, 2, 0, 4, 2], [0, 5, 4, 3, 2, 1]],
    7: [[0] * 7, [0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 1, 3, 5], [0, 3, 6, 2, 5, 1, 4], [0, 4, 1, 5, 2, 6, 3], [0, 5, 3, 1, 6, 4, 2], [0, 6, 5, 4, 3, 2, 1]],
}
# TS 38.211 table 6.3.2.4.1-1: length -> (no hopping, first hop, second hop) of PUCCH; the rest of a hop is DM-RS.
N_SF = {4: (2, 1, 1), 5: (2, 1, 1), 6: (3, 1, 2), 7: (3, 1, 2), 8: (4, 2, 2), 9: (4, 2, 2), 10: (5, 2, 3), 11: (5, 2, 3), 12: (6, 3, 3), 13: (6, 3, 3), 14: (7, 3, 4)}


def format0(p, ack, sr):
    """TS 38.211 §6.3.2.3, TS 38.213 §9.2.3, §9.2.5.1."""
    table = {(): 0, (0,): 0, (1,): 6, (0, 0): 0, (0, 1): 3, (1, 1): 6, (1, 0): 9}
    with_sr = {(): 0, (0,): 3, (1,): 9, (0, 0): 1, (0, 1): 4, (1, 1): 7, (1, 0): 10}
    m_cs = (with_sr if sr else table)[tuple(ack)]
    out = {}
    for i in range(p["n_sym"]):
        hop = 1 if p["hop_prb"] >= 0 and i >= p["n_sym"] // 2 else 0
        prb = p["hop_prb"] if hop else p["prb"]
        for n, x in enumerate(sequence(p, hop, p["start"] + i, m_cs)):
            out[p["start"] + i, 12 * prb + n] = x
    return out


def format1(p, ack):
    """TS 38.211 §6.3.2.4, §6.4.1.3.1."""
    b = ack + [0] if not ack else ack
    d = (1 - 2 * b[0]) * (1 + 1j) / math.sqrt(2) if len(b) == 1 else ((1 - 2 * b[0]) + 1j * (1 - 2 * b[1])) / math.sqrt(2)
    length = p["n_sym"]
    hops = [(0, length)] if p["hop_prb"] < 0 else [(0, length // 2), (length // 2, length)]
    out = {}
    for h, (first, last) in enumerate(hops):
        n_data = N_SF[length][0 if p["hop_prb"] < 0 else 1 + h]
        n_dmrs = last - first - n_data
        at = [0, 0]
        for i in range(first, last):
            data = i % 2
            n_sf = n_data if data else n_dmrs
            w = cmath.exp(2j * math.pi * COVER[n_sf][p["occ"]][at[data]] / n_sf)
            at[data] += 1
            prb = p["hop_prb"] if h else p["prb"]
            for n, x in enumerate(sequence(p, h, p["start"] + i, 0)):
                out[p["start"] + i, 12 * prb + n] = w * x * (d if data else 1)
        assert at == [n_dmrs, n_data]
    return out


def format2(p, ack, sr, csi):
    """TS 38.211 §6.3.2.5, §6.4.1.3.2, TS 38.212 §6.3.1."""
    bits = ack + ([sr] if p["n_sr"] else []) + csi
    e = 16 * p["n_prb"] * p["n_sym"]
    coded = short_block(bits, 2, e, C["BASIS"]) if len(bits) <= 11 else C["uci"](bits, e)
    b = scramble(coded, gold(p["rnti"] * 2 ** 15 + p["n_id"], e))
    d = [((1 - 2 * b[2 * i]) + 1j * (1 - 2 * b[2 * i + 1])) / math.sqrt(2) for i in range(e // 2)]
    out, at = {}, 0
    for i in range(p["n_sym"]):
        l = p["start"] + i
        prb = p["hop_prb"] if p["hop_prb"] >= 0 and i >= p["n_sym"] // 2 else p["prb"]
        c_init = (2 ** 17 * (14 * p["slot"] + l + 1) * (2 * p["dmrs_id"] + 1) + 2 * p["dmrs_id"]) % 2 ** 31
        r = qpsk(gold(c_init, 2 * 4 * 300), 4 * 300)
        for k in range(12 * prb, 12 * (prb + p["n_prb"])):
            if k % 3 == 1:
                # k = 3 m + 1 counts from subcarrier 0 of common resource block 0.
                out[l, k] = r[(k + 12 * p["offset"] - 1) // 3]
            else:
                out[l, k] = d[at]
                at += 1
    assert at == len(d)
    return out


# format, n_sym, hopping, group hopping, n_prb, n_ack, n_sr, n_csi
CASES = [
    (0, 1, 0, 0, 1, 1, 0, 0), (0, 2, 0, 0, 1, 2, 1, 0), (0, 2, 1, 1, 1, 0, 1, 0), (0, 2, 1, 1, 1, 2, 0, 0), (0, 1, 0, 1, 1, 1, 1, 0),
    (1, 4, 0, 0, 1, 1, 0, 0), (1, 14, 0, 0, 1, 2, 0, 0), (1, 14, 1, 1, 1, 2, 0, 0), (1, 10, 1, 0, 1, 0, 1, 0), (1, 7, 0, 1, 1, 1, 0, 0),
    (1, 9, 1, 0, 1, 2, 0, 0), (1, 12, 0, 0, 1, 1, 0, 0), (1, 8, 0, 0, 1, 1, 0, 0), (1, 8, 0, 0, 1, 2, 0, 0), (1, 8, 0, 0, 1, 1, 0, 0),
    (2, 1, 0, 0, 1, 3, 0, 0), (2, 2, 0, 0, 2, 4, 1, 4), (2, 2, 1, 0, 3, 9, 1, 4), (2, 2, 0, 0, 4, 20, 0, 4), (2, 1, 0, 0, 5, 0, 0, 11), (2, 2, 1, 0, 1, 1, 1, 0),
]


def main(out):
    with open(f"{out}/pucch.txt", "w") as f:
        for i, (fmt, n_sym, hopping, group, n_prb, n_ack, n_sr, n_csi) in enumerate(CASES):
            while True:
                p = dict(format=fmt, prb=random.randrange(8), hop_prb=random.randrange(8, 18) if hopping else -1, start=random.randrange(15 - n_sym),
                         n_sym=n_sym, m0=random.randrange(12), occ=0, n_prb=n_prb, n_sr=n_sr, n_csi=n_csi, n_ack=n_ack, slot=random.randrange(20),
                         rnti=random.randrange(1, 65520), hopping_id=random.randrange(1024), group=group, n_id=random.randrange(1024),
                         dmrs_id=random.randrange(1024), offset=random.randrange(40))
                if fmt == 2 or all(u_of(p, h) in PHI for h in range(2)):
                    break
            if fmt == 1:
                smallest = min(min(x, (n_sym - x)) for x in N_SF[n_sym][:1]) if not hopping else min(N_SF[n_sym][1:] + (n_sym // 2 - N_SF[n_sym][1], n_sym - n_sym // 2 - N_SF[n_sym][2]))
                p["occ"] = i % smallest
            ack = [random.randrange(2) for _ in range(n_ack)]
            csi = [random.randrange(2) for _ in range(n_csi)]
            sr = 1 if n_sr and (not n_ack or random.randrange(2)) else 0
            cells = format0(p, ack, sr) if fmt == 0 else format1(p, ack) if fmt == 1 else format2(p, ack, sr, csi)
            keys = "format prb hop_prb start n_sym m0 occ n_prb n_ack n_sr n_csi slot rnti hopping_id group n_id dmrs_id offset"
            f.write(" ".join(str(p[k]) for k in keys.split()) + "\n")
            f.write(f"{''.join(map(str, ack)) or '-'} {sr} {''.join(map(str, csi)) or '-'}\n")
            f.write(" ".join(f"{l},{k},{round(x.real * 1e4)},{round(x.imag * 1e4)}" for (l, k), x in sorted(cells.items())) + "\n")


main(sys.argv[1])
