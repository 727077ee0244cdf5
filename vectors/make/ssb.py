"""SS/PBCH blocks, element by element, from py3gpp. Writes ssb.txt: parameters, then 4 x 240 elements as characters.

Characters: '0' zero, '+' and '-' real +-1, 'a'..'d' QPSK (+,+), (-,+), (+,-), (-,-)."""
import random

import numpy as np
from py3gpp import nrBCH, nrPBCH, nrPBCHDMRS, nrPBCHDMRSIndices, nrPBCHIndices, nrPSS, nrSSS

random.seed(38211)


def char(z):
    if abs(z) < 1e-6:
        return "0"
    if abs(z.imag) < 1e-6:
        return "+" if z.real > 0 else "-"
    return "abcd"[(z.real < 0) + 2 * (z.imag < 0)]


with open("ssb.txt", "w") as out:
    for n in range(12):
        pci = [0, 1007, 500, 123][n] if n < 4 else random.randrange(1008)
        l_max = [4, 8][n % 2]
        index = random.randrange(l_max)
        half = random.randrange(2)
        sfn = random.randrange(1024)
        k_ssb = random.randrange(16)
        mib = (sfn >> 4) << 17 | random.getrandbits(1) << 16 | k_ssb << 12 | random.getrandbits(12)
        bits = np.array([mib >> (23 - i) & 1 for i in range(24)])
        coded = nrBCH(bits, sfn, half, l_max, 0, pci).astype(int)
        v = index % 4 if l_max == 4 else index
        i_bar = index + 4 * half if l_max == 4 else index
        grid = np.zeros(960, complex)
        grid[56:183] = nrPSS(pci)
        grid[2 * 240 + 56 : 2 * 240 + 183] = nrSSS(pci)
        grid[nrPBCHIndices(pci)] = nrPBCH(pci, v, coded)
        grid[nrPBCHDMRSIndices(pci)] = nrPBCHDMRS(pci, i_bar)
        out.write(f"{pci} {l_max} {index} {half} {sfn} {k_ssb} {mib} {''.join(map(char, grid))}\n")
