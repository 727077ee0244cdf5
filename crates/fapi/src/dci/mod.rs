//! Downlink control information: fields, sizes, bits. Spec: TS 38.212 §7.3.1
//!
//! - [`encode`], [`decode`]: a [`Dci`] of any format to bits and back, by the widths that a [`DciContext`] holds.
//! - `fallback`: formats 0_0 and 1_0; `uplink`: 0_1 and 0_2; `downlink`: 1_1 and 1_2; `group`: 2_0 to 2_3.
//! - `size`: how long each is, and how sizes are aligned.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | N_RB^DL,BWP of format 1_0 in common search spaces | [`DciContext::n_rb_dl_common`] | size of CORESET 0 |
//! | N_RB^UL,BWP of format 0_0 in common search spaces | [`DciContext::n_rb_ul_common`] | size of the initial uplink BWP |
//! | N_RB^DL,BWP, N_RB^UL,BWP of the other formats | [`DciDedicated::n_rb_dl`], [`DciDedicated::n_rb_ul`] | active BWP |
//!
//! Values are the raw fields; [`crate::resolve`] says what they mean. Left out: fields of operation with shared spectrum access, of
//! sidelink, of multicast, and of several transmission points.

mod bits;
mod downlink;
mod fallback;
mod group;
mod size;
#[cfg(test)]
mod tests;
mod uplink;

pub use downlink::{Dci1_1, DlWidths, SecondBlock};
pub use fallback::{Dci0_0, Dci1_0, DciPaging, DciRa, DciSi, PdcchOrder};
pub use group::{Dci2_0, Dci2_1, Dci2_2, Dci2_3, SrsBlock, TpcBlock};
pub use size::{DciContext, DciDedicated, Sizes};
pub use uplink::{Dci0_1, UlWidths};

use crate::config::SearchSpaceKind;
use crate::pdu::DciBits;
use bits::Fields;

/// How the CRC of a DCI is masked, which chooses its fields. Spec: TS 38.321 §7.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RntiKind {
    /// C-RNTI (also CS-RNTI and MCS-C-RNTI, whose formats are the same).
    Cell,
    /// Temporary C-RNTI.
    Temporary,
    /// SI-RNTI.
    Si,
    /// RA-RNTI.
    Ra,
    /// P-RNTI.
    Paging,
    /// SFI-RNTI: format 2_0.
    SlotFormat,
    /// INT-RNTI: format 2_1.
    Interruption,
    /// TPC-PUCCH-RNTI and TPC-PUSCH-RNTI: format 2_2.
    Tpc,
    /// TPC-SRS-RNTI: format 2_3.
    TpcSrs,
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
    /// Format 0_2, whose fields are those of 0_1, some shorter or absent.
    F0_2(Dci0_1),
    /// Format 1_2, whose fields are those of 1_1, some shorter or absent.
    F1_2(Dci1_1),
    /// Format 2_0.
    F2_0(Dci2_0),
    /// Format 2_1.
    F2_1(Dci2_1),
    /// Format 2_2.
    F2_2(Dci2_2),
    /// Format 2_3.
    F2_3(Dci2_3),
}

/// Why bits are no DCI, or a DCI cannot become bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DciError {
    /// The payload has another length than this search space's formats. Peer's fault, or a false alarm of the CRC.
    Length { expected: u8, got: u8 },
    /// A field's value needs more bits than the field has. Local fault.
    FieldOverflow { field: &'static str, bits: u8, value: u32 },
    /// The configuration that the format needs is missing. Local fault.
    NotConfigured,
    /// The sizes of the formats cannot be configured. Clause: TS 38.212 §7.3.1.0
    Sizes(&'static str),
}

impl core::fmt::Display for DciError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            DciError::Length { expected, got } => write!(f, "a DCI of {expected} bits was expected, {got} came"),
            DciError::FieldOverflow { field, bits, value } => {
                write!(f, "DCI field {field} has {bits} bits, too few for {value}")
            }
            DciError::NotConfigured => f.write_str("this DCI format needs a configuration of its own"),
            DciError::Sizes(problem) => write!(f, "DCI sizes: {problem} (TS 38.212 §7.3.1.0)"),
        }
    }
}
impl std::error::Error for DciError {}

/// Bits of a RIV over `n_rb` RBs: ceil(log2(n (n + 1) / 2)). Spec: TS 38.212 §7.3.1
pub const fn riv_bits(n_rb: u16) -> u8 {
    ceil_log2(n_rb as u32 * (n_rb as u32 + 1) / 2)
}

pub(crate) const fn ceil_log2(n: u32) -> u8 {
    if n <= 1 { 0 } else { (32 - (n - 1).leading_zeros()) as u8 }
}

/// Length of the format that `dci` is of, in a search space of this kind.
fn size_of(dci: &Dci, kind: SearchSpaceKind, ctx: &DciContext) -> Result<u8, DciError> {
    let sizes = ctx.dedicated.map(|d| d.sizes).ok_or(DciError::NotConfigured);
    let configured = |n: u8| if n > 0 { Ok(n) } else { Err(DciError::NotConfigured) };
    match dci {
        Dci::F0_1(_) => Ok(sizes?.f0_1),
        Dci::F1_1(_) => Ok(sizes?.f1_1),
        Dci::F0_2(_) => Ok(sizes?.f0_2),
        Dci::F1_2(_) => Ok(sizes?.f1_2),
        Dci::F2_0(_) => configured(ctx.group.slot_format_bits),
        Dci::F2_1(_) => configured(ctx.group.preemption_bits),
        Dci::F2_3(_) if ctx.group.srs_request_bits_plus_1 == 0 => Err(DciError::NotConfigured),
        // Formats 2_2 and 2_3 are as long as 1_0 of the same search space.
        Dci::F2_2(_) | Dci::F2_3(_) => ctx.size_fallback(SearchSpaceKind::Common),
        _ => ctx.size_fallback(kind),
    }
}

