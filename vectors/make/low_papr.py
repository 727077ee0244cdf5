"""Low-PAPR sequences of TS 38.211 §5.2.2 and §5.2.3, from the formulae and the tables as they are printed.

python low_papr.py OUT_DIR   (numpy only)

low_papr.txt: a line a sequence: 'type u v shift delta length step: re,im ...' with every step-th element x 10000. Type 1: the shift alpha is in
24ths of a turn. Type 2: 'shift' is c_init.
"""
import random
import sys

import numpy as np

from uplink_common import gold

random.seed(5022)
# Tables 5.2.2.2-1 to -4, a row a group; a = -3, b = -1, c = 1, d = 3.
PHI = {
    6: """abddba adbbda aaadca cccdba cccabd acbaaa acdaaa abcacb abacaa aacada acdcaa abacca ccdbad ccddbd cccadb cccbda abbbdb aabcba
           aaacab accaba adacca acaaab ccadcd ccaaca ccdbdd ccacdd ccbbdb ccbdbb ccbdab ccacbb""".split(),
    12: """acaaadabccca adcacdbbcddd addcadbcdada aabdddadacba abbcdccbcbac aadcaaabdbcd cbdbbbabccca badbaaabcbca abdcabadcddc abbaabadcdba
           adaddabbddca ababbaddbbca abdaabacbadd acbbddabbaba cdacdddcbcbd acdbbaabbdca bbbbcabddbac bccbcddbbaca acddbbaddada aadabdddbaca
           dcdcdabcdcba adcdaccccdad adddbaabacda dbadabdddaba abcacdddbadd adcbddacbcbc bcdacbcbbacb aadddabcadca cbdccbbbcdac adadaadbbcda""".split(),
    18: """bdbadcabdabbcccbbb dadbcdabaabadcbdad adcbbdabcccccbdbab aadddcacddcaadbabc ccbbabcaaacabbcbdc daccdbcbbaccbddadb
           adbcdcabccacddbaaa ccaddcdadbccbcaabd acaacaadcabaaabccd dbdcaabcaadddcdada aaacadccdaacdbdaad aadddbbabbbdcaabdb
           abaaccbababbddbdcd ccaaaacdaddcabdbac adbabaccaabbdacdcc dcacaddbaabaadabcd ababacdabdddcbadba abddbdbabcbabbbddc
           acabbdcaaabaacccbb dddababdbcbacaabdd accaccdababdadbbba cabaddbacaababcddd aacbbccabddddbdcdc dbacaaaddbcabdccdd
           dbbcababaabacccaad aacadddbdccaaadabb abbacadbbaddabdbbb aaddacdbacbadabbbd bacaaaccddaddabdac adcbbbbcbddabcdbdb""".split(),
    24: """badbdcdbcababcdabadddaaa badccacaacabbdadddacddaa baacbbacdbabbaccdcabbdaa cadbabddcbccdabaaabdabaa bdaabdbbcdcdbbacdcbacbaa
           abcaaccadbbacdcbabacaaaa adcdbcacacbabaaaabbbccaa acdbcbdadbabadbbbabbadda acadbbbadcbabcdbcbcaaaaa ccbabccacbcadaadbacdacaa
           aaabdadcdcabbaccdcbadcda adbdcbbbddcccddcaabcacda dadbacdcbbabdadbbddaadaa adbdbddccacdadaabcdabbaa acabbdcdacbddbadabbaaada
           abbacaabbdbcbdcabdccbbaa aacbddabcbbccbbdacacbbba dbdbcaccaadabbbbbaabccaa acacaacacaaaaacaaccaccaa aaddcbbbcabcbdababbcadba
           aabbbacbabdacadaddcbbcaa dbcbdaccdbadcadbbbbcaaaa acadacadcbabaaaacdbcddda abcabbcccddbcbcbbaaadcba adbabbbdbbdabdadabdccbaa
           acbaabcabaccbccdddbcbcba bdbbddbbbdbacdccaaababaa daabddabdcccdbdabdbdcbaa acacaccdcaabcdbadcbaaaaa dabcdbbabdbabadbdccadaaa""".split(),
}


def type1(u, v, m_zc):
    if m_zc in PHI:
        phi = [2 * "abcd".index(x) - 3 for x in PHI[m_zc][u]]
        return np.exp(1j * np.pi / 4 * np.array(phi))
    n = np.arange(m_zc)
    if m_zc == 30:
        return np.exp(-1j * np.pi * (u + 1) * (n + 1) * (n + 2) / 31)
    n_zc = max(p for p in range(2, m_zc) if all(p % d for d in range(2, int(p ** 0.5) + 1)))
    q_bar = n_zc * (u + 1) / 31
    q = int(np.floor(q_bar + 0.5)) + v * (-1) ** int(np.floor(2 * q_bar))
    m = n % n_zc
    return np.exp(-1j * np.pi * q * m * (m + 1) / n_zc)


def type2(c_init, m):
    b = gold(c_init, m)
    x = np.array([np.exp(1j * np.pi / 2 * (i % 2)) / np.sqrt(2) * ((1 - 2 * b[i]) + 1j * (1 - 2 * b[i])) for i in range(m)])
    n = np.arange(m)
    return np.exp(-2j * np.pi * np.outer(n, n) / m) @ x / np.sqrt(m)


def main(out):
    with open(f"{out}/low_papr.txt", "w") as f:
        def line(kind, u, v, shift, delta, r):
            step = max(1, len(r) // 24)
            cells = " ".join(f"{round(z.real * 1e4)},{round(z.imag * 1e4)}" for z in r[::step])
            f.write(f"{kind} {u} {v} {shift} {delta} {len(r)} {step}: {cells}\n")

        for m_zc in (6, 12, 18, 24, 30):
            for u in range(30):
                shift = 0 if u % 3 else random.randrange(24)
                line(1, u, 0, shift, 1, type1(u, 0, m_zc) * np.exp(2j * np.pi * shift / 24 * np.arange(m_zc)))
        for m_zc in (36, 48, 60, 72, 84, 96, 120, 144, 180, 192, 216, 288, 360, 480, 540, 600, 810, 960, 1200, 1632):
            for v in range(2 if m_zc >= 72 else 1):
                u = random.randrange(30)
                shift = random.randrange(24)
                line(1, u, v, shift, 1, type1(u, v, m_zc) * np.exp(2j * np.pi * shift / 24 * np.arange(m_zc)))
        for m in (30, 36, 48, 54, 60, 72, 90, 96, 108, 120, 144, 150, 180, 192, 216, 288, 324, 600, 1620):
            c_init = random.randrange(1 << 31)
            line(2, 0, 0, c_init, 1, type2(c_init, m))


if __name__ == "__main__":
    main(sys.argv[1])
