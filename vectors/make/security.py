"""Every key of 5G AKA, by hmac and AES of other hands: vectors/security_keys.txt.

Spec: TS 33.501 annex A, TS 35.206 §4.1, TS 33.102 §6.3. Nothing here comes from the code under test. MILENAGE is checked
against TS 35.208's first set before anything is written.
"""
import hashlib
import hmac
import random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def aes(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def rotate(block, bits):
    n = int.from_bytes(block, "big")
    return ((n << bits | n >> (128 - bits)) & (1 << 128) - 1).to_bytes(16, "big")


def milenage(k, opc, rand, sqn, amf):
    temp = aes(k, xor(rand, opc))
    in1 = (sqn + amf) * 2
    c = [bytes(16)] + [bytes(15) + bytes([1 << i]) for i in range(4)]
    out1 = xor(aes(k, xor(xor(temp, rotate(xor(in1, opc), 64)), c[0])), opc)
    out = [xor(aes(k, xor(rotate(xor(temp, opc), r), c[i])), opc) for i, r in ((1, 0), (2, 32), (3, 64), (4, 96))]
    return {"mac_a": out1[:8], "mac_s": out1[8:], "res": out[0][8:], "ak": out[0][:6], "ck": out[1], "ik": out[2],
            "ak_star": out[3][:6]}


first = milenage(*map(bytes.fromhex, ("465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf",
                                      "23553cbe9637a89d218ae64dae47bf35", "ff9bb4d0b607", "b9b9")))
assert first["mac_a"].hex() == "4a9ffac354dfafb3" and first["res"].hex() == "a54211d5e3ba50bf"
assert first["ak_star"].hex() == "451e8beca43b" and first["ck"].hex() == "b40ba9a3c58b2a05bbf0d987b21bf8cb"


def kdf(key, fc, *parameters):
    s = bytes([fc]) + b"".join(p + len(p).to_bytes(2, "big") for p in parameters)
    return hmac.new(key, s, hashlib.sha256).digest()


def main():
    r = random.Random(33501)
    rows = ["# name value pairs; one subscriber's chain to a line, octets in hexadecimal"]
    for mcc, mnc, supi in (("001", "01", "001010000000001"), ("310", "410", "310410123456789"), ("999", "70", "99970000")):
        k, opc, rand, sqn = r.randbytes(16), r.randbytes(16), r.randbytes(16), r.randbytes(6)
        amf = bytes.fromhex("8000")
        m = milenage(k, opc, rand, sqn, amf)
        sn = f"5G:mnc{mnc.zfill(3)}.mcc{mcc}.3gppnetwork.org".encode()
        ckik, concealed = m["ck"] + m["ik"], xor(sqn, m["ak"])
        count, nh_before, pci, arfcn = r.randrange(1 << 24), r.randbytes(32), r.randrange(1008), r.randrange(1 << 22)
        row = {"mcc": mcc, "mnc": mnc, "supi": supi, "k": k, "opc": opc, "rand": rand, "sqn": sqn, "amf": amf,
               "autn": concealed + amf + m["mac_a"],
               "auts": xor(sqn, m["ak_star"]) + milenage(k, opc, rand, sqn, bytes(2))["mac_s"]}
        row["res_star"] = kdf(ckik, 0x6B, sn, rand, m["res"])[16:]
        row["hres_star"] = hashlib.sha256(rand + row["res_star"]).digest()[16:]
        row["k_ausf"] = kdf(ckik, 0x6A, sn, concealed)
        row["k_seaf"] = kdf(row["k_ausf"], 0x6C, sn)
        row["k_amf"] = kdf(row["k_seaf"], 0x6D, supi.encode(), bytes(2))
        row["count"] = count.to_bytes(4, "big")
        row["k_gnb"] = kdf(row["k_amf"], 0x6E, row["count"], b"\x01")
        row["nh"] = kdf(row["k_amf"], 0x6F, row["k_gnb"])
        row["pci"], row["arfcn"] = pci.to_bytes(2, "big"), arfcn.to_bytes(3, "big")
        row["k_ng_ran_star"] = kdf(row["k_gnb"], 0x70, row["pci"], row["arfcn"])
        for alg in range(4):
            for name, key, kind in (("nas_enc", "k_amf", 1), ("nas_int", "k_amf", 2), ("rrc_enc", "k_gnb", 3),
                                    ("rrc_int", "k_gnb", 4), ("up_enc", "k_gnb", 5), ("up_int", "k_gnb", 6)):
                row[f"{name}_{alg}"] = kdf(row[key], 0x69, bytes([kind]), bytes([alg]))[16:]
        rows.append(" ".join(f"{n}={v.hex() if isinstance(v, bytes) else v}" for n, v in row.items()))
    open("vectors/security_keys.txt", "w").write("\n".join(rows) + "\n")


main()
