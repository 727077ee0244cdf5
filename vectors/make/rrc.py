"""Makes vectors/rrc.txt: messages of TS 38.331 (Release 18) by pycrate, as `type hex hash` lines.

Random values of every message, and of the larger information elements, extensions of Release 16 to 18 included. The hash is FNV-1a
over the values in the message in their order, joined by commas: numbers (bit strings too, octets one by one), and names of ENUMERATED;
what is false, NULL or absent is left out, `enabled` and `supported` are `true`.
Use: python vectors/make/rrc.py [seed] [a message] [an element] > vectors/rrc.txt
"""
import random
import sys

from pycrate_asn1dir import RRCNR

MODULES = [RRCNR.NR_RRC_Definitions, RRCNR.NR_InterNodeDefinitions, RRCNR.NR_UE_Variables]

CLASSES = [  # type, path to the CHOICE of messages
    ("BCCH-BCH-Message", ["message"]),
    ("BCCH-DL-SCH-Message", ["message", "c1"]),
    ("PCCH-Message", ["message", "c1"]),
    ("DL-CCCH-Message", ["message", "c1"]),
    ("DL-DCCH-Message", ["message", "c1"]),
    ("UL-CCCH-Message", ["message", "c1"]),
    ("UL-CCCH1-Message", ["message", "c1"]),
    ("UL-DCCH-Message", ["message", "c1"]),
]
ELEMENTS = """SIB1 ServingCellConfigCommonSIB CellGroupConfig SpCellConfig ServingCellConfig ServingCellConfigCommon
 BWP-DownlinkCommon BWP-UplinkCommon RACH-ConfigCommon PDCCH-Config PDSCH-Config PUCCH-Config PUSCH-Config SRS-Config CSI-MeasConfig
 CSI-ReportConfig RLC-BearerConfig MAC-CellGroupConfig PhysicalCellGroupConfig RadioBearerConfig PDCP-Config MeasConfig
 MeasObjectNR ReportConfigNR MeasResults UE-NR-Capability RF-Parameters BandNR BandCombination FeatureSets Phy-Parameters
 MAC-Parameters UE-CapabilityRequestFilterNR UERadioAccessCapabilityInformation VarShortMAC-Input""".split()


def find(name):
    for module in MODULES:
        if name in module._obj_:
            return getattr(module, name.replace("-", "_"))
    raise KeyError(name)


SHOW = "--values" in sys.argv  # the values instead of their hash


class Values:
    """Random values. `p`: chance of an OPTIONAL, halved by depth; `most`: longest list or string."""

    def __init__(self, rng, p, most):
        self.rng, self.p, self.most = rng, p, most
        self.extend = rng.random() < 0.5

    def size(self, o):
        lb, ub = (0, self.most) if o._const_sz is None else (o._const_sz.lb, o._const_sz.ub)
        ub = lb + self.most if ub is None else ub
        return self.rng.randint(lb, max(lb, min(ub, lb + self.rng.randint(0, self.most))))

    def value(self, o, depth=0):
        return getattr(self, "v_" + o.TYPE.replace(" ", "_"))(o, depth)

    def v_BOOLEAN(self, o, _):
        return self.rng.random() < 0.5

    def v_NULL(self, o, _):
        return 0

    def v_INTEGER(self, o, _):
        if o._const_val is None:
            return self.rng.randint(-70000, 70000)
        lb, ub = o._const_val.lb, o._const_val.ub
        return self.rng.choice([lb, ub, self.rng.randint(lb, ub), self.rng.randint(lb, ub)])

    def v_ENUMERATED(self, o, _):
        if o._ext and self.extend and self.rng.random() < 0.3:
            return self.rng.choice(o._ext)
        return self.rng.choice(o._root)

    def v_BIT_STRING(self, o, depth):
        if o._const_cont is not None:
            return (o._const_cont._typeref.called[1], self.value(o._const_cont, depth + 1))
        n = self.size(o)
        return (self.rng.getrandbits(n) if n else 0, n)

    def v_OCTET_STRING(self, o, _):
        return self.rng.randbytes(self.size(o))

    def v_SEQUENCE_OF(self, o, depth):
        return [self.value(o._cont, depth + 1) for _ in range(self.size(o))]

    def v_CHOICE(self, o, depth):
        names = list(o._root)
        if o._ext and self.extend and self.rng.random() < 0.3:
            names = list(o._ext)
        name = self.rng.choice(names)
        return (name, self.value(o._cont[name], depth + 1))

    def v_SEQUENCE(self, o, depth):
        chance = self.p * 0.93**depth
        out = {}
        for name in o._root:
            c = o._cont[name]
            if not (c._opt or c._def is not None) or self.rng.random() < chance:
                out[name] = self.value(c, depth + 1)
        if o._ext and self.extend and self.rng.random() < chance:
            for group in {o._ext_ident.get(name) for name in o._ext} if o._ext_ident else set():
                if self.rng.random() >= chance:
                    continue
                for name in o._ext:
                    c = o._cont[name]
                    if o._ext_ident.get(name) == group and (
                        not (c._opt or c._def is not None) or self.rng.random() < chance
                    ):
                        out[name] = self.value(c, depth + 1)
        return out


