//! Downlink control information: fields, sizes, bits. Spec: TS 38.212 §7.3.1
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | N_RB^DL,BWP of format 1_0 in common search spaces | [`DciContext::n_rb_dl_common`] | size of CORESET 0 |
//! | N_RB^UL,BWP of format 0_0 in common search spaces | [`DciContext::n_rb_ul_common`] | size of the initial uplink BWP |
//! | N_RB^DL,BWP, N_RB^UL,BWP of the other formats | [`DciDedicated::n_rb_dl`], [`DciDedicated::n_rb_ul`] | active BWP |
//!
//! Values are the raw fields; [`crate::resolve`] says what they mean. Left out, and why: carrier and bandwidth part indicators
//! (one carrier, one part), a second transport block, code block groups, TCI and the options of later releases that a
//! configuration would have to switch on: their fields have no bits here.

use crate::config::{CellConfig, DedicatedConfig, HarqCodebook, SearchSpaceKind};
use crate::pdu::{DCI_BITS_MAX, DciBits};

/// How the CRC of a DCI is masked, which chooses its fields. Spec: TS 38.321 §7.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RntiKind {
    /// C-RNTI.
    Cell,
    /// Temporary C-RNTI.
    Temporary,
    /// SI-RNTI.
    Si,
    /// RA-RNTI.
    Ra,
    /// P-RNTI.
    Paging,
}

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

/// Format 0_1. Spec: TS 38.212 §7.3.1.1.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci0_1 {
    /// Frequency domain resource assignment: a RIV, or a bitmap of RBGs with resource allocation type 0.
    pub frequency: u32,
    /// Time domain resource assignment.
    pub time: u8,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3.
    pub rv: u8,
    /// HARQ process number, 0..=15.
    pub harq: u8,
    /// 1st downlink assignment index: 2 bits (dynamic codebook, V_T-DAI^UL - 1) or 1 bit (semi-static).
    pub dai: u8,
    /// TPC command for the PUSCH, 0..=3.
    pub tpc: u8,
    /// Antenna ports.
    pub ports: u8,
    /// SRS request, 0..=3.
    pub srs_request: u8,
    /// DM-RS sequence initialisation n_SCID.
    pub n_scid: u8,
    /// UL-SCH indicator: a transport block is sent.
    pub ul_sch: bool,
}

/// Format 1_1. Spec: TS 38.212 §7.3.1.2.2
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dci1_1 {
    /// Frequency domain resource assignment: a RIV, or a bitmap of RBGs with resource allocation type 0.
    pub frequency: u32,
    /// Time domain resource assignment.
    pub time: u8,
    /// Interleaved VRB-to-PRB mapping (a bit only where an interleaver is configured).
    pub interleaved: bool,
    /// Modulation and coding scheme, 0..=31.
    pub mcs: u8,
    /// New data indicator.
    pub ndi: bool,
    /// Redundancy version, 0..=3.
    pub rv: u8,
    /// HARQ process number, 0..=15.
    pub harq: u8,
    /// Counter DAI - 1, 0..=3 (dynamic codebook only).
    pub dai: u8,
    /// TPC command for the PUCCH, 0..=3.
    pub tpc: u8,
    /// PUCCH resource indicator, 0..=7.
    pub pri: u8,
    /// PDSCH-to-HARQ_feedback timing indicator: index into dl-DataToUL-ACK.
    pub k1: u8,
    /// Antenna port(s).
    pub ports: u8,
    /// SRS request, 0..=3.
    pub srs_request: u8,
    /// DM-RS sequence initialisation n_SCID.
    pub n_scid: u8,
}

/// A DCI of any format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dci {
    /// Format 0_0.
    F0_0(Dci0_0),
    /// Format 1_0 with C-RNTI or TC-RNTI.
    F1_0(Dci1_0),
    /// Format 1_0 with SI-RNTI.
    Si(DciSi),
    /// Format 1_0 with RA-RNTI.
    Ra(DciRa),
    /// Format 1_0 with P-RNTI.
    Paging(DciPaging),
    /// Format 1_0 as a PDCCH order.
    Order(PdcchOrder),
    /// Format 0_1.
    F0_1(Dci0_1),
    /// Format 1_1.
    F1_1(Dci1_1),
}

