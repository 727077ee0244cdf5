"""DCI formats 0_0 to 1_2 by configuration: widths added up from TS 38.212 7.3.1, alignment of 7.3.1.0, bits of random fields.

Each line of dci.txt: configuration as name=value, then format, search space, and the fields as name=value:width in order, then bits.
Widths come from tables typed in here by row (number of values of each field), not from any other code."""
import math
import random

random.seed(38212)
LINES = 220


def log2(n):
    return 0 if n <= 1 else math.ceil(math.log2(n))


def riv(n):
    return math.ceil(math.log2(n * (n + 1) / 2)) if n > 1 else 0


P = [(36, 2, 4), (72, 4, 8), (144, 8, 16), (275, 16, 16)]
# Antenna ports: (bits) by dmrs type and maxLength, TS 38.212 7.3.1.1.2 and 7.3.1.2.2.
UL_PORTS = {(1, 1): 3, (1, 2): 4, (2, 1): 4, (2, 2): 5}
DL_PORTS = {(1, 1): 4, (1, 2): 5, (2, 1): 5, (2, 2): 6}
# Precoding information and layers: bits by ports, rank limited to 1, subset (0 all, 1 partial, 2 non), tables 7.3.1.1.2-2 to -5.
PRECODING = {
    (4, False): [6, 5, 4], (4, True): [5, 4, 2], (2, False): [4, 4, 2], (2, True): [3, 3, 1], (1, False): [0, 0, 0], (1, True): [0, 0, 0],
}


def frequency(start, size, alloc, config2, k):
    p = next(row[2 if config2 else 1] for row in P if size <= row[0])
    rbg = math.ceil((size + start % p) / p)
    r = riv(math.ceil((size + start % k) / k))
    return {0: rbg, 1: r, 2: max(rbg, r) + 1}[alloc]


def configuration():
    c = dict(
        coreset0=random.choice([24, 48, 96]), initial=random.choice([24, 51, 106, 273]), offset=random.choice([0, 3, 10]),
        dl_start=random.choice([0, 1, 7]), dl=random.choice([20, 48, 100, 160]), ul_start=random.choice([0, 2, 9]), ul=random.choice([24, 51, 100, 160]),
        dl_alloc=random.randrange(3), ul_alloc=random.randrange(3), dl_config2=random.randrange(2), ul_config2=random.randrange(2),
        dl_times=random.choice([1, 2, 5, 16]), ul_times=random.choice([1, 3, 8, 16]), dynamic=random.randrange(2),
        dl_dmrs=random.choice([1, 2]), dl_len=random.choice([1, 2]), ul_dmrs=random.choice([1, 2]), ul_len=random.choice([1, 2]),
        tp=random.choice([0, 0, 0, 1]), interleaver=random.randrange(2), bundling=random.randrange(2), rate_match=random.randrange(3),
        zp=random.randrange(4), second=random.choice([0, 0, 1]), dl_cbg=random.choice([0, 2, 8]), flush=random.randrange(2), tci=random.randrange(2),
        k1=random.choice([1, 3, 8]), hopping=random.randrange(2), scheme=random.randrange(3), ports=random.choice([1, 2, 4]), rank=random.choice([1, 2, 4]),
        subset=random.randrange(3), n_srs=random.choice([1, 2, 3, 4]), ul_cbg=random.choice([0, 4]), csi=random.randrange(7), beta=random.randrange(2),
        ptrs=random.randrange(2), carrier=random.choice([0, 0, 1]), sul=random.choice([0, 0, 1]), n_dl_bwp=random.randrange(5), n_ul_bwp=random.randrange(5),
        priority=random.randrange(2), fallback=random.randrange(2), full=1, compact=random.randrange(2),
        c_carrier=random.randrange(4), c_gran=random.choice([1, 2, 4, 16]), c_rv=random.randrange(3), c_harq=random.randrange(5), c_dai=random.randrange(2),
        c_ports=random.randrange(2), c_srs=random.randrange(4), c_csi=random.randrange(7), c_scid=random.randrange(2), c_hop=random.randrange(2),
        c_beta=random.randrange(3), c_pri=random.randrange(4), c_int=random.randrange(2), c_tci=random.randrange(4), c_bundling=random.randrange(2),
    )
    if c["scheme"] == 1:
        c["n_srs"] = min(c["n_srs"], 2)
        c["rank"] = min(c["rank"], c["ports"])
    return c


