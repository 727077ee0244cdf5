"""Makes vectors/tbs.csv: transport block sizes of TS 38.214 section 5.1.3.2 by py3gpp's nrTBS."""
import random
from py3gpp import nrTBS

random.seed(38214)
MOD = {2: "QPSK", 4: "16QAM", 6: "64QAM", 8: "256QAM"}
rates = {2: [240, 386, 616, 898, 1204], 4: [680, 868, 1232], 6: [876, 1034, 1332, 1746, 1896], 8: [1365, 1508, 1682, 1896]}
print("# N'_RE a PRB, PRBs, R x 2048, Q_m, layers, TBS bits")
for _ in range(400):
    q_m = random.choice(list(MOD))
    rate = random.choice(rates[q_m])
    n_prb = random.choice([1, 2, 3, 5, 8, 13, 24, 48, 51, 52, 79, 106, 162, 217, 273])
    re = random.randint(12, 168)
    layers = random.choice([1, 1, 2, 4])
    print(f"{re}, {n_prb}, {rate}, {q_m}, {layers}, {nrTBS(MOD[q_m], layers, n_prb, re, rate / 2048)}")