/// Why bits are no DCI, or a DCI cannot become bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DciError {
    /// The payload has another length than this search space's formats. Peer's fault, or a false alarm of the CRC.
    Length { expected: u8, got: u8 },
    /// A field's value needs more bits than the field has. Local fault.
    FieldOverflow { field: &'static str, bits: u8, value: u32 },
    /// No dedicated configuration, so formats 0_1 and 1_1 have no size. Local fault.
    NotConfigured,
}

impl core::fmt::Display for DciError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            DciError::Length { expected, got } => write!(f, "a DCI of {expected} bits was expected, {got} came"),
            DciError::FieldOverflow { field, bits, value } => {
                write!(f, "DCI field {field} has {bits} bits, too few for {value}")
            }
            DciError::NotConfigured => f.write_str("DCI formats 0_1 and 1_1 need a dedicated configuration"),
        }
    }
}
impl std::error::Error for DciError {}

/// What sizes formats 0_1 and 1_1, and the fallback formats in a UE-specific search space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DciDedicated {
    /// RBs of the active downlink BWP.
    pub n_rb_dl: u16,
    /// RBs of the active uplink BWP.
    pub n_rb_ul: u16,
    /// Bits of the downlink frequency assignment.
    pub dl_frequency_bits: u8,
    /// Bits of the uplink frequency assignment.
    pub ul_frequency_bits: u8,
    /// Bits of the downlink time assignment, 0..=4.
    pub dl_time_bits: u8,
    /// Bits of the uplink time assignment, 0..=4.
    pub ul_time_bits: u8,
    /// Format 1_1 has the VRB-to-PRB bit.
    pub interleaver: bool,
    /// The HARQ-ACK codebook is dynamic.
    pub dynamic_codebook: bool,
    /// Bits of the feedback timing, 0..=3.
    pub k1_bits: u8,
    /// Bits of the antenna ports in format 1_1.
    pub dl_ports_bits: u8,
    /// Bits of the antenna ports in format 0_1.
    pub ul_ports_bits: u8,
    /// Fallback formats are monitored in a UE-specific search space too.
    pub fallback_in_uss: bool,
}

/// All that sizes and reads DCIs: made once per configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DciContext {
    /// RBs of CORESET 0.
    pub n_rb_dl_common: u16,
    /// RBs of the initial uplink BWP.
    pub n_rb_ul_common: u16,
    /// The dedicated part.
    pub dedicated: Option<DciDedicated>,
}

/// Bits of a RIV over `n_rb` RBs: ceil(log2(n (n + 1) / 2)). Spec: TS 38.212 §7.3.1
pub const fn riv_bits(n_rb: u16) -> u8 {
    ceil_log2(n_rb as u32 * (n_rb as u32 + 1) / 2)
}

const fn ceil_log2(n: u32) -> u8 {
    if n <= 1 { 0 } else { (32 - (n - 1).leading_zeros()) as u8 }
}

