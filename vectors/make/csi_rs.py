"""CSI-RS of every row: elements of each port, from TS 38.211 7.4.1.5.2 and 7.4.1.5.3 by a loop over (row, j, k', l').

The table stands here as the clause prints it: the list of (k_i, addend, l_i, addend) for each row and the CDM type.
Each line of csi_rs.txt: row, k_0..k_5, l_0, l_1, density x 2, odd, first RB, RBs, offset to carrier, n_ID, slot, then for each port
and each used symbol port:symbol:elements, '0' zero, 'a'..'d' QPSK (+,+), (-,+), (+,-), (-,-)."""
import random

random.seed(3821174)

K0, K1, K2, K3, K4, K5 = range(6)
TABLE = {
    1: ("none", [(K0, 0, 0, 0), (K0, 4, 0, 0), (K0, 8, 0, 0)], 1),
    2: ("none", [(K0, 0, 0, 0)], 1),
    3: ("fd2", [(K0, 0, 0, 0)], 2),
    4: ("fd2", [(K0, 0, 0, 0), (K0, 2, 0, 0)], 4),
    5: ("fd2", [(K0, 0, 0, 0), (K0, 0, 0, 1)], 4),
    6: ("fd2", [(K0, 0, 0, 0), (K1, 0, 0, 0), (K2, 0, 0, 0), (K3, 0, 0, 0)], 8),
    7: ("fd2", [(K0, 0, 0, 0), (K1, 0, 0, 0), (K0, 0, 0, 1), (K1, 0, 0, 1)], 8),
    8: ("cdm4", [(K0, 0, 0, 0), (K1, 0, 0, 0)], 8),
    9: ("fd2", [(k, 0, 0, 0) for k in range(6)], 12),
    10: ("cdm4", [(K0, 0, 0, 0), (K1, 0, 0, 0), (K2, 0, 0, 0)], 12),
    11: ("fd2", [(k, 0, 0, dl) for dl in (0, 1) for k in range(4)], 16),
    12: ("cdm4", [(k, 0, 0, 0) for k in range(4)], 16),
    13: ("fd2", [(k, 0, i, dl) for i in (0, 1) for dl in (0, 1) for k in range(3)], 24),
    14: ("cdm4", [(k, 0, i, 0) for i in (0, 1) for k in range(3)], 24),
    15: ("cdm8", [(k, 0, 0, 0) for k in range(3)], 24),
    16: ("fd2", [(k, 0, i, dl) for i in (0, 1) for dl in (0, 1) for k in range(4)], 32),
    17: ("cdm4", [(k, 0, i, 0) for i in (0, 1) for k in range(4)], 32),
    18: ("cdm8", [(k, 0, 0, 0) for k in range(4)], 32),
}
# Tables 7.4.1.5.3-2 to -5: index -> (w_f(0), w_f(1)), (w_t(0)..).
CODES = {
    "none": [((1,), (1,))],
    "fd2": [((1, 1), (1,)), ((1, -1), (1,))],
    "cdm4": [((1, 1), (1, 1)), ((1, -1), (1, 1)), ((1, 1), (1, -1)), ((1, -1), (1, -1))],
    "cdm8": [((1, 1), (1, 1, 1, 1)), ((1, -1), (1, 1, 1, 1)), ((1, 1), (1, -1, 1, -1)), ((1, -1), (1, -1, 1, -1)),
             ((1, 1), (1, 1, -1, -1)), ((1, -1), (1, 1, -1, -1)), ((1, 1), (1, -1, -1, 1)), ((1, -1), (1, -1, -1, 1))],
}


def gold(c_init, n):
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for i in range(n + 1600):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return [x1[i + 1600] ^ x2[i + 1600] for i in range(n)]


def main(out):
    for row, (cdm, locations, ports) in TABLE.items():
        for half in (0, 1):
            if half and row not in (2, 3, 11, 12, 13, 14, 15, 16, 17, 18):
                continue
            rho = 3 if row == 1 else 0.5 if half else 1
            step = 1 if row == 1 else 4 if row == 4 else 2
            k = [random.randrange(4) if row == 1 else random.randrange(12) if row == 2 else step * random.randrange(3 if row == 4 else 6)] * 6
            needed = max(i for i, *_ in locations) + 1
            if needed > 1:
                k = sorted(random.sample(range(0, 12, 2), needed)) + [0] * (6 - needed)
            l0, l1 = random.randrange(0, 4), random.randrange(7, 11)
            odd, start, n_rb, offset = random.randrange(2) if half else 0, random.randrange(3), random.randrange(3, 5), random.randrange(4)
            n_id, slot = random.randrange(1024), random.randrange(20)
            alpha = rho if ports == 1 else 2 * rho
            codes = CODES[cdm]
            grid = {}
            for n in range(offset + start, offset + start + n_rb):
                if half and n % 2 != odd:
                    continue
                for j, (ki, dk, li, dl) in enumerate(locations):
                    kbar, lbar = k[ki] + dk, (l0, l1)[li] + dl
                    for s, (wf, wt) in enumerate(codes):
                        p = 0 if ports == 1 else s + j * len(codes)
                        for kp in range(len(wf)):
                            for lp in range(len(wt)):
                                l = lbar + lp
                                c_init = (2**10 * (14 * slot + l + 1) * (2 * n_id + 1) + n_id) % 2**31
                                m = int(n * alpha) + kp + int(kbar * rho / 12)
                                c = gold(c_init, 2 * m + 2)[-2:]
                                w = wf[kp] * wt[lp]
                                bits = [b ^ (w < 0) for b in c]
                                grid[p, l, 12 * (n - offset) + kbar + kp] = "abcd"[bits[0] + 2 * bits[1]]
            head = [row] + k + [l0, l1, int(2 * rho), odd, start, n_rb, offset, n_id, slot]
            body = []
            for p in range(ports):
                for l in sorted({l for q, l, _ in grid if q == p}):
                    body.append(f"{p}:{l}:" + "".join(grid.get((p, l, x), "0") for x in range(12 * 7)))
            out.write(" ".join(map(str, head)) + " " + " ".join(body) + "\n")


with open("csi_rs.txt", "w") as out:
    main(out)