def at(o, path):
    for step in path:
        o = o._cont[step]
    return o


def wrap(path, value):
    for step in reversed(path[1:]):
        value = (step, value)
    return {path[0]: value}


def leaves(o, value, out):
    match o.TYPE:
        case "SEQUENCE":
            for name, c in o._cont.items():
                if name in value and value[name] != c._def:
                    leaves(c, value[name], out)
        case "CHOICE":
            leaves(o._cont[value[0]], value[1], out)
        case "SEQUENCE OF":
            for item in value:
                leaves(o._cont, item, out)
        case "BIT STRING" if value[1] <= 64:
            out.append(str(value[0]))
        case "BIT STRING":
            out.append(f"{value[1]}'" + (value[0] << -value[1] % 8).to_bytes((value[1] + 7) // 8, "big").hex())
        case "OCTET STRING":
            out.extend(str(octet) for octet in value)
        case "BOOLEAN":
            out.extend(["true"] * value)
        case "NULL" if o._opt:
            out.append("true")
        case "ENUMERATED":
            out.append("true" if value in ("enabled", "supported") else value)
        case "INTEGER":
            out.append(str(value))


def fnv(text):
    h = 0xCBF29CE484222325
    for octet in text.encode():
        h = (h ^ octet) * 0x100000001B3 % 2**64
    return h


def encode(o, value):
    """The message and the hash of its values."""
    o.set_val(value)
    out = []
    leaves(o, value, out)
    if SHOW:
        return o.to_uper(), ",".join(out)
    return o.to_uper(), f"{fnv(','.join(out)):016x}"


def some(rng, make, count, largest):
    """`count` different encodings of at most `largest` octets, small and large ones mixed."""
    found, tries = [], 0
    while len(found) < count and tries < 60 * count:
        tries += 1
        values = Values(rng, rng.choice([0.1, 0.3, 0.5, 0.7, 0.95]), rng.choice([1, 2, 4, 8]))
        message = make(values)
        if len(message[0]) <= largest and message not in found:
            found.append(message)
    return found


def main():
    numbers = [int(arg) for arg in sys.argv[1:] if arg.isdigit()]
    seed, per_message, per_element = numbers + [38331, 3, 8][len(numbers):]
    rng = random.Random(seed)
    for name, path in CLASSES:
        o = find(name)
        choice = at(o, path)
        for message in choice._root:
            if message.startswith("spare"):
                continue

            def make(values, message=message):
                return encode(o, wrap(path, (message, values.value(choice._cont[message], 2))))

            for octets, values in some(rng, make, per_message, 400):
                print(name, octets.hex(), values)
    c2 = ["message", "messageClassExtension", "c2"]
    o = find("UL-DCCH-Message")
    for message in at(o, c2)._root:
        if not message.startswith("spare"):

            def make2(values, message=message):
                return encode(o, wrap(c2, (message, values.value(at(o, c2)._cont[message], 3))))

            for octets, values in some(rng, make2, 1, 120):
                print("UL-DCCH-Message", octets.hex(), values)
    for name in ELEMENTS:
        for octets, values in some(rng, lambda v, o=find(name): encode(o, v.value(o)), per_element, 600):
            print(name, octets.hex(), values)


main()