impl DciContext {
    /// From what MIB and SIB1 say.
    pub fn common(cell: &CellConfig) -> Self {
        Self { n_rb_dl_common: cell.coreset0_bwp.n_rb, n_rb_ul_common: cell.initial_ul_bwp.n_rb, dedicated: None }
    }
    /// With a dedicated configuration.
    pub fn dedicated(cell: &CellConfig, d: &DedicatedConfig) -> Self {
        let dl_rbgs = crate::resolve::n_rbg(d.dl_bwp, d.pdsch.rbg_config2);
        let ul_rbgs = crate::resolve::n_rbg(d.ul_bwp, false);
        let type2 = |config_type: u8| (config_type == 2) as u8;
        Self {
            dedicated: Some(DciDedicated {
                n_rb_dl: d.dl_bwp.n_rb,
                n_rb_ul: d.ul_bwp.n_rb,
                dl_frequency_bits: if d.pdsch.resource_allocation_type0 { dl_rbgs } else { riv_bits(d.dl_bwp.n_rb) },
                ul_frequency_bits: if d.pusch.resource_allocation_type0 { ul_rbgs } else { riv_bits(d.ul_bwp.n_rb) },
                dl_time_bits: ceil_log2(d.pdsch.time_allocations.len() as u32).min(4),
                ul_time_bits: ceil_log2(d.pusch.time_allocations.len() as u32).min(4),
                interleaver: d.pdsch.vrb_interleaver.is_some() && !d.pdsch.resource_allocation_type0,
                dynamic_codebook: d.harq_codebook == HarqCodebook::Dynamic,
                k1_bits: ceil_log2(d.pucch.dl_data_to_ul_ack.len() as u32).min(3),
                dl_ports_bits: 3 + type2(d.pdsch.dmrs.config_type) + d.pdsch.dmrs.max_length,
                ul_ports_bits: 2 + type2(d.pusch.dmrs.config_type) + d.pusch.dmrs.max_length,
                fallback_in_uss: d.search_spaces.iter().any(|s| s.kind == SearchSpaceKind::UeFallback),
            }),
            ..Self::common(cell)
        }
    }

    /// Payload lengths to try in a search space: the one fallback size, or those of formats 0_1 and 1_1 (once if equal).
    ///
    /// Spec: TS 38.212 §7.3.1.0
    pub fn sizes(&self, kind: SearchSpaceKind) -> [Option<u8>; 2] {
        match kind {
            SearchSpaceKind::Ue => {
                let (ul, dl) = (self.size_0_1().ok(), self.size_1_1().ok());
                if ul == dl { [ul, None] } else { [ul, dl] }
            }
            _ => [self.size_fallback(kind).ok(), None],
        }
    }

    /// Bits of formats 0_0 and 1_0, which are aligned to each other. Spec: TS 38.212 §7.3.1.0
    pub fn size_fallback(&self, kind: SearchSpaceKind) -> Result<u8, DciError> {
        let (dl, ul) = self.fallback_rbs(kind)?;
        let (bits_1_0, bits_0_0) = (28 + riv_bits(dl), 20 + riv_bits(ul));
        Ok(if kind == SearchSpaceKind::Common { bits_1_0 } else { bits_1_0.max(bits_0_0) })
    }

    fn fallback_rbs(&self, kind: SearchSpaceKind) -> Result<(u16, u16), DciError> {
        match kind {
            SearchSpaceKind::Common => Ok((self.n_rb_dl_common, self.n_rb_ul_common)),
            _ => self.dedicated.map(|d| (d.n_rb_dl, d.n_rb_ul)).ok_or(DciError::NotConfigured),
        }
    }

    /// Bits of the frequency assignment of format 0_0: cut where format 0_0 would be longer than 1_0 in a common space.
    pub fn frequency_bits_0_0(&self, kind: SearchSpaceKind) -> Result<u8, DciError> {
        let (_, ul) = self.fallback_rbs(kind)?;
        Ok(riv_bits(ul).min(self.size_fallback(kind)? - 20))
    }

    /// Bits of format 0_1. Spec: TS 38.212 §7.3.1.1.2, §7.3.1.0
    pub fn size_0_1(&self) -> Result<u8, DciError> {
        let d = self.dedicated.ok_or(DciError::NotConfigured)?;
        let dai = if d.dynamic_codebook { 2 } else { 1 };
        let bits = 1 + d.ul_frequency_bits + d.ul_time_bits + 5 + 1 + 2 + 4 + dai + 2 + d.ul_ports_bits + 2 + 1 + 1;
        Ok(bits + self.collides_in_uss(bits) as u8)
    }

    /// Bits of format 1_1. Spec: TS 38.212 §7.3.1.2.2, §7.3.1.0
    pub fn size_1_1(&self) -> Result<u8, DciError> {
        let d = self.dedicated.ok_or(DciError::NotConfigured)?;
        let dai = if d.dynamic_codebook { 2 } else { 0 };
        let bits = 1
            + d.dl_frequency_bits
            + d.dl_time_bits
            + d.interleaver as u8
            + (5 + 1 + 2 + 4)
            + dai
            + (2 + 3 + d.k1_bits)
            + d.dl_ports_bits
            + (2 + 1);
        Ok(bits + self.collides_in_uss(bits) as u8)
    }

