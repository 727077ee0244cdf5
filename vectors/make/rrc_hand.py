"""Makes vectors/rrc_hand.txt: messages of one cell with known values by pycrate (TS 38.331 Release 18), as `type hex` lines.

crates/rrc/tests/values.rs checks the values. Use: python vectors/make/rrc_hand.py > vectors/rrc_hand.txt
"""
from pycrate_asn1dir import RRCNR

D = RRCNR.NR_RRC_Definitions


def uper(name, value):
    o = getattr(D, name.replace("-", "_"))
    o.set_val(value)
    return o.to_uper()


def show(name, value):
    print(name, uper(name, value).hex())


def mib():
    show("BCCH-BCH-Message", {"message": ("mib", {
        "systemFrameNumber": (0b101101, 6), "subCarrierSpacingCommon": "scs30or120", "ssb-SubcarrierOffset": 6,
        "dmrs-TypeA-Position": "pos3", "pdcch-ConfigSIB1": {"controlResourceSetZero": 10, "searchSpaceZero": 4},
        "cellBarred": "notBarred", "intraFreqReselection": "allowed", "spare": (0, 1)})})


def sib1():
    space = {
        "searchSpaceId": 1, "controlResourceSetId": 0, "monitoringSlotPeriodicityAndOffset": ("sl10", 3), "duration": 2,
        "monitoringSymbolsWithinSlot": (0b10000000000000, 14),
        "nrofCandidates": {"aggregationLevel1": "n0", "aggregationLevel2": "n0", "aggregationLevel4": "n4",
                           "aggregationLevel8": "n2", "aggregationLevel16": "n1"},
        "searchSpaceType": ("common", {"dci-Format0-0-AndFormat1-0": {}})}
    bwp = {"locationAndBandwidth": 13750, "subcarrierSpacing": "kHz30"}
    scs = {"offsetToCarrier": 2, "subcarrierSpacing": "kHz30", "carrierBandwidth": 51}
    downlink = {
        "frequencyInfoDL": {"frequencyBandList": [{"freqBandIndicatorNR": 78}], "offsetToPointA": 24,
                            "scs-SpecificCarrierList": [scs]},
        "initialDownlinkBWP": {
            "genericParameters": bwp,
            "pdcch-ConfigCommon": ("setup", {
                "controlResourceSetZero": 10, "searchSpaceZero": 4, "commonSearchSpaceList": [space], "searchSpaceSIB1": 0,
                "searchSpaceOtherSystemInformation": 1, "pagingSearchSpace": 1, "ra-SearchSpace": 1}),
            "pdsch-ConfigCommon": ("setup", {"pdsch-TimeDomainAllocationList": [
                {"mappingType": "typeA", "startSymbolAndLength": 40},
                {"k0": 3, "mappingType": "typeB", "startSymbolAndLength": 57}]})},
        "bcch-Config": {"modificationPeriodCoeff": "n4"},
        "pcch-Config": {"defaultPagingCycle": "rf128", "nAndPagingFrameOffset": ("quarterT", 3), "ns": "two"}}
    uplink = {
        "frequencyInfoUL": {"frequencyBandList": [{"freqBandIndicatorNR": 78}], "scs-SpecificCarrierList": [scs], "p-Max": 23},
        "initialUplinkBWP": {
            "genericParameters": bwp,
            "rach-ConfigCommon": ("setup", {
                "rach-ConfigGeneric": {
                    "prach-ConfigurationIndex": 148, "msg1-FDM": "one", "msg1-FrequencyStart": 17,
                    "zeroCorrelationZoneConfig": 12, "preambleReceivedTargetPower": -104, "preambleTransMax": "n10",
                    "powerRampingStep": "dB4", "ra-ResponseWindow": "sl20"},
                "ssb-perRACH-OccasionAndCB-PreamblesPerSSB": ("one", "n48"), "ra-ContentionResolutionTimer": "sf56",
                "rsrp-ThresholdSSB": 19, "prach-RootSequenceIndex": ("l139", 77), "msg1-SubcarrierSpacing": "kHz30",
                "restrictedSetConfig": "unrestrictedSet"}),
            "pusch-ConfigCommon": ("setup", {
                "pusch-TimeDomainAllocationList": [{"k2": 4, "mappingType": "typeA", "startSymbolAndLength": 27}],
                "msg3-DeltaPreamble": 3, "p0-NominalWithGrant": -92}),
            "pucch-ConfigCommon": ("setup", {"pucch-ResourceCommon": 11, "pucch-GroupHopping": "neither", "hoppingId": 513,
                                             "p0-nominal": -98})},
        "timeAlignmentTimerCommon": "infinity"}
    show("BCCH-DL-SCH-Message", {"message": ("c1", ("systemInformationBlockType1", {
        "cellSelectionInfo": {"q-RxLevMin": -62, "q-QualMin": -19},
        "cellAccessRelatedInfo": {"plmn-IdentityInfoList": [{
            "plmn-IdentityList": [{"mcc": [9, 9, 9], "mnc": [7, 0]}], "trackingAreaCode": (0xABCDE, 24),
            "cellIdentity": (0x123456789, 36), "cellReservedForOperatorUse": "notReserved"}]},
        "connEstFailureControl": {"connEstFailCount": "n3", "connEstFailOffsetValidity": "s240", "connEstFailOffset": 5},
        "servingCellConfigCommon": {
            "downlinkConfigCommon": downlink, "uplinkConfigCommon": uplink, "n-TimingAdvanceOffset": "n25600",
            "ssb-PositionsInBurst": {"inOneGroup": (0b10100000, 8)}, "ssb-PeriodicityServingCell": "ms20",
            "tdd-UL-DL-ConfigurationCommon": {
                "referenceSubcarrierSpacing": "kHz30",
                "pattern1": {"dl-UL-TransmissionPeriodicity": "ms2p5", "nrofDownlinkSlots": 3, "nrofDownlinkSymbols": 10,
                             "nrofUplinkSlots": 1, "nrofUplinkSymbols": 2}},
            "ss-PBCH-BlockPower": -16},
        "ue-TimersAndConstants": {"t300": "ms1000", "t301": "ms400", "t310": "ms2000", "n310": "n10", "t311": "ms3000",
                                  "n311": "n1", "t319": "ms1500"}}))})


