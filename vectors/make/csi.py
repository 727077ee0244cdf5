"""Type I single-panel codebooks and wideband reports.

csi_codebook.txt: N_1 N_2 mode rank i11 i12 i13 i2, then the P x rank matrix row by row as re,im (N_1 = 0: two ports).
Beams by Kronecker products as TS 38.214 5.2.2.2.1 writes them. csi_best.txt: a channel (antennas x ports), and the largest
log2 det(I + W^H H^H H W / noise) over all ranks and indices of the codebook, by trying each."""
import itertools
import random

import numpy as np

random.seed(38214)
rng = np.random.default_rng(38214)


def u(n, o, m):
    return np.exp(2j * np.pi * m * np.arange(n) / (o * n))


def v(n1, n2, o1, o2, l, m):
    return np.kron(u(n1, o1, l), u(n2, o2, m))


def offsets(n1, n2, rank, o1, o2):
    if rank == 2:
        if n2 == 1:
            return [(i * o1, 0) for i in range(2 if n1 == 2 else 4)]
        return [(0, 0), (o1, 0), (0, o2), (o1, o2) if n1 == n2 else (2 * o1, 0)]
    return {(2, 1): [(o1, 0)], (4, 1): [(o1, 0), (2 * o1, 0), (3 * o1, 0)], (6, 1): [(k * o1, 0) for k in (1, 2, 3, 4)],
            (2, 2): [(o1, 0), (0, o2), (o1, o2)], (3, 2): [(o1, 0), (0, o2), (o1, o2), (2 * o1, 0)]}[n1, n2]


def precoders(n1, n2, mode, rank):
    """Yields (i11, i12, i13, i2, W)."""
    if n1 == 0:
        for i in range(4 if rank == 1 else 2):
            phi = [1, 1j, -1, -1j][i]
            yield 0, 0, 0, i, np.array([[1], [phi]]) / np.sqrt(2) if rank == 1 else np.array([[1, 1], [phi, -phi]]) / 2
        return
    o1, o2 = 4, 4 if n2 > 1 else 1
    p = 2 * n1 * n2
    two = mode == 2 and rank <= 2
    r1 = n1 * o1 // (2 if two else 1)
    r2 = 1 if n2 == 1 else n2 * o2 // (2 if two else 1)
    offs = [(0, 0)] if rank == 1 else offsets(n1, n2, rank, o1, o2)
    phases = 4 if rank == 1 else 2
    for i11, i12, i13 in itertools.product(range(r1), range(r2), range(len(offs))):
        for i2 in range(phases * (4 if two else 1)):
            n = i2 % phases
            l, m = i11, i12
            if two:
                c = i2 // phases
                l, m = (2 * i11 + c, 0) if n2 == 1 else (2 * i11 + c % 2, 2 * i12 + c // 2)
            a = v(n1, n2, o1, o2, l, m)
            b = v(n1, n2, o1, o2, l + offs[i13][0], m + offs[i13][1])
            f = np.exp(1j * np.pi * n / 2)
            col = {1: [(a, f)], 2: [(a, f), (b, -f)], 3: [(a, f), (b, f), (a, -f)], 4: [(a, f), (b, f), (a, -f), (b, -f)]}[rank]
            yield i11, i12, i13, i2, np.stack([np.concatenate([x, y * x]) for x, y in col], 1) / np.sqrt(rank * p)


PANELS = [(0, 0, 1), (2, 1, 1), (2, 1, 2), (2, 2, 1), (2, 2, 2), (4, 1, 1), (4, 1, 2), (3, 2, 1), (6, 1, 1)]
with open("csi_codebook.txt", "w") as out:
    for n1, n2, mode in PANELS:
        for rank in range(1, 3 if n1 == 0 else 5):
            every = list(precoders(n1, n2, mode, rank))
            for i11, i12, i13, i2, w in random.sample(every, min(len(every), 6)):
                nums = " ".join(f"{z.real:.5f},{z.imag:.5f}" for z in w.flatten())
                out.write(f"{n1} {n2} {mode} {rank} {len(every)} {i11} {i12} {i13} {i2} {nums}\n")
with open("csi_best.txt", "w") as out:
    for n1, n2, mode, n_rx, snr in [(0, 0, 1, 2, 10), (0, 0, 1, 1, 0), (2, 1, 1, 2, 20), (2, 1, 2, 4, 30), (2, 2, 1, 4, 15), (4, 1, 1, 2, 5), (4, 1, 2, 2, 25)]:
        for _ in range(3):
            p = 2 if n1 == 0 else 2 * n1 * n2
            h = (rng.normal(size=(n_rx, p)) + 1j * rng.normal(size=(n_rx, p))) / np.sqrt(2)
            h = np.round(h, 4)
            noise = 10 ** (-snr / 10)
            best = []
            for rank in range(1, min(n_rx, p, 4) + 1):
                best.append(max(np.log2(np.linalg.det(np.eye(rank) + w.conj().T @ h.conj().T @ h @ w / noise).real) for *_, w in precoders(n1, n2, mode, rank)))
            nums = " ".join(f"{z.real:.4f},{z.imag:.4f}" for z in h.flatten())
            out.write(f"{n1} {n2} {mode} {n_rx} {noise:.8f} {','.join(f'{b:.5f}' for b in best)} {nums}\n")