/// Passes the fields of `dci`, whose format is settled, through `f`.
fn pass(dci: &mut Dci, f: &mut Fields, kind: SearchSpaceKind, ctx: &DciContext) -> Result<(), DciError> {
    let n = || Ok(riv_bits(ctx.fallback_rbs(kind)?.0));
    let d = || ctx.dedicated.ok_or(DciError::NotConfigured);
    match dci {
        Dci::F0_0(x) => x.fields(f, ctx.frequency_bits_0_0(kind)?),
        Dci::F1_0(x) => x.fields(f, n()?),
        Dci::Si(x) => x.fields(f, n()?),
        Dci::Ra(x) => x.fields(f, n()?),
        Dci::Paging(x) => x.fields(f, n()?),
        Dci::Order(x) => x.fields(f, n()?),
        Dci::F0_1(x) => x.fields(f, &d()?.ul),
        Dci::F1_1(x) => x.fields(f, &d()?.dl),
        Dci::F0_2(x) => x.fields(f, &d()?.ul_compact),
        Dci::F1_2(x) => x.fields(f, &d()?.dl_compact),
        Dci::F2_0(x) => x.fields(f, ctx.group.slot_format_bits),
        Dci::F2_1(x) => x.fields(f, ctx.group.preemption_bits),
        Dci::F2_2(x) => x.fields(f, ctx.size_fallback(SearchSpaceKind::Common)?, &ctx.group),
        Dci::F2_3(x) => x.fields(f, ctx.size_fallback(SearchSpaceKind::Common)?, &ctx.group),
    }
    Ok(())
}

/// The bits of `dci` as it is sent in a search space of this kind.
///
/// Errors: a value that does not fit its field, or a format that is not configured.
pub fn encode(dci: &Dci, kind: SearchSpaceKind, ctx: &DciContext) -> Result<DciBits, DciError> {
    let size = size_of(dci, kind, ctx)?;
    let mut f = Fields::writer();
    pass(&mut dci.clone(), &mut f, kind, ctx)?;
    f.finish(size)
}

/// Reads a payload (one bit a byte) that came in a search space of this kind with a CRC masked by an RNTI of kind `rnti`.
///
/// Errors: [`DciError::Length`] if no format of the search space has this length. Padding is not looked at.
pub fn decode(bits: &[u8], rnti: RntiKind, kind: SearchSpaceKind, ctx: &DciContext) -> Result<Dci, DciError> {
    let downlink = bits.first() == Some(&1);
    let mut dci = match rnti {
        RntiKind::Si => Dci::Si(DciSi::default()),
        RntiKind::Ra => Dci::Ra(DciRa::default()),
        RntiKind::Paging => Dci::Paging(DciPaging::default()),
        RntiKind::SlotFormat => Dci::F2_0(Dci2_0::default()),
        RntiKind::Interruption => Dci::F2_1(Dci2_1::default()),
        RntiKind::Tpc => Dci::F2_2(Dci2_2::default()),
        RntiKind::TpcSrs => Dci::F2_3(Dci2_3::default()),
        RntiKind::Cell | RntiKind::Temporary => match kind {
            SearchSpaceKind::Common | SearchSpaceKind::UeFallback if downlink => {
                fallback_downlink(bits, rnti, kind, ctx)?
            }
            SearchSpaceKind::Common | SearchSpaceKind::UeFallback => Dci::F0_0(Dci0_0::default()),
            _ => dedicated(bits.len(), downlink, kind, ctx)?,
        },
    };
    let expected = size_of(&dci, kind, ctx)?;
    if bits.len() != usize::from(expected) {
        return Err(DciError::Length { expected, got: bits.len().min(255) as u8 });
    }
    pass(&mut dci, &mut Fields::reader(bits), kind, ctx)?;
    Ok(dci)
}

/// Format 1_0, or a PDCCH order: all ones in the frequency assignment.
fn fallback_downlink(bits: &[u8], rnti: RntiKind, kind: SearchSpaceKind, ctx: &DciContext) -> Result<Dci, DciError> {
    let n = usize::from(riv_bits(ctx.fallback_rbs(kind)?.0));
    let ones = bits.get(1..1 + n).is_some_and(|f| f.iter().all(|b| *b == 1));
    Ok(if ones && rnti == RntiKind::Cell { Dci::Order(PdcchOrder::default()) } else { Dci::F1_0(Dci1_0::default()) })
}

/// Which of formats 0_1, 1_1, 0_2 and 1_2 has `n_bits` in the search space.
fn dedicated(n_bits: usize, downlink: bool, kind: SearchSpaceKind, ctx: &DciContext) -> Result<Dci, DciError> {
    let s = ctx.dedicated.ok_or(DciError::NotConfigured)?.sizes;
    let size = if downlink { s.f1_1 } else { s.f0_1 };
    let full = match kind {
        SearchSpaceKind::UeCompact => false,
        SearchSpaceKind::UeAll => usize::from(size) == n_bits,
        _ => true,
    };
    Ok(match (full, downlink) {
        (true, false) => Dci::F0_1(Dci0_1::default()),
        (true, true) => Dci::F1_1(Dci1_1::default()),
        (false, false) => Dci::F0_2(Dci0_1::default()),
        (false, true) => Dci::F1_2(Dci1_1::default()),
    })
}
