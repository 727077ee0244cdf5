"""Makes ofdm_*.cf32: grids and their samples, for the OFDM tests. Run: python ofdm.py DIRECTORY

Each file: 14 symbols of subcarriers (symbol by symbol), then the slot's samples; little-endian complex64.
- ofdm_15k_11rb, ofdm_30k_24rb_slot0: py3gpp's nrOFDMModulate, scaled to a unitary transform.
- ofdm_60k_11rb_extended: the same sum with the extended cyclic prefix, 12 symbols and their samples.
- ofdm_30k_24rb_slot1: TS 38.211 5.3.1 and 5.4 written out as a sum in double precision, since py3gpp counts the phase from
  the slot and the clause from the subframe. The same sum is checked against py3gpp in slot 0.
"""

import sys

import numpy as np
import py3gpp

KAPPA, T_C = 64, 1 / (480_000 * 4096)


def by_the_clause(grid, mu, slot, f_0, fs, extended=False):
    """s(t) of 5.3.1 times the factor of 5.4, at the samples that lie in the slot."""
    df = 15_000 * 2**mu
    n_sc = grid.shape[0]
    n_u = 2048 * KAPPA * 2**-mu
    out, t_start = [], 0
    n_symb = 12 if extended else 14
    for l in range(n_symb * (slot + 1)):
        n_cp = 144 * KAPPA * 2**-mu + (16 * KAPPA if l in (0, 7 * 2**mu) else 0)
        if extended:
            n_cp = 512 * KAPPA * 2**-mu
        length = round((n_u + n_cp) * T_C * fs)
        if l >= n_symb * slot:
            t = t_start * T_C + np.arange(length) / fs
            k = np.arange(n_sc)
            turn = np.outer(t - (t_start + n_cp) * T_C, (k - n_sc // 2) * df)
            s = np.exp(2j * np.pi * turn) @ grid[:, l - n_symb * slot]
            out.append(s * np.exp(-2j * np.pi * f_0 * ((t_start + n_cp) * T_C)) / np.sqrt(fs / df))
        t_start += n_u + n_cp
    return np.concatenate(out)


def write(name, grid, samples):
    data = np.concatenate([grid.T.ravel(), samples]).astype("<c8")
    data.tofile(f"{sys.argv[1]}/{name}.cf32")


def main():
    rng = np.random.default_rng(1)
    for name, mu, n_rb, n_fft, slot, f_0 in [
        ("ofdm_15k_11rb", 0, 11, 256, 0, 1_842_500_000),
        ("ofdm_30k_24rb_slot0", 1, 24, 384, 0, 3_489_420_000),
        ("ofdm_30k_24rb_slot1", 1, 24, 384, 1, 3_489_420_000),
    ]:
        bits = rng.integers(0, 2, (2, n_rb * 12, 14))
        grid = ((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) / np.sqrt(2)
        fs = n_fft * 15_000 * 2**mu
        samples = by_the_clause(grid, mu, slot, f_0, fs)
        if slot == 0:
            carrier = py3gpp.nrCarrierConfig(NSizeGrid=n_rb, SubcarrierSpacing=15 * 2**mu)
            peer, _ = py3gpp.nrOFDMModulate(carrier, grid, Nfft=n_fft, SampleRate=fs, CarrierFrequency=f_0)
            peer = peer * np.sqrt(n_fft)
            assert np.max(np.abs(peer - samples)) < 1e-6, "the sum and py3gpp disagree"
            samples = peer
        write(name, grid, samples)
    bits = rng.integers(0, 2, (2, 11 * 12, 12))
    grid = ((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) / np.sqrt(2)
    samples = by_the_clause(grid, 2, 3, 3_489_420_000, 256 * 60_000, extended=True)
    write("ofdm_60k_11rb_extended", grid, samples)


main()