    fn collides_in_uss(&self, bits: u8) -> bool {
        self.dedicated.is_some_and(|d| d.fallback_in_uss) && self.size_fallback(SearchSpaceKind::UeFallback) == Ok(bits)
    }
}

struct Writer {
    bits: [u8; DCI_BITS_MAX],
    len: usize,
    error: Option<DciError>,
}

impl Writer {
    fn new() -> Self {
        Self { bits: [0; DCI_BITS_MAX], len: 0, error: None }
    }
    fn put(mut self, field: &'static str, value: u32, bits: u8) -> Self {
        if bits < 32 && value >> bits != 0 {
            self.error = self.error.or(Some(DciError::FieldOverflow { field, bits, value }));
        }
        for i in (0..bits).rev() {
            if let Some(b) = self.bits.get_mut(self.len) {
                *b = (value >> i & 1) as u8;
            }
            self.len += 1;
        }
        self
    }
    fn finish(self, size: u8) -> Result<DciBits, DciError> {
        if let Some(e) = self.error {
            return Err(e);
        }
        let got = self.len.min(255) as u8;
        let fits = self.len <= size as usize && size as usize <= DCI_BITS_MAX;
        let bits = if fits { DciBits::new(&self.bits[..size as usize]) } else { None };
        bits.ok_or(DciError::Length { expected: size, got })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, bits: u8) -> u32 {
        let n = (bits as usize).min(self.0.len());
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head.iter().fold(0, |v, b| v << 1 | *b as u32)
    }
    fn u8(&mut self, bits: u8) -> u8 {
        self.take(bits) as u8
    }
    fn flag(&mut self) -> bool {
        self.take(1) == 1
    }
}

/// The bits of `dci` as it is sent in a search space of this kind.
///
/// Errors: a value that does not fit its field, or formats 0_1 and 1_1 without a dedicated configuration.
pub fn encode(dci: &Dci, kind: SearchSpaceKind, ctx: &DciContext) -> Result<DciBits, DciError> {
    let fallback = || Ok::<_, DciError>((riv_bits(ctx.fallback_rbs(kind)?.0), ctx.size_fallback(kind)?));
    let w = Writer::new();
    match dci {
        Dci::F0_0(d) => {
            let n = ctx.frequency_bits_0_0(kind)?;
            w.put("identifier", 0, 1)
                .put("frequency", d.frequency, n)
                .put("time", d.time as u32, 4)
                .put("hopping", d.hopping as u32, 1)
                .put("mcs", d.mcs as u32, 5)
                .put("ndi", d.ndi as u32, 1)
                .put("rv", d.rv as u32, 2)
                .put("harq", d.harq as u32, 4)
                .put("tpc", d.tpc as u32, 2)
                .finish(ctx.size_fallback(kind)?)
        }
        Dci::F1_0(d) => {
            let (n, size) = fallback()?;
            w.put("identifier", 1, 1)
                .put("frequency", d.frequency, n)
                .put("time", d.time as u32, 4)
                .put("interleaved", d.interleaved as u32, 1)
                .put("mcs", d.mcs as u32, 5)
                .put("ndi", d.ndi as u32, 1)
                .put("rv", d.rv as u32, 2)
                .put("harq", d.harq as u32, 4)
                .put("dai", d.dai as u32, 2)
                .put("tpc", d.tpc as u32, 2)
                .put("pri", d.pri as u32, 3)
                .put("k1", d.k1 as u32, 3)
                .finish(size)
        }
        Dci::Si(d) => {
            let (n, size) = fallback()?;
            w.put("frequency", d.frequency, n)
                .put("time", d.time as u32, 4)
                .put("interleaved", d.interleaved as u32, 1)
                .put("mcs", d.mcs as u32, 5)
                .put("rv", d.rv as u32, 2)
                .put("other_si", d.other_si as u32, 1)
                .finish(size)
        }
        Dci::Ra(d) => {
            let (n, size) = fallback()?;
            put_ra(w, d, n).finish(size)
        }
        Dci::Paging(d) => {
            let (n, size) = fallback()?;
            let w = w.put("indicator", d.indicator as u32, 2).put("short_messages", d.short_messages as u32, 8);
            put_ra(w, &d.assignment, n).finish(size)
        }
        Dci::Order(d) => {
            let (n, size) = fallback()?;
            w.put("identifier", 1, 1)
                .put("frequency", (1 << n) - 1, n)
                .put("preamble", d.preamble as u32, 6)
                .put("sul", d.sul as u32, 1)
                .put("ssb", d.ssb as u32, 6)
                .put("prach_mask", d.prach_mask as u32, 4)
                .finish(size)
        }
        Dci::F0_1(d) => encode_0_1(d, ctx),
        Dci::F1_1(d) => encode_1_1(d, ctx),
    }
}

