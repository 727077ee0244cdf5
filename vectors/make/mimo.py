"""Makes mimo.txt: spatial correlation matrices, array responses and antenna correlations of CDL models.
Run: python mimo.py DIRECTORY MODELS, where MODELS holds sionna's CDL-A.json to CDL-E.json (sionna/phy/channel/tr38901/models).

Lines: `correlation LINK ARRAYS LEVEL n_tx n_rx : R row by row`; `steering n spacing azimuth zenith : re im ...`;
`cdl PROFILE LINK n spacing : re im ...`, the expectation of h_s conj(h_0) for transmit antennas s, one receive antenna.
"""

import json
import sys

import numpy as np

# TS 38.104 tables G.2.3.1.1-1, -2 written out; TS 38.101-4 tables B.2.3.1.1-1, -2 are the same.
EXPONENTS = {
    1: [[0]],
    2: [[0, 1], [1, 0]],
    4: (np.array([[0, 1, 4, 9], [1, 0, 1, 4], [4, 1, 0, 1], [9, 4, 1, 0]]) / 9).tolist(),
    8: [[((i - j) ** 2) / 49 for j in range(8)] for i in range(8)],
}
LEVELS = {  # (gNB, UE, polarisation)
    ("dl", "uniform"): {"low": (0, 0), "medium": (0.3, 0.9), "medium-a": (0.3, 0.3874), "high": (0.9, 0.9)},
    ("ul", "uniform"): {"low": (0, 0), "medium": (0.9, 0.3), "high": (0.9, 0.9)},
    "cross": {"low": (0, 0, 0), "medium": (0.3, 0.6, 0.2), "high": (0.9, 0.9, 0.3)},
}
OFFSETS = np.array([0.0447, 0.1413, 0.2492, 0.3715, 0.5129, 0.6797, 0.8844, 1.1481, 1.5195, 2.1551])
OFFSETS = np.concatenate([OFFSETS, -OFFSETS])


def array(n, delta):
    e = np.array(EXPONENTS[n], float)
    return np.where(e == 0, 1.0, float(delta) ** np.where(e == 0, 1.0, e))


