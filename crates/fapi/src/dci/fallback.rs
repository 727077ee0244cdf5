//! Formats 0_0 and 1_0. Spec: TS 38.212 §7.3.1.1.1, §7.3.1.2.1

use super::bits::Fields;

/// Format 0_0 (C-RNTI or TC-RNTI). Spec: TS 38.212 §7.3.1.1.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci0_0 {
    /// Frequency domain resource assignment: a RIV, least significant bits where it is truncated.
    pub frequency: u32,
    /// Time domain resource assignment, 0..=15.
    pub time: u8,
    /// Frequency hopping flag.
    pub hopping: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3.
    pub rv: u8,
    /// HARQ process number, 0..=15.
    pub harq: u8,
    /// TPC command for the PUSCH, 0..=3.
    pub tpc: u8,
}

impl Dci0_0 {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.identifier(false);
        f.u32("frequency", &mut self.frequency, frequency_bits);
        f.u8("time", &mut self.time, 4);
        f.flag("hopping", &mut self.hopping, true);
        f.u8("mcs", &mut self.mcs, 5);
        f.flag("ndi", &mut self.ndi, true);
        f.u8("rv", &mut self.rv, 2);
        f.u8("harq", &mut self.harq, 4);
        f.u8("tpc", &mut self.tpc, 2);
    }
}

/// Format 1_0 with C-RNTI or TC-RNTI. Spec: TS 38.212 §7.3.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci1_0 {
    /// Frequency domain resource assignment: a RIV.
    pub frequency: u32,
    /// Time domain resource assignment, 0..=15.
    pub time: u8,
    /// Interleaved VRB-to-PRB mapping.
    pub interleaved: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3.
    pub rv: u8,
    /// HARQ process number, 0..=15.
    pub harq: u8,
    /// Downlink assignment index (counter DAI - 1), 0..=3; reserved with TC-RNTI.
    pub dai: u8,
    /// TPC command for the PUCCH, 0..=3.
    pub tpc: u8,
    /// PUCCH resource indicator, 0..=7.
    pub pri: u8,
    /// PDSCH-to-HARQ_feedback timing indicator, 0..=7.
    pub k1: u8,
}

impl Dci1_0 {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.identifier(true);
        f.u32("frequency", &mut self.frequency, frequency_bits);
        f.u8("time", &mut self.time, 4);
        f.flag("interleaved", &mut self.interleaved, true);
        f.u8("mcs", &mut self.mcs, 5);
        f.flag("ndi", &mut self.ndi, true);
        f.u8("rv", &mut self.rv, 2);
        f.u8("harq", &mut self.harq, 4);
        f.u8("dai", &mut self.dai, 2);
        f.u8("tpc", &mut self.tpc, 2);
        f.u8("pri", &mut self.pri, 3);
        f.u8("k1", &mut self.k1, 3);
    }
}

/// Format 1_0 with SI-RNTI. Spec: TS 38.212 §7.3.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DciSi {
    /// Frequency domain resource assignment: a RIV.
    pub frequency: u32,
    /// Time domain resource assignment, 0..=15.
    pub time: u8,
    /// Interleaved VRB-to-PRB mapping.
    pub interleaved: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// Redundancy version, 0..=3.
    pub rv: u8,
    /// System information indicator: false is SIB1, true another message.
    pub other_si: bool,
}

impl DciSi {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.u32("frequency", &mut self.frequency, frequency_bits);
        f.u8("time", &mut self.time, 4);
        f.flag("interleaved", &mut self.interleaved, true);
        f.u8("mcs", &mut self.mcs, 5);
        f.u8("rv", &mut self.rv, 2);
        f.flag("other_si", &mut self.other_si, true);
    }
}

/// Format 1_0 with RA-RNTI. Spec: TS 38.212 §7.3.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DciRa {
    /// Frequency domain resource assignment: a RIV.
    pub frequency: u32,
    /// Time domain resource assignment, 0..=15.
    pub time: u8,
    /// Interleaved VRB-to-PRB mapping.
    pub interleaved: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// TB scaling, 0..=2.
    pub tb_scaling: u8,
}

impl DciRa {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.u32("frequency", &mut self.frequency, frequency_bits);
        f.u8("time", &mut self.time, 4);
        f.flag("interleaved", &mut self.interleaved, true);
        f.u8("mcs", &mut self.mcs, 5);
        f.u8("tb_scaling", &mut self.tb_scaling, 2);
    }
}

/// Format 1_0 with P-RNTI. Spec: TS 38.212 §7.3.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DciPaging {
    /// Short messages indicator: 1 scheduling, 2 short message, 3 both.
    pub indicator: u8,
    /// Short messages, 8 bits, most significant first.
    pub short_messages: u8,
    /// Scheduling as with RA-RNTI.
    pub assignment: DciRa,
}

impl DciPaging {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.u8("indicator", &mut self.indicator, 2);
        f.u8("short_messages", &mut self.short_messages, 8);
        self.assignment.fields(f, frequency_bits);
    }
}

/// Format 1_0 that orders random access. Spec: TS 38.212 §7.3.1.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PdcchOrder {
    /// Random access preamble index, 0..=63 (0: contention based).
    pub preamble: u8,
    /// UL/SUL indicator.
    pub sul: bool,
    /// SS/PBCH index, 0..=63.
    pub ssb: u8,
    /// PRACH mask index, 0..=15.
    pub prach_mask: u8,
}

impl PdcchOrder {
    pub(super) fn fields(&mut self, f: &mut Fields, frequency_bits: u8) {
        f.identifier(true);
        f.u32("frequency", &mut ((1 << frequency_bits) - 1), frequency_bits);
        f.u8("preamble", &mut self.preamble, 6);
        f.flag("sul", &mut self.sul, true);
        f.u8("ssb", &mut self.ssb, 6);
        f.u8("prach_mask", &mut self.prach_mask, 4);
    }
}