def cell_group():
    am = {"ul-AM-RLC": {"sn-FieldLength": "size18", "t-PollRetransmit": "ms45", "pollPDU": "p16", "pollByte": "kB500",
                        "maxRetxThreshold": "t32"},
          "dl-AM-RLC": {"sn-FieldLength": "size12", "t-Reassembly": "ms35", "t-StatusProhibit": "ms15"}}
    pucch = {
        "resourceSetToAddModList": [{"pucch-ResourceSetId": 0, "resourceList": [0, 1]},
                                    {"pucch-ResourceSetId": 1, "resourceList": [2], "maxPayloadSize": 64}],
        "resourceToAddModList": [
            {"pucch-ResourceId": 0, "startingPRB": 50, "format": ("format0", {
                "initialCyclicShift": 7, "nrofSymbols": 2, "startingSymbolIndex": 12})},
            {"pucch-ResourceId": 2, "startingPRB": 1, "secondHopPRB": 49, "format": ("format2", {
                "nrofPRBs": 3, "nrofSymbols": 1, "startingSymbolIndex": 13})}],
        "format2": ("setup", {"maxCodeRate": "zeroDot25", "simultaneousHARQ-ACK-CSI": "true"}),
        "schedulingRequestResourceToAddModList": [{"schedulingRequestResourceId": 1, "schedulingRequestID": 0,
                                                   "periodicityAndOffset": ("sl40", 9), "resource": 1}],
        "dl-DataToUL-ACK": [4, 5, 6, 15]}
    space = {
        "searchSpaceId": 2, "controlResourceSetId": 1, "monitoringSlotPeriodicityAndOffset": ("sl1", 0),
        "monitoringSymbolsWithinSlot": (0b11000000000000, 14),
        "nrofCandidates": {"aggregationLevel1": "n8", "aggregationLevel2": "n6", "aggregationLevel4": "n5",
                           "aggregationLevel8": "n3", "aggregationLevel16": "n2"},
        "searchSpaceType": ("ue-Specific", {"dci-Formats": "formats0-1-And-1-1"})}
    serving = {
        "initialDownlinkBWP": {
            "pdcch-Config": ("setup", {
                "controlResourceSetToAddModList": [{
                    "controlResourceSetId": 1, "frequencyDomainResources": ((0xFF << 37), 45), "duration": 2,
                    "cce-REG-MappingType": ("interleaved", {"reg-BundleSize": "n6", "interleaverSize": "n3", "shiftIndex": 274}),
                    "precoderGranularity": "sameAsREG-bundle", "pdcch-DMRS-ScramblingID": 60001}],
                "searchSpacesToAddModList": [space]}),
            "pdsch-Config": ("setup", {
                "dataScramblingIdentityPDSCH": 1000, "resourceAllocation": "resourceAllocationType1", "rbg-Size": "config2",
                "mcs-Table": "qam256", "prb-BundlingType": ("staticBundling", {"bundleSize": "wideband"})})},
        "firstActiveDownlinkBWP-Id": 0,
        "uplinkConfig": {
            "initialUplinkBWP": {
                "pucch-Config": ("setup", pucch),
                "pusch-Config": ("setup", {
                    "txConfig": "codebook",
                    "pusch-PowerControl": {"msg3-Alpha": "alpha08", "p0-AlphaSets": [
                        {"p0-PUSCH-AlphaSetId": 0, "p0": -6, "alpha": "alpha1"}]},
                    "resourceAllocation": "resourceAllocationType1", "mcs-Table": "qam256", "codebookSubset": "nonCoherent",
                    "maxRank": 1, "uci-OnPUSCH": ("setup", {
                        "betaOffsets": ("semiStatic", {"betaOffsetACK-Index1": 9, "betaOffsetACK-Index2": 8,
                                                       "betaOffsetACK-Index3": 7, "betaOffsetCSI-Part1-Index1": 6,
                                                       "betaOffsetCSI-Part1-Index2": 5, "betaOffsetCSI-Part2-Index1": 4,
                                                       "betaOffsetCSI-Part2-Index2": 3}),
                        "scaling": "f0p8"})})},
            "firstActiveUplinkBWP-Id": 0, "pusch-ServingCellConfig": ("setup", {
                "rateMatching": "limitedBufferRM", "xOverhead": "xoh12", "maxMIMO-Layers": 2})},
        "pdsch-ServingCellConfig": ("setup", {"nrofHARQ-ProcessesForPDSCH": "n16", "maxMIMO-Layers": 4}),
        "csi-MeasConfig": ("setup", {
            "nzp-CSI-RS-ResourceToAddModList": [{
                "nzp-CSI-RS-ResourceId": 3,
                "resourceMapping": {"frequencyDomainAllocation": ("row1", (0b0100, 4)), "nrofPorts": "p1",
                                    "firstOFDMSymbolInTimeDomain": 8, "cdm-Type": "noCDM", "density": ("three", 0),
                                    "freqBand": {"startingRB": 4, "nrofRBs": 52}},
                "powerControlOffset": -8, "powerControlOffsetSS": "db3", "scramblingID": 1023,
                "periodicityAndOffset": ("slots80", 41), "qcl-InfoPeriodicCSI-RS": 5}]}),
        "tag-Id": 2}
    return uper("CellGroupConfig", {
        "cellGroupId": 0,
        "rlc-BearerToAddModList": [
            {"logicalChannelIdentity": 4, "servedRadioBearer": ("drb-Identity", 1), "rlc-Config": ("am", am),
             "mac-LogicalChannelConfig": {"ul-SpecificParameters": {
                 "priority": 12, "prioritisedBitRate": "kBps256", "bucketSizeDuration": "ms150", "logicalChannelGroup": 5,
                 "schedulingRequestID": 0, "logicalChannelSR-Mask": True, "logicalChannelSR-DelayTimerApplied": False}}}],
        "mac-CellGroupConfig": {
            "schedulingRequestConfig": {"schedulingRequestToAddModList": [
                {"schedulingRequestId": 0, "sr-ProhibitTimer": "ms16", "sr-TransMax": "n64"}]},
            "bsr-Config": {"periodicBSR-Timer": "sf20", "retxBSR-Timer": "sf320"},
            "tag-Config": {"tag-ToAddModList": [{"tag-Id": 2, "timeAlignmentTimer": "ms10240"}]},
            "phr-Config": ("setup", {"phr-PeriodicTimer": "sf200", "phr-ProhibitTimer": "sf100",
                                     "phr-Tx-PowerFactorChange": "dB6", "multiplePHR": False, "dummy": True,
                                     "phr-Type2OtherCell": False, "phr-ModeOtherCG": "virtual"}),
            "skipUplinkTxDynamic": True, "dataInactivityTimer": ("setup", "s60")},
        "physicalCellGroupConfig": {"p-NR-FR1": -3, "pdsch-HARQ-ACK-Codebook": "dynamic"},
        "spCellConfig": {"servCellIndex": 0, "rlf-TimersAndConstants": ("setup", {
            "t310": "ms4000", "n310": "n20", "n311": "n10", "t311": "ms15000"}),
            "spCellConfigDedicated": serving}})


