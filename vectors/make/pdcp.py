"""PDCP data PDUs from the clauses, with AES of the `cryptography` package and algorithms 0 and 2 (TS 33.501 annex D).

Columns: bearer (srb1, srb2, drbN), end that sends (ue, gnb), sn_bits, COUNT, integrity, ciphering, SDAP header, nea, nia,
K_enc, K_int, SDU, PDU.
"""
import random
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

rng = random.Random(38323)
rows = []
for _ in range(60):
    bearer = rng.choice(["srb1", "srb2", "drb1", "drb4", "drb32"])
    srb = bearer.startswith("srb")
    end = rng.choice(["ue", "gnb"])
    bits = 12 if srb else rng.choice([12, 18])
    count = rng.choice([0, 1, 4095, 4096, 262143, 262144, 0x12345678, 0xFFFFFFFF])
    integrity = 1 if srb else rng.randrange(2)
    ciphering = rng.randrange(2)
    sdap = 0 if srb else rng.randrange(2)
    nea, nia = rng.choice([0, 2]), rng.choice([0, 2])
    kenc, kint = rng.randbytes(16), rng.randbytes(16)
    sdu = rng.randbytes(rng.choice([1, 2, 15, 16, 17, 60, 200]))
    sn = count % (1 << bits)
    if bits == 18:
        header = ((1 << 23) | sn).to_bytes(3, "big")
    else:
        header = ((0 if srb else 1 << 15) | sn).to_bytes(2, "big")
    b = {"srb1": 0, "srb2": 1}.get(bearer, int(bearer[3:]) - 1)
    d = 0 if end == "ue" else 1
    prefix = count.to_bytes(4, "big") + bytes([b << 3 | d << 2, 0, 0, 0])
    body = sdu
    if integrity:
        mac = b"\0\0\0\0"
        if nia == 2:
            c = CMAC(algorithms.AES(kint))
            c.update(prefix + header + sdu)
            mac = c.finalize()[:4]
        body += mac
    keep = 1 if sdap else 0
    if ciphering and nea == 2:
        e = Cipher(algorithms.AES(kenc), modes.CTR(prefix + bytes(8))).encryptor()
        body = body[:keep] + e.update(body[keep:])
    fields = [bearer, end, bits, count, integrity, ciphering, sdap, nea, nia, kenc.hex(), kint.hex(), sdu.hex(), (header + body).hex()]
    rows.append(" ".join(map(str, fields)))
open("../pdcp.txt", "w").write("\n".join(rows) + "\n")
