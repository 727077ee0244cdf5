"""NAS messages by pycrate: vectors/nas.txt. Each with every optional element that this project's structs have.

Spec: TS 24.501 §8.2, §8.3. Message types, identifiers and formats are pycrate's; the values below are written by hand.
"""
from pycrate_mobile import TS24501_FGMM as M
from pycrate_mobile import TS24501_FGSM as S
from pycrate_mobile.NAS import parse_NAS5G

SUCI = "0100f110f0ff0101" + "0a" * 32 + "0102030405" + "0b" * 8
GUTI = "f200f110" + "02" + "0045" + "deadbeef"
STMSI = "f4" + "0045" + "deadbeef"
PCO = "80000d04080808080010020578"
R = {
    "FGMMRegistrationRequest": {"5GSRegType": 9, "NAS_KSI": 7, "5GSID": SUCI, "NonCurrentNativeNAS_KSI": 3, "5GMMCap": "07", "UESecCap": "f070f070",
        "NSSAI": "010104010a0b0c", "TAI": "00f110000007", "S1UENetCap": "f0f0", "ULDataStat": "0200",
        "PDUSessStat": "2200", "MICOInd": 1, "UEStatus": "01", "AddGUTI": GUTI, "UEUsage": "01", "5GSDRXParam": "02",
        "5GSUpdateType": "01", "NASContainer": "7e0041"},
    "FGMMRegistrationAccept": {"5GSRegResult": "01", "GUTI": GUTI, "EquivPLMNList": "99f907", "5GSTAIList": "0000f110000001",
        "AllowedNSSAI": "0101", "RejectedNSSAI": "10024101010203", "ConfiguredNSSAI": "010104010a0b0c", "5GSNetFeat": "0100",
        "PDUSessStat": "0200", "PDUSessReactResult": "0000", "PDUSessReactResultErr": "0143", "MICOInd": 1,
        "NetSlicingInd": 1, "T3512": "06", "Non3GPPDeregTimer": "21", "T3502": "2c", "5GSDRXParam": "02"},
    "FGMMRegistrationComplete": {"SORTransContainer": "01" + "00" * 16},
    "FGMMRegistrationReject": {"5GMMCause": "3e", "T3346": "21", "T3502": "2c", "RejectedNSSAI": "1002"},
    "FGMMMODeregistrationRequest": {"5GSID": GUTI},
    "FGMMMODeregistrationAccept": {},
    "FGMMMTDeregistrationRequest": {"5GMMCause": "0b", "T3346": "21", "RejectedNSSAI": "1002"},
    "FGMMMTDeregistrationAccept": {},
    "FGMMServiceRequest": {"5GSID": STMSI, "ULDataStat": "0200", "PDUSessStat": "0200", "AllowedPDUSessStat": "0000",
        "NASContainer": "7e004c"},
    "FGMMServiceAccept": {"PDUSessStat": "0200", "PDUSessReactResult": "0000", "PDUSessReactResultErr": "0143"},
    "FGMMServiceReject": {"5GMMCause": "09", "PDUSessStat": "0200", "T3346": "21"},
    "FGMMConfigurationUpdateCommand": {"ConfigUpdateInd": 1, "GUTI": GUTI, "5GSTAIList": "0000f110000001",
        "AllowedNSSAI": "0101", "NetFullName": "9000690072006f006e", "NetShortName": "90004600650046", "ConfiguredNSSAI": "0101",
        "RejectedNSSAI": "1002"},
    "FGMMConfigurationUpdateComplete": {},
    "FGMMAuthenticationRequest": {"ABBA": "0000", "RAND": "11" * 16, "AUTN": "22" * 16},
    "FGMMAuthenticationResponse": {"RES": "33" * 16},
    "FGMMAuthenticationReject": {},
    "FGMMAuthenticationFailure": {"5GMMCause": "15", "AUTS": "44" * 14},
    "FGMMIdentityRequest": {},
    "FGMMIdentityResponse": {"5GSID": SUCI},
    "FGMMSecurityModeCommand": {"NASSecAlgo": "22", "UESecCap": "f070", "IMEISVReq": 1, "EPSNASSecAlgo": "00",
        "Add5GSecInfo": "02", "ABBA": "0000", "S1UESecCap": "f070"},
    "FGMMSecurityModeComplete": {"IMEISV": "6521436587092143f5", "NASContainer": "7e0041", "PEI": "6b21436587092143"},
    "FGMMSecurityModeReject": {"5GMMCause": "17"},
    "FGMMStatus": {"5GMMCause": "61"},
    "FGMMULNASTransport": {"PayloadContainer": "2e0101c1ffff", "PDUSessID": "01", "OldPDUSessID": "02", "RequestType": 1,
        "SNSSAI": "010a0b0c", "DNN": "08696e7465726e6574", "AddInfo": "05"},
    "FGMMDLNASTransport": {"PayloadContainer": "2e0101c31b", "PDUSessID": "01", "AddInfo": "05", "5GMMCause": "5a",
        "BackOffTimer": "21"},
    "FGSMPDUSessionEstabRequest": {"PDUSessType": 3, "SSCMode": 1, "5GSMCap": "00", "MaxPktFilters": "0020",
        "AlwaysOnPDUSess": 1, "SMPDUDNReqContainer": "6162", "ExtProtConfig": PCO},
    "FGSMPDUSessionEstabAccept": {"QoSRules": "01000631310101ff01", "SessAMBR": "0603e80601f4", "5GSMCause": "32",
        "PDUAddress": "010a2d0002", "RQTimer": "21", "SNSSAI": "01", "AlwaysOnPDUSess": 1, "QoSFlowDesc": "012041010109",
        "ExtProtConfig": PCO, "DNN": "08696e7465726e6574", "5GSMNetFeat": "00"},
    "FGSMPDUSessionEstabReject": {"5GSMCause": "1b", "BackOffTimer": "21", "AllowedSSCMode": 1, "CongestReattemptInd": "01",
        "ExtProtConfig": PCO},
    "FGSMPDUSessionModifRequest": {"5GSMCap": "00", "5GSMCause": "1a", "MaxPktFilters": "0020", "AlwaysOnPDUSess": 1,
        "IntegrityProtMaxDataRate": "ffff", "QoSRules": "01000631310101ff01", "QoSFlowDesc": "012041010109",
        "ExtProtConfig": PCO},
    "FGSMPDUSessionModifReject": {"5GSMCause": "1a", "BackOffTimer": "21", "CongestReattemptInd": "01", "ExtProtConfig": PCO},
    "FGSMPDUSessionModifCommand": {"5GSMCause": "1a", "SessAMBR": "0603e80601f4", "RQTimer": "21", "AlwaysOnPDUSess": 1,
        "QoSRules": "01000631310101ff01", "QoSFlowDesc": "012041010109", "ExtProtConfig": PCO},
    "FGSMPDUSessionModifComplete": {"ExtProtConfig": PCO},
    "FGSMPDUSessionModifCommandReject": {"5GSMCause": "1a", "ExtProtConfig": PCO},
    "FGSMPDUSessionReleaseRequest": {"5GSMCause": "24", "ExtProtConfig": PCO},
    "FGSMPDUSessionReleaseReject": {"5GSMCause": "2b", "ExtProtConfig": PCO},
    "FGSMPDUSessionReleaseCommand": {"5GSMCause": "24", "BackOffTimer": "21", "CongestReattemptInd": "01",
        "ExtProtConfig": PCO, "AccessType": 1},
    "FGSMPDUSessionReleaseComplete": {"5GSMCause": "24", "ExtProtConfig": PCO},
    "FGSMStatus": {"5GSMCause": "2b"},
}


def main():
    rows = ["# message of pycrate, octets"]
    for name, fields in R.items():
        message = getattr(M if name.startswith("FGMM") else S, name)()
        values = {ie: {"V": v if isinstance(v, int) else bytes.fromhex(v)} for ie, v in fields.items()}
        assert set(values) <= {ie._name for ie in message._content}, name
        message.set_val(values)
        for ie in message._content:
            if ie._name in values:
                ie.set_trans(False)
        octets = message.to_bytes()
        again, error = parse_NAS5G(octets, inner=True)
        assert error == 0 and again.to_bytes() == octets, (name, error)
        rows.append(f"{name} {octets.hex()}")
    open("vectors/nas.txt", "w").write("\n".join(rows) + "\n")


main()