def messages():
    show("DL-CCCH-Message", {"message": ("c1", ("rrcSetup", {
        "rrc-TransactionIdentifier": 2, "criticalExtensions": ("rrcSetup", {
            "radioBearerConfig": {"srb-ToAddModList": [{"srb-Identity": 1}]}, "masterCellGroup": cell_group()})}))})
    show("DL-DCCH-Message", {"message": ("c1", ("rrcReconfiguration", {
        "rrc-TransactionIdentifier": 3, "criticalExtensions": ("rrcReconfiguration", {
            "radioBearerConfig": {
                "drb-ToAddModList": [{
                    "cnAssociation": ("sdap-Config", {
                        "pdu-Session": 200, "sdap-HeaderDL": "absent", "sdap-HeaderUL": "present", "defaultDRB": True,
                        "mappedQoS-FlowsToAdd": [9, 63]}),
                    "drb-Identity": 32,
                    "pdcp-Config": {"drb": {"discardTimer": "ms750", "pdcp-SN-SizeUL": "len18bits",
                                            "pdcp-SN-SizeDL": "len12bits", "headerCompression": ("notUsed", 0),
                                            "integrityProtection": "enabled", "statusReportRequired": "true"},
                                    "t-Reordering": "ms220"}}],
                "securityConfig": {"securityAlgorithmConfig": {"cipheringAlgorithm": "nea2",
                                                               "integrityProtAlgorithm": "nia3"},
                                   "keyToUse": "master"}},
            "nonCriticalExtension": {"masterCellGroup": cell_group(), "fullConfig": "true",
                                     "dedicatedNAS-MessageList": [bytes.fromhex("7e0042"), bytes(200)]}})}))})
    show("UL-CCCH-Message", {"message": ("c1", ("rrcSetupRequest", {"rrcSetupRequest": {
        "ue-Identity": ("randomValue", (0x5A5A5A5A5A, 39)), "establishmentCause": "mo-Signalling", "spare": (0, 1)}}))})
    show("UL-CCCH-Message", {"message": ("c1", ("rrcReestablishmentRequest", {"rrcReestablishmentRequest": {
        "ue-Identity": {"c-RNTI": 17921, "physCellId": 1007, "shortMAC-I": (0xBEEF, 16)},
        "reestablishmentCause": "otherFailure", "spare": (0, 1)}}))})
    show("UL-DCCH-Message", {"message": ("c1", ("measurementReport", {"criticalExtensions": ("measurementReport", {
        "measResults": {"measId": 7, "measResultServingMOList": [{"servCellId": 0, "measResultServingCell": {
            "physCellId": 500, "measResult": {"cellResults": {"resultsSSB-Cell": {"rsrp": 80, "rsrq": 65, "sinr": 90}}}}}]}})}))})


