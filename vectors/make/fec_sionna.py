"""Vectors of TS 38.212 by Sionna: transport blocks and polar-coded blocks.

python fec_sionna.py OUT_DIR   (sionna-no-rt 1.2, tensorflow on the CPU)
"""
import sys
import numpy as np
from sionna.phy.fec.polar import Polar5GEncoder
from sionna.phy.nr import TBEncoder

rng = np.random.default_rng(38212)
out = sys.argv[1]


def to_hex(bits):
    return np.packbits(np.asarray(bits).astype(np.uint8)).tobytes().hex()


# tbs, rate x 1024, q_m, layers, g. Sionna counts the CRC when it chooses the base graph, the clause does not: sizes between are left out.
SCH = [
    (24, 120, 2, 1, 240), (40, 308, 2, 1, 132), (56, 602, 2, 2, 200), (208, 449, 4, 1, 480), (272, 873, 8, 1, 320),
    (576, 658, 6, 1, 900), (640, 300, 2, 1, 2200), (848, 466, 6, 2, 1860), (1128, 873, 6, 1, 1326),
    (1800, 193, 2, 1, 9560), (2408, 616, 6, 4, 4032), (3240, 948, 8, 2, 3504), (3752, 449, 4, 1, 8560), (3752, 600, 4, 2, 6408),
    (3848, 240, 2, 1, 16432), (5640, 772, 6, 1, 7482), (8424, 910, 8, 1, 9480), (8456, 700, 4, 3, 12372),
    (12040, 200, 2, 1, 61650), (25104, 550, 6, 3, 46746), (40976, 948, 8, 4, 44256),
]
with open(f"{out}/fec_sch_sionna.txt", "w") as f:
    f.write("# tbs rate_x1024 q_m layers rv g tbs_lbrm tb coded\n")
    for tbs, rate, q_m, layers, g in SCH:
        try:
            encoder = TBEncoder(tbs, g, rate / 1024, q_m, num_layers=layers, use_scrambler=False)
        except Exception as error:
            print(tbs, rate, g, error)
            continue
        tb = rng.integers(0, 2, tbs)
        coded = np.asarray(encoder(tb[None].astype(np.float32)))[0]
        assert coded.size == g
        f.write(f"{tbs} {rate} {q_m} {layers} 0 {g} - {to_hex(tb)} {to_hex(coded)}\n")

# A, E: the CRC is Sionna's (11 bits uplink, 24C downlink without ones and mask)
with open(f"{out}/fec_polar_sionna.txt", "w") as f:
    f.write("# channel a e payload coded\n")
    uplink = [(20, 64), (21, 40), (24, 108), (33, 60), (40, 300), (64, 96), (64, 128), (64, 144), (100, 200), (128, 1000),
              (200, 432), (300, 800), (300, 1086), (359, 900), (359, 1087), (400, 1080)]
    downlink = [(12, 108), (41, 108), (41, 216), (41, 432), (60, 108), (70, 216), (32, 863), (100, 150), (130, 576), (140, 230)]
    for channel, cases in (("uplink", uplink), ("downlink", downlink)):
        for a, e in cases:
            try:
                encoder = Polar5GEncoder(a, e, channel_type=channel)
            except (ValueError, AssertionError) as error:
                print(channel, a, e, error)
                continue
            bits = rng.integers(0, 2, a)
            coded = np.asarray(encoder(bits[None].astype(np.float32)))[0]
            f.write(f"{channel} {a} {e} {''.join(map(str, bits))} {''.join(str(int(b)) for b in coded)}\n")
