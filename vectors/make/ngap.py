"""NGAP messages by pycrate's aligned PER: vectors/ngap.txt. Values written by hand; nothing comes from the code under test.

Spec: TS 38.413 §9.2, §9.3, §9.4
"""
from pycrate_asn1dir import NGAP

PDU = NGAP.NGAP_PDU_Descriptions.NGAP_PDU
PLMN = bytes.fromhex("00f110")
SLICE = {"sST": b"\x01", "sD": b"\x01\x02\x03"}
PLAIN = {"sST": b"\x01"}
AMF, RAN = 0x123456789A, 77
NAS = bytes.fromhex("7e005b01")
LOCATION = ("userLocationInformationNR", {
    "nR-CGI": {"pLMNIdentity": PLMN, "nRCellIdentity": (0x123456789, 36)},
    "tAI": {"pLMNIdentity": PLMN, "tAC": b"\x00\x01\x07"}})
GUAMI = {"pLMNIdentity": PLMN, "aMFRegionID": (2, 8), "aMFSetID": (1, 10), "aMFPointer": (5, 6)}


def tunnel(address, teid):
    return ("gTPTunnel", {"transportLayerAddress": (int.from_bytes(address, "big"), 32), "gTP-TEID": teid})


def ies(*rows):
    return {"protocolIEs": [{"id": i, "criticality": c, "value": (t, v)} for i, c, t, v in rows]}


def ids(extra=(), criticality="reject"):
    return ies((10, criticality, "AMF-UE-NGAP-ID", AMF), (85, criticality, "RAN-UE-NGAP-ID", RAN), *extra)


def pdu(kind, code, criticality, name, value):
    PDU.set_val((kind, {"procedureCode": code, "criticality": criticality, "value": (name, value)}))
    return PDU.to_aper()


SETUP = ies(
    (130, "reject", "PDUSessionAggregateMaximumBitRate", {"pDUSessionAggregateMaximumBitRateDL": 10**9,
                                                          "pDUSessionAggregateMaximumBitRateUL": 2 * 10**8}),
    (139, "reject", "UPTransportLayerInformation", tunnel(bytes([10, 53, 1, 2]), bytes.fromhex("11223344"))),
    (134, "reject", "PDUSessionType", "ipv4v6"),
    (138, "reject", "SecurityIndication", {"integrityProtectionIndication": "required",
                                           "confidentialityProtectionIndication": "preferred",
                                           "maximumIntegrityProtectedDataRate-UL": "maximum-UE-rate"}),
    (136, "reject", "QosFlowSetupRequestList", [{
        "qosFlowIdentifier": 1,
        "qosFlowLevelQosParameters": {
            "qosCharacteristics": ("nonDynamic5QI", {"fiveQI": 9}),
            "allocationAndRetentionPriority": {"priorityLevelARP": 8,
                                               "pre-emptionCapability": "shall-not-trigger-pre-emption",
                                               "pre-emptionVulnerability": "not-pre-emptable"}}}]))
RESPONSE = {"dLQosFlowPerTNLInformation": {
    "uPTransportLayerInformation": tunnel(bytes([10, 53, 1, 1]), b"\x00\x00\x00\x09"),
    "associatedQosFlowList": [{"qosFlowIdentifier": 1}]}}
FAILED = {"cause": ("radioNetwork", "radio-resources-not-available")}