fn put_ra(w: Writer, d: &DciRa, n: u8) -> Writer {
    w.put("frequency", d.frequency, n)
        .put("time", d.time as u32, 4)
        .put("interleaved", d.interleaved as u32, 1)
        .put("mcs", d.mcs as u32, 5)
        .put("tb_scaling", d.tb_scaling as u32, 2)
}

fn encode_0_1(d: &Dci0_1, ctx: &DciContext) -> Result<DciBits, DciError> {
    let c = ctx.dedicated.ok_or(DciError::NotConfigured)?;
    Writer::new()
        .put("identifier", 0, 1)
        .put("frequency", d.frequency, c.ul_frequency_bits)
        .put("time", d.time as u32, c.ul_time_bits)
        .put("mcs", d.mcs as u32, 5)
        .put("ndi", d.ndi as u32, 1)
        .put("rv", d.rv as u32, 2)
        .put("harq", d.harq as u32, 4)
        .put("dai", d.dai as u32, if c.dynamic_codebook { 2 } else { 1 })
        .put("tpc", d.tpc as u32, 2)
        .put("ports", d.ports as u32, c.ul_ports_bits)
        .put("srs_request", d.srs_request as u32, 2)
        .put("n_scid", d.n_scid as u32, 1)
        .put("ul_sch", d.ul_sch as u32, 1)
        .finish(ctx.size_0_1()?)
}

fn encode_1_1(d: &Dci1_1, ctx: &DciContext) -> Result<DciBits, DciError> {
    let c = ctx.dedicated.ok_or(DciError::NotConfigured)?;
    Writer::new()
        .put("identifier", 1, 1)
        .put("frequency", d.frequency, c.dl_frequency_bits)
        .put("time", d.time as u32, c.dl_time_bits)
        .put("interleaved", d.interleaved as u32, c.interleaver as u8)
        .put("mcs", d.mcs as u32, 5)
        .put("ndi", d.ndi as u32, 1)
        .put("rv", d.rv as u32, 2)
        .put("harq", d.harq as u32, 4)
        .put("dai", d.dai as u32, if c.dynamic_codebook { 2 } else { 0 })
        .put("tpc", d.tpc as u32, 2)
        .put("pri", d.pri as u32, 3)
        .put("k1", d.k1 as u32, c.k1_bits)
        .put("ports", d.ports as u32, c.dl_ports_bits)
        .put("srs_request", d.srs_request as u32, 2)
        .put("n_scid", d.n_scid as u32, 1)
        .finish(ctx.size_1_1()?)
}