def capability():
    mimo = {"pdcp-Parameters": {
        "supportedROHC-Profiles": {f"profile0x{p}": p in ("0000", "0102") for p in
                                   ["0000", "0001", "0002", "0003", "0004", "0006", "0101", "0102", "0103", "0104"]},
        "maxNumberROHC-ContextSessions": "cs16", "shortSN": "supported"}}
    show("UE-NR-Capability", {
        "accessStratumRelease": "rel17", **mimo,
        "rlc-Parameters": {"am-WithShortSN": "supported", "um-WithLongSN": "supported"},
        "phy-Parameters": {"phy-ParametersCommon": {"dynamicHARQ-ACK-Codebook": "supported"},
                           "phy-ParametersFR1": {"pdsch-256QAM-FR1": "supported"}},
        "rf-Parameters": {
            "supportedBandListNR": [
                {"bandNR": 3, "ue-PowerClass": "pc3"},
                {"bandNR": 78, "pusch-256QAM": "supported", "channelBWs-DL": ("fr1", {"scs-30kHz": (0b1100000001, 10)}),
                 "channelBWs-DL-v1590": ("fr1", {"scs-30kHz": (0x8001, 16)})}],
            "supportedBandCombinationList": [{"bandList": [("nr", {"bandNR": 78, "ca-BandwidthClassDL-NR": "a",
                                                                   "ca-BandwidthClassUL-NR": "a"})],
                                              "featureSetCombination": 0}]},
        "featureSets": {
            "featureSetsDownlink": [{"featureSetListPerDownlinkCC": [1]}],
            "featureSetsDownlinkPerCC": [{"supportedSubcarrierSpacingDL": "kHz30", "supportedBandwidthDL": ("fr1", "mhz100"),
                                          "maxNumberMIMO-LayersPDSCH": "fourLayers", "supportedModulationOrderDL": "qam256"}],
            "featureSetsUplink": [{"featureSetListPerUplinkCC": [1]}],
            "featureSetsUplinkPerCC": [{"supportedSubcarrierSpacingUL": "kHz15", "supportedBandwidthUL": ("fr1", "mhz20"),
                                        "maxNumberMIMO-LayersNonCB-PUSCH": "twoLayers",
                                        "supportedModulationOrderUL": "qam64"}]},
        "featureSetCombinations": [[[("nr", {"downlinkSetNR": 1, "uplinkSetNR": 1})]]]})


mib()
sib1()
messages()
capability()
