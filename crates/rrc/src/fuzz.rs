//! What every decoder of this crate must stand: for fuzz targets and for tests.

use crate::*;

/// What can be done with octets of one type.
struct Type {
    again: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
    describe: fn(&[u8]) -> Result<String, DecodeError>,
}

impl Type {
    const fn of<T: Codec + core::fmt::Debug>() -> Self {
        Self { again: again::<T>, describe: |octets| decode::<T>(octets).map(|value| format!("{value:?}")) }
    }
}

/// Decodes `octets` as the type with this name in the specification, and encodes the value.
///
/// None: the type is not among those that peers send, or that tests name. The result's error is that of the decoder.
///
/// # Panics
/// If a decoded value has no encoding, or one that decodes to something else: both would be a bug of this crate.
pub fn transcode(name: &str, octets: &[u8]) -> Option<Result<Vec<u8>, DecodeError>> {
    TYPES.iter().find(|(n, _)| *n == name).map(|(_, t)| (t.again)(octets))
}

/// The values in `octets`, for people.
///
/// None: as `transcode`.
pub fn describe(name: &str, octets: &[u8]) -> Option<Result<String, DecodeError>> {
    TYPES.iter().find(|(n, _)| *n == name).map(|(_, t)| (t.describe)(octets))
}

/// One run of a fuzzer: the first octet chooses a type, the rest is its encoding.
///
/// # Panics
/// As `transcode`.
pub fn fuzz_one(data: &[u8]) {
    if let Some((first, octets)) = data.split_first() {
        let (_, t) = &TYPES[usize::from(*first) % TYPES.len()];
        let _ = (t.again)(octets);
    }
}

fn again<T: Codec + core::fmt::Debug>(octets: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let value: T = decode(octets)?;
    let encoding = match encode(&value) {
        Ok(encoding) => encoding,
        Err(e) => panic!("no encoding, {e}: {value:?}"),
    };
    let second = decode::<T>(&encoding).map(|value| encode(&value));
    assert_eq!(second, Ok(Ok(encoding.clone())), "another encoding the second time: {value:?}");
    Ok(encoding)
}

const TYPES: &[(&str, Type)] = &[
    ("BCCH-BCH-Message", Type::of::<BcchBchMessage>()),
    ("BCCH-DL-SCH-Message", Type::of::<BcchDlSchMessage>()),
    ("PCCH-Message", Type::of::<PcchMessage>()),
    ("DL-CCCH-Message", Type::of::<DlCcchMessage>()),
    ("DL-DCCH-Message", Type::of::<DlDcchMessage>()),
    ("UL-CCCH-Message", Type::of::<UlCcchMessage>()),
    ("UL-CCCH1-Message", Type::of::<UlCcch1Message>()),
    ("UL-DCCH-Message", Type::of::<UlDcchMessage>()),
    ("CellGroupConfig", Type::of::<CellGroupConfig>()),
    ("UE-NR-Capability", Type::of::<UeNrCapability>()),
    ("UE-CapabilityRequestFilterNR", Type::of::<UeCapabilityRequestFilterNr>()),
    ("UERadioAccessCapabilityInformation", Type::of::<UeRadioAccessCapabilityInformation>()),
    ("SIB1", Type::of::<Sib1>()),
    ("VarShortMAC-Input", Type::of::<VarShortMacInput>()),
    ("ServingCellConfigCommonSIB", Type::of::<ServingCellConfigCommonSib>()),
    ("SpCellConfig", Type::of::<SpCellConfig>()),
    ("ServingCellConfig", Type::of::<ServingCellConfig>()),
    ("ServingCellConfigCommon", Type::of::<ServingCellConfigCommon>()),
    ("BWP-DownlinkCommon", Type::of::<BwpDownlinkCommon>()),
    ("BWP-UplinkCommon", Type::of::<BwpUplinkCommon>()),
    ("RACH-ConfigCommon", Type::of::<RachConfigCommon>()),
    ("PDCCH-Config", Type::of::<PdcchConfig>()),
    ("PDSCH-Config", Type::of::<PdschConfig>()),
    ("PUCCH-Config", Type::of::<PucchConfig>()),
    ("PUSCH-Config", Type::of::<PuschConfig>()),
    ("SRS-Config", Type::of::<SrsConfig>()),
    ("CSI-MeasConfig", Type::of::<CsiMeasConfig>()),
    ("CSI-ReportConfig", Type::of::<CsiReportConfig>()),
    ("RLC-BearerConfig", Type::of::<RlcBearerConfig>()),
    ("MAC-CellGroupConfig", Type::of::<MacCellGroupConfig>()),
    ("PhysicalCellGroupConfig", Type::of::<PhysicalCellGroupConfig>()),
    ("RadioBearerConfig", Type::of::<RadioBearerConfig>()),
    ("PDCP-Config", Type::of::<PdcpConfig>()),
    ("MeasConfig", Type::of::<MeasConfig>()),
    ("MeasObjectNR", Type::of::<MeasObjectNr>()),
    ("ReportConfigNR", Type::of::<ReportConfigNr>()),
    ("MeasResults", Type::of::<MeasResults>()),
    ("RF-Parameters", Type::of::<RfParameters>()),
    ("BandNR", Type::of::<BandNr>()),
    ("BandCombination", Type::of::<BandCombination>()),
    ("FeatureSets", Type::of::<FeatureSets>()),
    ("Phy-Parameters", Type::of::<PhyParameters>()),
    ("MAC-Parameters", Type::of::<MacParameters>()),
];
