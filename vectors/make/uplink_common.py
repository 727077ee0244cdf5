"""What the uplink scripts share: the sequences of TS 38.211 §5.2, and the coding of fec_clause.py (second derivation of TS 38.212)."""
import pathlib
import sys

import numpy as np


def gold(c_init, n):
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for i in range(n + 1600):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return [x1[i + 1600] ^ x2[i + 1600] for i in range(n)]


def qpsk(c, n):
    return [((1 - 2 * c[2 * i]) + 1j * (1 - 2 * c[2 * i + 1])) / np.sqrt(2) for i in range(n)]


def coding():
    """The functions of fec_clause.py, without the vectors that it writes."""
    text = (pathlib.Path(__file__).parent / "fec_clause.py").read_text().split("# tbs, rate x 1024")[0]
    argv, sys.argv = sys.argv, ["", "."]
    names = {}
    exec(text, names)
    sys.argv = argv
    return names


def modulate(bits, q_m):
    """TS 38.211 §5.1, formulae."""
    out = []
    for i in range(0, len(bits), q_m):
        b = [1 - 2 * x for x in bits[i:i + q_m]]
        if q_m == 2:
            out.append((b[0] + 1j * b[1]) / np.sqrt(2))
        elif q_m == 4:
            out.append((b[0] * (2 - b[2]) + 1j * b[1] * (2 - b[3])) / np.sqrt(10))
        elif q_m == 6:
            out.append((b[0] * (4 - b[2] * (2 - b[4])) + 1j * b[1] * (4 - b[3] * (2 - b[5]))) / np.sqrt(42))
        else:
            re = b[0] * (8 - b[2] * (4 - b[4] * (2 - b[6])))
            im = b[1] * (8 - b[3] * (4 - b[5] * (2 - b[7])))
            out.append((re + 1j * im) / np.sqrt(170))
    return out


def short_block(bits, q_m, e, basis):
    """TS 38.212 §5.3.3; 'x' and 'y' are the placeholders."""
    if len(bits) == 1:
        d = ([bits[0], "y"] + ["x"] * (q_m - 2)) if q_m > 1 else [bits[0]]
    elif len(bits) == 2:
        c0, c1 = bits
        c2 = c0 ^ c1
        pad = ["x"] * (q_m - 2)
        d = [c0, c1] + pad + [c2, c0] + pad + [c1, c2] + pad if q_m > 1 else [c0, c1, c2]
    else:
        d = [sum(b * int(m) for b, m in zip(bits, row)) % 2 for row in basis]
    return [d[i % len(d)] for i in range(e)]


def scramble(bits, c):
    """TS 38.211 §6.3.1.1."""
    out = []
    for i, b in enumerate(bits):
        out.append(1 if b == "x" else out[i - 1] if b == "y" else (b + c[i]) % 2)
    return out


def elements(grid, f):
    """Amplitudes x 10000, then one line a layer: two letters an element, '.' for zero."""
    values = sorted({round(float(v), 4) for layer in grid for x in layer for v in (x.real, x.imag) if abs(x) > 0})
    f.write(" ".join(str(round(v * 1e4)) for v in values) + "\n")
    letter = {v: chr(65 + i) for i, v in enumerate(values)}
    for layer in grid:
        f.write("".join(".." if abs(x) == 0 else letter[round(float(x.real), 4)] + letter[round(float(x.imag), 4)] for x in layer) + "\n")