def widths(c):
    tp = c["tp"] == 1
    bwp = lambda n: log2(n + 1 if n <= 3 else n)
    if c["scheme"] == 0:
        sri, prec, rank = 0, 0, 1
    elif c["scheme"] == 1:
        rank = c["rank"]
        sri, prec = log2(c["n_srs"]), PRECODING[c["ports"], tp or rank == 1][c["subset"]]
    else:
        rank = min(c["rank"], c["n_srs"])
        sri, prec = log2(sum(math.comb(c["n_srs"], k) for k in range(1, rank + 1))), 0
    ul_ports = ([2, 4][c["ul_len"] - 1]) if tp else UL_PORTS[c["ul_dmrs"], c["ul_len"]]
    one = tp or rank == 1
    ulf = lambda k: frequency(c["ul_start"] + c["offset"], c["ul"], c["ul_alloc"], c["ul_config2"], k)
    dlf = lambda k: frequency(c["dl_start"] + c["offset"], c["dl"], c["dl_alloc"], c["dl_config2"], k)
    f = {}
    f["0_1"] = [("id", 1), ("carrier", 3 * c["carrier"]), ("sul", c["sul"]), ("bwp", bwp(c["n_ul_bwp"])), ("frequency", ulf(1)), ("time", log2(c["ul_times"])),
        ("hopping", int(c["hopping"] and c["ul_alloc"] != 0)), ("mcs", 5), ("ndi", 1), ("rv", 2), ("harq", 4), ("dai", 2 if c["dynamic"] else 1),
        ("dai_2", 2 if c["dynamic"] and c["dl_cbg"] else 0), ("tpc", 2), ("sri", sri), ("precoding", prec), ("ports", ul_ports), ("srs_request", 2 + c["sul"]),
        ("csi_request", c["csi"]), ("cbgti", c["ul_cbg"]), ("ptrs_dmrs", 2 if c["ptrs"] and not one else 0), ("beta_offset", 2 * c["beta"]),
        ("n_scid", 0 if tp else 1), ("ul_sch", 1), ("priority", c["priority"])]
    f["0_2"] = [("id", 1), ("carrier", c["c_carrier"]), ("sul", c["sul"]), ("bwp", bwp(c["n_ul_bwp"])), ("frequency", ulf(c["c_gran"])), ("time", log2(c["ul_times"])),
        ("hopping", int(c["c_hop"] and c["ul_alloc"] != 0)), ("mcs", 5), ("ndi", 1), ("rv", c["c_rv"]), ("harq", c["c_harq"]),
        ("dai", 0 if not c["c_dai"] else 2 if c["dynamic"] else 1), ("dai_2", 2 if c["c_dai"] and c["dynamic"] and c["dl_cbg"] else 0), ("tpc", 2), ("sri", sri),
        ("precoding", prec), ("ports", ul_ports if c["c_ports"] else 0), ("srs_request", c["c_srs"]), ("csi_request", c["c_csi"]),
        ("ptrs_dmrs", 2 if c["ptrs"] and not one else 0), ("beta_offset", c["c_beta"]), ("n_scid", int(c["c_scid"] and not tp)), ("ul_sch", 1), ("priority", c["priority"])]
    dl_ports = DL_PORTS[c["dl_dmrs"], c["dl_len"]]
    f["1_1"] = [("id", 1), ("carrier", 3 * c["carrier"]), ("bwp", bwp(c["n_dl_bwp"])), ("frequency", dlf(1)), ("time", log2(c["dl_times"])),
        ("interleaved", int(c["interleaver"] and c["dl_alloc"] != 0)), ("prb_bundling", c["bundling"]), ("rate_matching", c["rate_match"]), ("zp_csi_rs", log2(c["zp"] + 1)),
        ("mcs", 5), ("ndi", 1), ("rv", 2), ("mcs2", 5 * c["second"]), ("ndi2", c["second"]), ("rv2", 2 * c["second"]), ("harq", 4), ("dai", 2 * c["dynamic"]),
        ("tpc", 2), ("pri", 3), ("k1", log2(c["k1"])), ("ports", dl_ports), ("tci", 3 * c["tci"]), ("srs_request", 2 + c["sul"]), ("cbgti", c["dl_cbg"]),
        ("cbgfi", int(c["dl_cbg"] > 0 and c["flush"])), ("n_scid", 1), ("priority", c["priority"])]
    f["1_2"] = [("id", 1), ("carrier", c["c_carrier"]), ("bwp", bwp(c["n_dl_bwp"])), ("frequency", dlf(c["c_gran"])), ("time", log2(c["dl_times"])),
        ("interleaved", int(c["c_int"] and c["dl_alloc"] != 0)), ("prb_bundling", c["c_bundling"]), ("rate_matching", c["rate_match"]), ("zp_csi_rs", log2(c["zp"] + 1)),
        ("mcs", 5), ("ndi", 1), ("rv", c["c_rv"]), ("harq", c["c_harq"]), ("dai", 2 * c["dynamic"] if c["c_dai"] else 0), ("tpc", 2), ("pri", c["c_pri"]),
        ("k1", log2(c["k1"])), ("ports", dl_ports if c["c_ports"] else 0), ("tci", c["c_tci"]), ("srs_request", c["c_srs"]), ("n_scid", c["c_scid"]), ("priority", c["priority"])]
    return f


