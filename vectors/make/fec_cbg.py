"""Transmissions of some code block groups of a transport block, by the words of TS 38.212 §5.4.2.1 and TS 38.214 §5.1.7.1, §6.1.5.1.

python fec_cbg.py OUT_DIR   (numpy, py3gpp 0.6 for its base graph files)

fec_cbg.txt: a line a transmission: tbs, rate x 1024, q_m, layers, rv, g, tbs_lbrm, N, CBGTI (N bits, the first the most significant), CBG of each
code block, E_r of each, transport block, coded bits (both packed, hex).
"""
import random
import sys

from uplink_common import coding

random.seed(38214517)
names = coding()
crc, ldpc, n_of, sets, to_hex = (names[x] for x in ("crc", "ldpc", "n_of", "SETS", "to_hex"))


def groups(c, n_max):
    """CBG m of each code block: M of them, the first M_1 with K_1 code blocks, the others with K_2."""
    m = min(n_max, c)
    m_1, k_1, k_2 = c % m, -(-c // m), c // m
    of = [None] * c
    for g in range(m):
        blocks = [g * k_1 + k for k in range(k_1)] if g < m_1 else [m_1 * k_1 + (g - m_1) * k_2 + k for k in range(k_2)]
        for r in blocks:
            assert of[r] is None
            of[r] = g
    assert None not in of
    return of


def sch(tb, rate, q_m, layers, rv, g, tbs_lbrm, n_max, cbgti):
    a = len(tb)
    b_bits = list(tb) + crc(tb, "24A" if a > 3824 else "16")
    bgn = 2 if a <= 292 or (a <= 3824 and rate <= 0.67) or rate <= 0.25 else 1
    b, k_cb = len(b_bits), 8448 if bgn == 1 else 3840
    c = 1 if b <= k_cb else -(-b // (k_cb - 24))
    l = 0 if c == 1 else 24
    k_prime = (b + c * l) // c
    assert k_prime * c == b + c * l and k_prime % 8 == 0
    k_b = 22 if bgn == 1 else 10 if b > 640 else 9 if b > 560 else 8 if b > 192 else 6
    z = min(x for s in sets for x in s if k_b * x >= k_prime)
    k = (22 if bgn == 1 else 10) * z
    of = groups(c, n_max)
    scheduled = [cbgti[m] == "1" for m in of]
    c_sent, units, j, e_r, f = sum(scheduled), g // (layers * q_m), 0, [], []
    for r in range(c):
        if not scheduled[r]:
            e_r.append(0)
            continue
        e_r.append(layers * q_m * (units // c_sent if j <= c_sent - units % c_sent - 1 else -(-units // c_sent)))
        j += 1
        part = b_bits[r * (k_prime - l):(r + 1) * (k_prime - l)]
        d = ldpc(part + (crc(part, "24B") if c > 1 else []) + [-1] * (k - k_prime), bgn, z)
        n_cb = len(d) if tbs_lbrm is None else min(len(d), tbs_lbrm * 3 // (2 * c))
        k0 = ([0, 17, 33, 56] if bgn == 1 else [0, 13, 25, 43])[rv] * n_cb // n_of(bgn, z) * z
        e, i = [], 0
        while len(e) < e_r[-1]:
            bit = d[(k0 + i) % n_cb]
            e += [int(bit)] if bit >= 0 else []
            i += 1
        f += [e[row * (len(e) // q_m) + col] for col in range(len(e) // q_m) for row in range(q_m)]
    assert len(f) == g
    return of, e_r, f


def tbs_of(c, k_cb):
    """A size of `c` code blocks that divides evenly."""
    return next(t for t in range((c - 1) * (k_cb - 24) + 16, c * (k_cb - 24), 8) if t + 24 > k_cb and (t + 24) % (8 * c) == 0)


def main(out):
    with open(f"{out}/fec_cbg.txt", "w") as file:
        file.write("# tbs rate_x1024 q_m layers rv g tbs_lbrm N cbgti groups e tb coded\n")
        # C, rate x 1024, q_m, layers, g of the first transmission in symbols, limited buffer, N, CBGTI of the second, its redundancy version
        for c, rate, q_m, layers, units, lbrm, n_max, second, rv in [
            (5, 250, 2, 1, 8003, None, 4, "0110", 0), (3, 700, 4, 1, 6211, 30_000, 8, "10100000", 3), (4, 700, 6, 2, 3001, None, 2, "01", 3),
            (3, 250, 1, 1, 16_000, 20_000, 2, "10", 0), (2, 900, 8, 1, 1333, None, 6, "010000", 0), (7, 240, 2, 2, 9003, None, 6, "100101", 0),
        ]:
            tbs = tbs_of(c, 3840 if rate <= 256 else 8448)
            tb = [random.randrange(2) for _ in range(tbs)]
            sent = second[:min(c, n_max)].count("1")
            for cbgti, version, symbols in (("1" * n_max, 0, units), (second, rv, units * sent // min(c, n_max) + 5)):
                g = symbols * q_m * layers
                of, e_r, f = sch(tb, rate / 1024, q_m, layers, version, g, lbrm, n_max, cbgti)
                cells = [tbs, rate, q_m, layers, version, g, lbrm or "-", n_max, cbgti, ",".join(map(str, of)), ",".join(map(str, e_r))]
                file.write(" ".join(map(str, cells + [to_hex(tb), to_hex(f)])) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
