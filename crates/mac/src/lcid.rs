//! Logical channel identities. Spec: TS 38.321 tables 6.2.1-1 and 6.2.1-2

/// CCCH; on the UL-SCH it is the CCCH of 64 bits (RRCResumeRequest1).
pub const CCCH: u8 = 0;
/// UL-SCH: the CCCH of 48 bits.
pub const CCCH_48: u8 = 52;
/// Two-octet extended LCID follows.
pub const EXTENDED_2: u8 = 33;
/// One-octet extended LCID follows.
pub const EXTENDED_1: u8 = 34;
/// DL-SCH: Recommended bit rate.
pub const RECOMMENDED_BIT_RATE: u8 = 47;
/// DL-SCH: Long DRX Command.
pub const LONG_DRX_COMMAND: u8 = 59;
/// DL-SCH: DRX Command.
pub const DRX_COMMAND: u8 = 60;
/// DL-SCH: Timing Advance Command.
pub const TIMING_ADVANCE_COMMAND: u8 = 61;
/// DL-SCH: UE Contention Resolution Identity.
pub const CONTENTION_RESOLUTION: u8 = 62;
/// UL-SCH: Configured Grant Confirmation.
pub const CONFIGURED_GRANT_CONFIRMATION: u8 = 55;
/// UL-SCH: Single Entry PHR.
pub const SINGLE_ENTRY_PHR: u8 = 57;
/// UL-SCH: C-RNTI.
pub const C_RNTI: u8 = 58;
/// UL-SCH: Short Truncated BSR.
pub const SHORT_TRUNCATED_BSR: u8 = 59;
/// UL-SCH: Long Truncated BSR.
pub const LONG_TRUNCATED_BSR: u8 = 60;
/// UL-SCH: Short BSR.
pub const SHORT_BSR: u8 = 61;
/// UL-SCH: Long BSR.
pub const LONG_BSR: u8 = 62;
/// Padding.
pub const PADDING: u8 = 63;

/// How the length of a subPDU is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
    /// Always this many bytes, no L field.
    Fixed(u8),
    /// An L field says it.
    Variable,
    /// The rest of the PDU.
    Padding,
    /// Reserved or an extension that is not understood.
    Unknown,
}

/// Spec: TS 38.321 §6.1.3, table 6.2.1-1
pub(crate) fn dl_size(lcid: u8) -> Size {
    match lcid {
        0..=32 => Size::Variable,
        47 | 48 | 51 | 52 => Size::Fixed(2),
        49 => Size::Fixed(3),
        50 | 53 | 54 | 55 => Size::Variable,
        56 | 58 | 61 => Size::Fixed(1),
        57 => Size::Fixed(4),
        59 | 60 => Size::Fixed(0),
        62 => Size::Fixed(6),
        PADDING => Size::Padding,
        _ => Size::Unknown,
    }
}

/// Spec: TS 38.321 §6.1.3, table 6.2.1-2
pub(crate) fn ul_size(lcid: u8) -> Size {
    match lcid {
        0 => Size::Fixed(8),
        1..=32 => Size::Variable,
        48 => Size::Fixed(4),
        49 | 59 | 61 => Size::Fixed(1),
        50 | 51 | 54 | 56 | 60 | 62 => Size::Variable,
        CCCH_48 => Size::Fixed(6),
        53 | 57 | 58 => Size::Fixed(2),
        55 => Size::Fixed(0),
        PADDING => Size::Padding,
        _ => Size::Unknown,
    }
}