def fallback(n_dl, n_ul, common):
    dl = [("id", 1), ("frequency", riv(n_dl)), ("time", 4), ("interleaved", 1), ("mcs", 5), ("ndi", 1), ("rv", 2), ("harq", 4), ("dai", 2), ("tpc", 2), ("pri", 3), ("k1", 3)]
    ul = [("id", 1), ("frequency", riv(n_ul)), ("time", 4), ("hopping", 1), ("mcs", 5), ("ndi", 1), ("rv", 2), ("harq", 4), ("tpc", 2)]
    a, b = sum(w for _, w in dl), sum(w for _, w in ul)
    if common and b > a:
        ul[1] = ("frequency", riv(n_ul) - (b - a))
    return dl, ul, a if common else max(a, b)


def align(c, f):
    """Sizes after TS 38.212 7.3.1.0, and the RBs of the UE-specific fallback formats."""
    total = lambda name: sum(w for _, w in f[name])
    *_, common = fallback(c["coreset0"], c["initial"], True)
    *_, own = fallback(c["dl"], c["ul"], False)
    s = {n: total(n) for n in f}
    s["own"], rbs = own, (c["dl"], c["ul"])

    def too_many():
        c_rnti = {common} | ({s["own"]} if c["fallback"] else set()) | {s["0_1"], s["1_1"]} | ({s["0_2"], s["1_2"]} if c["compact"] else set())
        return len(c_rnti) > 3

    if c["fallback"]:
        for n in ("0_1", "1_1"):
            s[n] += s[n] == own
    if too_many():
        for n in ("0_1", "1_1"):
            s[n] = total(n)
        s["own"], rbs = common, (c["coreset0"], c["initial"])
    if too_many():
        s["0_2"] = s["1_2"] = max(s["0_2"], s["1_2"])
    if too_many():
        s["0_1"] = s["1_1"] = max(s["0_1"], s["1_1"])
    return s, rbs, common


def main(out):
    for _ in range(LINES):
        c = configuration()
        f = widths(c)
        s, rbs, common = align(c, f)
        name = random.choice(["0_0", "1_0", "0_0u", "1_0u", "0_1", "1_1", "0_1", "1_1", "0_2", "1_2"])
        if name in ("0_0", "1_0"):
            dl, ul, size = fallback(c["coreset0"], c["initial"], True)
            fields = dl if name == "1_0" else ul
        elif name in ("0_0u", "1_0u"):
            dl, ul, _ = fallback(*rbs, rbs == (c["coreset0"], c["initial"]))
            fields, size = dl if name == "1_0u" else ul, s["own"]
        else:
            fields, size = f[name], s[name]
        bits, shown = "", []
        for field, w in fields:
            value = random.getrandbits(w) if w else 0
            if field == "id":
                value = int(name[0] == "1")
            if field == "frequency" and value == 2**w - 1:
                value -= 1
            bits += format(value, f"0{w}b") if w else ""
            shown.append(f"{field}={value}")
        assert len(bits) <= size, (name, len(bits), size)
        if size > 140:
            continue
        bits += "0" * (size - len(bits))
        out.write(";".join([",".join(f"{k}={v}" for k, v in c.items()), name, ",".join(shown), bits]) + "\n")


with open("dci.txt", "w") as out:
    main(out)