/// Reads a payload (one bit a byte) that came in a search space of this kind with a CRC masked by an RNTI of kind `rnti`.
///
/// Errors: [`DciError::Length`] if no format of the search space has this length. Padding is not looked at.
pub fn decode(bits: &[u8], rnti: RntiKind, kind: SearchSpaceKind, ctx: &DciContext) -> Result<Dci, DciError> {
    if kind == SearchSpaceKind::Ue {
        return decode_dedicated(bits, ctx);
    }
    let size = ctx.size_fallback(kind)?;
    if bits.len() != size as usize {
        return Err(DciError::Length { expected: size, got: bits.len().min(255) as u8 });
    }
    let n = riv_bits(ctx.fallback_rbs(kind)?.0);
    let mut r = Reader(bits);
    Ok(match rnti {
        RntiKind::Si => Dci::Si(DciSi {
            frequency: r.take(n),
            time: r.u8(4),
            interleaved: r.flag(),
            mcs: r.u8(5),
            rv: r.u8(2),
            other_si: r.flag(),
        }),
        RntiKind::Ra => Dci::Ra(take_ra(&mut r, n)),
        RntiKind::Paging => {
            Dci::Paging(DciPaging { indicator: r.u8(2), short_messages: r.u8(8), assignment: take_ra(&mut r, n) })
        }
        RntiKind::Cell | RntiKind::Temporary => {
            if !r.flag() {
                return decode_0_0(r, kind, ctx);
            }
            let frequency = r.take(n);
            if rnti == RntiKind::Cell && frequency == (1 << n) - 1 {
                return Ok(Dci::Order(PdcchOrder {
                    preamble: r.u8(6),
                    sul: r.flag(),
                    ssb: r.u8(6),
                    prach_mask: r.u8(4),
                }));
            }
            Dci::F1_0(Dci1_0 {
                frequency,
                time: r.u8(4),
                interleaved: r.flag(),
                mcs: r.u8(5),
                ndi: r.flag(),
                rv: r.u8(2),
                harq: r.u8(4),
                dai: r.u8(2),
                tpc: r.u8(2),
                pri: r.u8(3),
                k1: r.u8(3),
            })
        }
    })
}

fn take_ra(r: &mut Reader, n: u8) -> DciRa {
    DciRa { frequency: r.take(n), time: r.u8(4), interleaved: r.flag(), mcs: r.u8(5), tb_scaling: r.u8(2) }
}

fn decode_0_0(mut r: Reader, kind: SearchSpaceKind, ctx: &DciContext) -> Result<Dci, DciError> {
    Ok(Dci::F0_0(Dci0_0 {
        frequency: r.take(ctx.frequency_bits_0_0(kind)?),
        time: r.u8(4),
        hopping: r.flag(),
        mcs: r.u8(5),
        ndi: r.flag(),
        rv: r.u8(2),
        harq: r.u8(4),
        tpc: r.u8(2),
    }))
}

fn decode_dedicated(bits: &[u8], ctx: &DciContext) -> Result<Dci, DciError> {
    let c = ctx.dedicated.ok_or(DciError::NotConfigured)?;
    let mut r = Reader(bits);
    let downlink = r.flag();
    let expected = if downlink { ctx.size_1_1()? } else { ctx.size_0_1()? };
    if bits.len() != expected as usize {
        return Err(DciError::Length { expected, got: bits.len().min(255) as u8 });
    }
    if downlink {
        return Ok(Dci::F1_1(Dci1_1 {
            frequency: r.take(c.dl_frequency_bits),
            time: r.u8(c.dl_time_bits),
            interleaved: c.interleaver && r.flag(),
            mcs: r.u8(5),
            ndi: r.flag(),
            rv: r.u8(2),
            harq: r.u8(4),
            dai: r.u8(if c.dynamic_codebook { 2 } else { 0 }),
            tpc: r.u8(2),
            pri: r.u8(3),
            k1: r.u8(c.k1_bits),
            ports: r.u8(c.dl_ports_bits),
            srs_request: r.u8(2),
            n_scid: r.u8(1),
        }));
    }
    Ok(Dci::F0_1(Dci0_1 {
        frequency: r.take(c.ul_frequency_bits),
        time: r.u8(c.ul_time_bits),
        mcs: r.u8(5),
        ndi: r.flag(),
        rv: r.u8(2),
        harq: r.u8(4),
        dai: r.u8(if c.dynamic_codebook { 2 } else { 1 }),
        tpc: r.u8(2),
        ports: r.u8(c.ul_ports_bits),
        srs_request: r.u8(2),
        n_scid: r.u8(1),
        ul_sch: r.flag(),
    }))
}
