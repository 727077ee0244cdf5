"""Low-PAPR sequences of TS 38.211 §5.2.2 and §5.2.3, from the formulae and the tables as they are printed.

python low_papr.py OUT_DIR   (numpy only)

low_papr.txt: a line a sequence: 'type u v shift delta length step: re,im ...' with every step-th element x 10000. Type 1: the shift alpha is in
24ths of a turn. Type 2: 'shift' is c_init,
which short ones have no use for.
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


# Tables 5.2.3.2-1 to -4, a row a group; the first in eighths of pi.
TILDE_6 = """-1 -7 -3 -5 -1 3 | -1 3 7 -3 7 3 | -1 3 1 5 -1 -5 | -7 -3 -7 5 -7 -3 | 7 5 -1 -7 -3 1 | 3 -3 1 5 -1 -1 | -7 -3 -7 -3 7 -5 | -7 -3 1 -5 -1 -5 | -7 -3 3 -3 -7 -3 | -7 -7 -1 1 -5 1 | -7 -3 -7 5 -1 5 | -7 -7 -3 1 5 -1 | 5 7 -3 -5 5 -5 | -3 7 -5 -1 -5 -1 | 5 -7 7 1 5 1 | -7 3 1 5 -1 3 | -7 -5 -1 -7 -5 5 | -7 1 -3 3 7 5 | -7 -7 3 5 1 5 | -7 -3 3 -1 3 -5 | -7 -5 5 3 -7 -1 | 1 5 1 5 3 7 | 1 -3 1 -5 -1 3 | 1 7 1 -5 -7 -1 | 1 -1 3 -1 -7 -3 | 1 -1 -5 -1 3 -3 | 1 -1 3 -1 3 7 | -5 3 7 5 3 7 | -7 1 -3 1 5 1 | 1 5 3 -7 5 -3"""
TILDE = {
    12: """000000110110 000001000111 000001110111 110110101000 110010101001
           101101001011 000100100010 010001001000 101111011011 101101111000
           101101000110 101001001010 110000011110 010001101011 000001100011
           000001001001 001001000001 000001101110 000111110001 100010000011
           011110101111 011101001101 011111001000 011100000100 001111111100
           011100110100 011101110111 011111100011 011110000011 011101111011""".split(),
    18: """000001000111110001 000000011111001001 000001111011101111 010110110001101011 110100101010011110
           010101110010110110 000111000100011111 010100011010000011 001010001010010001 101100101010010001
           101100011100000001 110110111011111000 100010101000110101 101101011100000110 000001110110101100
           001110110100011010 010010001110100111 010011011000000010 001001111000001100 000000010010011011
           000001100001001111 111101011111001001 100100010011110111 001000111000100101 110110000000110110
           110101011000010010 011111110010100100 011011100000001100 000110000000001100 011101101011101100""".split(),
    24: """000000010011111001001001 000000010010110111000110 000000001001001001111011 000000001101100101011011 100111110110111011000111
           101011011001111100110111 011001001111110111101101 101111111110100111001101 001001010001001000001110 000010011010000011000101
           101000111001111011110010 001001000001110001001010 101001110100010111001011 101001101101010110110010 101000100111000001001011
           100101001100001111111001 000111100101001110111001 110101110011100000011010 000000000111100010110001 100010110001000000000111
           000000111011000110001010 011010111000010000100011 101001000001110010001011 100110100000111111110011 100011010100100111111000
           101011000100011111100100 010010101100011111100100 010110101010110110010011 010001101010111010010011 010010011111111110010011""".split()
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


def type2(u, c_init, m):
    b = [int(x) for x in TILDE[m][u]] if m in TILDE else gold(c_init, m)
    x = np.exp(1j * np.pi / 8 * np.array([int(x) for x in TILDE_6.split("|")[u].split()])) if m == 6 else np.array([np.exp(1j * np.pi / 2 * (i % 2)) / np.sqrt(2) * ((1 - 2 * b[i]) + 1j * (1 - 2 * b[i])) for i in range(m)])
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
            line(2, 0, 0, c_init, 1, type2(0, c_init, m))
        for m in (6, 12, 18, 24):
            for u in range(30):
                line(2, u, 0, 0, 1, type2(u, 0, m))


if __name__ == "__main__":
    main(sys.argv[1])