def permutation(n_tx, n_rx):
    """The four cases of TS 38.101-4 B.2.3.2.1, counted from 1 as there."""
    p = np.zeros((n_tx * n_rx, n_tx * n_rx))
    for i in range(1, n_rx + 1):
        for j in range(1, n_tx + 1):
            a = (j - 1) * n_rx + i
            b = 2 * (j - 1) * n_rx + i if j <= n_tx / 2 else 2 * (j - n_tx // 2) * n_rx - n_rx + i
            p[a - 1, b - 1] = 1
    return p


def correlation(link, arrays, level, n_tx, n_rx):
    if arrays == "uniform":
        gnb, ue = LEVELS[link, "uniform"][level]
        tx, rx = (gnb, ue) if link == "dl" else (ue, gnb)
        return np.kron(array(n_tx, tx), array(n_rx, rx))
    gnb, ue, g = LEVELS["cross"][level]
    if link == "dl":
        gamma = np.eye(4) + np.array([[0, 0, -g, 0], [0, 0, 0, g], [-g, 0, 0, 0], [0, g, 0, 0]])
        inner = np.kron(np.kron(array(n_tx // 2, gnb), gamma), array(n_rx // 2, ue))
    elif n_tx == 1:
        return np.kron(np.array([[1, -g], [-g, 1]]), array(n_rx // 2, gnb))
    else:
        gamma = np.eye(4) + np.array([[0, -g, 0, 0], [-g, 0, 0, 0], [0, 0, 0, g], [0, 0, g, 0]])
        inner = np.kron(np.kron(array(n_tx // 2, ue), gamma), array(n_rx // 2, gnb))
    p = permutation(n_tx, n_rx)
    return p @ inner @ p.T


def direction(azimuth, zenith):
    a, z = np.radians(azimuth), np.radians(zenith)
    return np.array([np.sin(z) * np.cos(a), np.sin(z) * np.sin(a), np.cos(z)])


def steering(n, spacing, azimuth, zenith):
    places = np.array([[0, spacing * i, 0] for i in range(n)])
    return np.exp(2j * np.pi * places @ direction(azimuth, zenith))


def cdl(profile, link, n, spacing):
    """Rays of a cluster pair their azimuths and zeniths at random, so the mean is over all pairs."""
    m = json.load(open(f"{sys.argv[2]}/CDL-{profile}.json"))
    power = 10 ** (np.array(m["powers"]) / 10)
    power /= power.sum()
    azimuths, zeniths, c_a, c_z = ("aod", "zod", "cASD", "cZSD") if link == "dl" else ("aoa", "zoa", "cASA", "cZSA")
    total = np.zeros(n, complex)
    for k, p in enumerate(power):
        azimuth, zenith = m[azimuths][k], m[zeniths][k]
        if m["los"] and k == 0:
            total += p * steering(n, spacing, azimuth, zenith)
            continue
        for da in m[c_a] * OFFSETS:
            for dz in m[c_z] * OFFSETS:
                z = zenith + dz
                z = 360 - z if z > 180 else abs(z)
                total += p / 400 * steering(n, spacing, azimuth + da, z)
    return total


def line(name, values):
    flat = np.asarray(values).ravel()
    if np.iscomplexobj(flat):
        flat = np.stack([flat.real, flat.imag], 1).ravel()
    return name + " : " + " ".join(f"{v:.7f}" for v in flat)


def main():
    # Printed in TS 38.101-4 table B.2.3.1.2-2 (4x2, high) and -4 (2x4, medium A).
    assert np.allclose(correlation("dl", "uniform", "high", 4, 2)[0], [1, 0.8999, 0.9883, 0.8894, 0.9542, 0.8587, 0.8999, 0.8099], atol=1.3e-4)
    assert np.allclose(correlation("dl", "uniform", "medium-a", 2, 4)[0], [1, 0.9, 0.6561, 0.3874, 0.3, 0.27, 0.1968, 0.1162], atol=1.3e-4)
    # Printed in TS 36.101 table B.2.3A.3-2 (4x2, high).
    assert np.allclose(correlation("dl", "cross", "high", 4, 2)[0], [1, 0, 0.9, 0, -0.3, 0, -0.27, 0], atol=1e-9)
    out = []
    for link, arrays, level, n_tx, n_rx in [
        ("dl", "uniform", "medium", 2, 2), ("dl", "uniform", "medium-a", 2, 4), ("dl", "uniform", "high", 4, 2),
        ("dl", "uniform", "low", 2, 2), ("dl", "cross", "high", 4, 2), ("dl", "cross", "medium", 2, 2),
        ("dl", "cross", "high", 4, 4), ("ul", "uniform", "medium", 2, 4), ("ul", "uniform", "high", 1, 8),
        ("ul", "cross", "high", 1, 4), ("ul", "cross", "medium", 2, 4),
    ]:
        out.append(line(f"correlation {link} {arrays} {level} {n_tx} {n_rx}", correlation(link, arrays, level, n_tx, n_rx)))
    for n, spacing, azimuth, zenith in [(4, 0.5, 30.0, 90.0), (8, 0.5, -47.2, 123.2), (2, 4.0, 170.4, 75.3), (3, 0.7, 0.0, 10.0)]:
        out.append(line(f"steering {n} {spacing} {azimuth} {zenith}", steering(n, spacing, azimuth, zenith)))
    for profile, link, n, spacing in [("A", "dl", 4, 0.5), ("B", "ul", 4, 0.5), ("C", "dl", 8, 0.5), ("D", "ul", 2, 1.0), ("E", "dl", 4, 0.5)]:
        out.append(line(f"cdl {profile} {link} {n} {spacing}", cdl(profile, link, n, spacing)))
    with open(f"{sys.argv[1]}/mimo.txt", "w") as f:
        f.write("\n".join(out) + "\n")


main()
