"""DL PRS: every comb and length, from TS 38.211 7.4.1.7.2 and 7.4.1.7.3, element by element from point A.

Each line of prs.txt: n_ID, comb, symbols, offset, first symbol, first RB, RBs, offset to carrier, slot, then each symbol's elements:
'0' zero, 'a'..'d' QPSK (+,+), (-,+), (+,-), (-,-)."""
import random

random.seed(3821177)
SHIFT = {2: [0, 1] * 6, 4: [0, 2, 1, 3] * 3, 6: [0, 3, 1, 4, 2, 5] * 2, 12: [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]}


def gold(c_init, n):
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for i in range(n + 1600):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return [x1[i + 1600] ^ x2[i + 1600] for i in range(n)]


with open("prs.txt", "w") as out:
    for comb, length in [(2, 2), (2, 4), (2, 6), (2, 12), (4, 4), (4, 12), (6, 6), (6, 12), (12, 12)]:
        n_id, offset, first = random.randrange(4096), random.randrange(comb), random.randrange(14 - length + 1)
        start, carrier, slot = random.randrange(6), random.randrange(8), random.randrange(20)
        symbols = []
        for i in range(length):
            l = first + i
            c_init = (2**22 * (n_id // 1024) + 2**10 * (14 * slot + l + 1) * (2 * (n_id % 1024) + 1) + n_id % 1024) % 2**31
            c = gold(c_init, 2 * 12 * 40)
            row = ["0"] * 360
            m = 0
            while True:
                k = m * comb + (offset + SHIFT[comb][i]) % comb - 12 * carrier
                if k >= 12 * (start + 24):
                    break
                if k >= 12 * start:
                    row[k] = "abcd"[c[2 * m] + 2 * c[2 * m + 1]]
                m += 1
            symbols.append("".join(row))
        out.write(" ".join(map(str, [n_id, comb, length, offset, first, start, 24, carrier, slot])) + " " + " ".join(symbols) + "\n")