def main():
    slices = [{"s-NSSAI": PLAIN}, {"s-NSSAI": SLICE}]
    rows = {
        "NG Setup Request": pdu("initiatingMessage", 21, "reject", "NGSetupRequest", ies(
            (27, "reject", "GlobalRANNodeID", ("globalGNB-ID", {"pLMNIdentity": PLMN, "gNB-ID": ("gNB-ID", (0x12345, 24))})),
            (82, "ignore", "RANNodeName", "ironcell"),
            (102, "reject", "SupportedTAList", [{"tAC": b"\x00\x00\x07", "broadcastPLMNList": [
                {"pLMNIdentity": PLMN, "tAISliceSupportList": slices}]}]),
            (21, "ignore", "PagingDRX", "v128"))),
        "NG Setup Response": pdu("successfulOutcome", 21, "reject", "NGSetupResponse", ies(
            (1, "reject", "AMFName", "amf"),
            (96, "reject", "ServedGUAMIList", [{"gUAMI": GUAMI}]),
            (86, "ignore", "RelativeAMFCapacity", 255),
            (80, "reject", "PLMNSupportList", [{"pLMNIdentity": PLMN, "sliceSupportList": slices}]))),
        "Initial UE Message": pdu("initiatingMessage", 15, "ignore", "InitialUEMessage", ies(
            (85, "reject", "RAN-UE-NGAP-ID", RAN), (38, "reject", "NAS-PDU", NAS),
            (121, "reject", "UserLocationInformation", LOCATION),
            (90, "ignore", "RRCEstablishmentCause", "mo-Signalling"),
            (26, "reject", "FiveG-S-TMSI", {"aMFSetID": (1, 10), "aMFPointer": (5, 6), "fiveG-TMSI": bytes.fromhex("deadbeef")}),
            (112, "ignore", "UEContextRequest", "requested"))),
        "Downlink NAS Transport": pdu("initiatingMessage", 4, "ignore", "DownlinkNASTransport", ids(
            [(38, "reject", "NAS-PDU", NAS)])),
        "Uplink NAS Transport": pdu("initiatingMessage", 46, "ignore", "UplinkNASTransport", ids(
            [(38, "reject", "NAS-PDU", NAS), (121, "ignore", "UserLocationInformation", LOCATION)])),
        "Initial Context Setup Request": pdu("initiatingMessage", 14, "reject", "InitialContextSetupRequest", ids([
            (110, "reject", "UEAggregateMaximumBitRate", {"uEAggregateMaximumBitRateDL": 10**9,
                                                          "uEAggregateMaximumBitRateUL": 2 * 10**8}),
            (28, "reject", "GUAMI", GUAMI),
            (71, "reject", "PDUSessionResourceSetupListCxtReq", [{
                "pDUSessionID": 1, "nAS-PDU": bytes.fromhex("7e02010203"), "s-NSSAI": SLICE,
                "pDUSessionResourceSetupRequestTransfer": ("PDUSessionResourceSetupRequestTransfer", SETUP)}]),
            (0, "reject", "AllowedNSSAI", slices),
            (119, "reject", "UESecurityCapabilities", {
                "nRencryptionAlgorithms": (0xE000, 16), "nRintegrityProtectionAlgorithms": (0xE000, 16),
                "eUTRAencryptionAlgorithms": (0, 16), "eUTRAintegrityProtectionAlgorithms": (0, 16)}),
            (94, "reject", "SecurityKey", (int.from_bytes(bytes(range(32)), "big"), 256)),
            (117, "ignore", "UERadioCapability", b"\x04\x01\x02"),
            (38, "ignore", "NAS-PDU", NAS)])),
        "PDU Session Resource Setup Response": pdu(
            "successfulOutcome", 29, "reject", "PDUSessionResourceSetupResponse", ids([
                (75, "ignore", "PDUSessionResourceSetupListSURes", [{
                    "pDUSessionID": 1,
                    "pDUSessionResourceSetupResponseTransfer": ("PDUSessionResourceSetupResponseTransfer", RESPONSE)}]),
                (58, "ignore", "PDUSessionResourceFailedToSetupListSURes", [{
                    "pDUSessionID": 2,
                    "pDUSessionResourceSetupUnsuccessfulTransfer": ("PDUSessionResourceSetupUnsuccessfulTransfer", FAILED)}])],
                "ignore")),
        "UE Context Release Request": pdu("initiatingMessage", 42, "ignore", "UEContextReleaseRequest", ids([
            (133, "reject", "PDUSessionResourceListCxtRelReq", [{"pDUSessionID": 1}]),
            (15, "ignore", "Cause", ("radioNetwork", "radio-connection-with-ue-lost"))])),
        "UE Context Release Command": pdu("initiatingMessage", 41, "reject", "UEContextReleaseCommand", ies(
            (114, "reject", "UE-NGAP-IDs", ("uE-NGAP-ID-pair", {"aMF-UE-NGAP-ID": AMF, "rAN-UE-NGAP-ID": RAN})),
            (15, "ignore", "Cause", ("nas", "deregister")))),
        "Paging": pdu("initiatingMessage", 24, "ignore", "Paging", ies(
            (115, "ignore", "UEPagingIdentity", ("fiveG-S-TMSI", {
                "aMFSetID": (1, 10), "aMFPointer": (5, 6), "fiveG-TMSI": bytes.fromhex("deadbeef")})),
            (50, "ignore", "PagingDRX", "v64"),
            (103, "ignore", "TAIListForPaging", [{"tAI": {"pLMNIdentity": PLMN, "tAC": b"\x00\x01\x07"}}]))),
    }
    lines = ["# message, octets"] + [f"{name.replace(' ', '_')} {octets.hex()}" for name, octets in rows.items()]
    open("vectors/ngap.txt", "w").write("\n".join(lines) + "\n")


main()
