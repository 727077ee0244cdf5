"""Reads PSS, SSS and PBCH out of a recording with py3gpp, a model that shares no code with ironcell.

    ironcell up --once --virtual-time --seed 7 --iq air
    pip install py3gpp==0.6.0
    python docs/oracle/ssb_py3gpp.py air.tx.sigmf-meta SSB_OFFSET_HZ SCS_KHZ

SSB_OFFSET_HZ is the centre of the SS/PBCH block less the centre of the recording: `ironcell lab scan` prints it.
Spec: TS 38.211 7.4.2, 7.4.3; TS 38.212 7.1
"""

import json
import sys

import numpy as np
from py3gpp.nrBCHDecode import nrBCHDecode
from py3gpp.nrPBCHDMRS import nrPBCHDMRS
from py3gpp.nrPBCHDMRSIndices import nrPBCHDMRSIndices
from py3gpp.nrPBCHIndices import nrPBCHIndices
from py3gpp.nrPBCHPRBS import nrPBCHPRBS
from py3gpp.nrPSS import nrPSS
from py3gpp.nrSSS import nrSSS


def main():
    meta, offset_hz, scs = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]) * 1000
    rate = json.load(open(meta))["global"]["core:sample_rate"]
    x = np.fromfile(meta.replace("sigmf-meta", "sigmf-data"), np.complex64)
    n_fft = int(rate / scs)
    cp = n_fft * 144 // 2048
    x = x * np.exp(-2j * np.pi * offset_hz / rate * np.arange(len(x)))

    def template(sequence):
        grid = np.zeros(n_fft, complex)
        # Subcarriers 56 to 182 of the block; its subcarrier 120 is at 0 Hz.
        grid[np.arange(56, 183) - 120] = sequence
        return np.fft.ifft(grid)

    best = (0.0, 0, 0)
    for n_id_2 in range(3):
        t = np.conj(template(nrPSS(n_id_2))[::-1])
        n = len(x) + len(t)
        c = np.abs(np.fft.ifft(np.fft.fft(x, n) * np.fft.fft(t, n)))
        best = max(best, (c.max(), int(c.argmax()) - len(t) + 1, n_id_2))
    _, start, n_id_2 = best
    grid = np.zeros((240, 4), complex)
    for l in range(4):
        at = start + l * (n_fft + cp)
        grid[:, l] = np.fft.fft(x[at : at + n_fft])[np.arange(240) - 120]
    sss = grid[56:183, 2]
    n_id_1 = max(range(336), key=lambda i: abs(np.vdot(nrSSS(3 * i + n_id_2), sss)))
    pci = 3 * n_id_1 + n_id_2
    dmrs_at = nrPBCHDMRSIndices(pci, style="matlab").astype(int)
    flat = grid.flatten(order="F")
    seen = flat[dmrs_at]
    ssb_index = max(range(8), key=lambda i: abs(np.vdot(nrPBCHDMRS(pci, i), seen)))
    pilots = seen * np.conj(nrPBCHDMRS(pci, ssb_index))
    # One channel coefficient for each symbol: a recording at the transmitter has no fading.
    h = {l: pilots[dmrs_at // 240 == l].mean() for l in (1, 2, 3)}
    data_at = nrPBCHIndices(pci).astype(int)
    y = np.array([flat[i] / h[i // 240] for i in data_at])
    soft = np.column_stack((y.real, y.imag)).ravel()
    evm = np.sqrt(np.mean((np.abs(y.real) - np.sqrt(0.5)) ** 2 + (np.abs(y.imag) - np.sqrt(0.5)) ** 2))
    soft *= 1 - 2 * nrPBCHPRBS(pci, ssb_index, len(soft)).astype(float)
    decoded = nrBCHDecode(soft, 8, 8, pci)
    crc, payload = decoded[1], decoded[2]
    bits = "".join(str(int(b)) for b in payload[:24])
    print(f"PSS at sample {start}, PCI {pci}, SSB index {ssb_index}, EVM {100 * evm:.2f} %, CRC {'holds' if not np.any(crc) else 'FAILS'}, MIB {int(bits, 2):06x}")
    sys.exit(bool(np.any(crc)))


main()
