//! Random access preambles: formats, configurations, cyclic shifts, root sequences.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | L_RA | [`Preamble::l_ra`] | sequence length | 139, 839 |
//! | N_u | [`Preamble::n_u`] | useful part, all repetitions | T_c |
//! | N_CP^RA | [`Preamble::n_cp`] | cyclic prefix | T_c |
//! | n_SFN mod x = y | [`PrachConfiguration::x`], [`PrachConfiguration::y`] | frames with occasions | |
//! | N_t^RA,slot | [`PrachConfiguration::n_occasions`] | occasions in time within a PRACH slot | 1..=7 |
//! | N_dur^RA | [`PrachConfiguration::duration`] | symbols of an occasion | 0, 2, 4, 6, 12 |
//! | N_CS | [`n_cs`] | cyclic shift step | 0..=419 |
//! | u | [`root`] | sequence number | 1..L_RA |
//!
//! Left out: FR2 (table 6.3.3.2-4), L_RA = 571 and 1151, restricted sets.
//!
//! Spec: TS 38.211 §6.3.3

use crate::{Numerology, SlotPoint, Tc};

/// A preamble format. Spec: TS 38.211 tables 6.3.3.1-1, 6.3.3.1-2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum PrachFormat {
    F0,
    F1,
    F2,
    F3,
    A1,
    A2,
    A3,
    B1,
    B2,
    B3,
    B4,
    C0,
    C2,
}

/// Sizes of a preamble. Spec: TS 38.211 tables 6.3.3.1-1, 6.3.3.1-2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preamble {
    /// Sequence length L_RA.
    pub l_ra: u16,
    /// Subcarrier spacing of the preamble, Hz.
    pub scs_hz: u32,
    /// Times that the sequence is repeated.
    pub n_repetitions: u8,
    /// N_u: all repetitions.
    pub n_u: Tc,
    /// N_CP^RA, without the extension of TS 38.211 §5.3.2.
    pub n_cp: Tc,
}

/// kappa: T_s / T_c.
const KAPPA: i64 = 64;

impl PrachFormat {
    /// Whether its sequence has 839 elements.
    pub const fn is_long(self) -> bool {
        matches!(self, Self::F0 | Self::F1 | Self::F2 | Self::F3)
    }

    /// Its sizes; `numerology` is that of msg1-SubcarrierSpacing and matters for short formats only.
    pub const fn preamble(self, numerology: Numerology) -> Preamble {
        // (repetitions, cyclic prefix in kappa)
        let (n, cp) = match self {
            Self::F0 => (1, 3168),
            Self::F1 => (2, 21024),
            Self::F2 => (4, 4688),
            Self::F3 => (4, 3168),
            Self::A1 => (2, 288),
            Self::A2 => (4, 576),
            Self::A3 => (6, 864),
            Self::B1 => (2, 216),
            Self::B2 => (4, 360),
            Self::B3 => (6, 504),
            Self::B4 => (12, 936),
            Self::C0 => (1, 1240),
            Self::C2 => (4, 2048),
        };
        let (l_ra, scs_hz, shift) = match self {
            Self::F0 | Self::F1 | Self::F2 => (839, 1250, 0),
            Self::F3 => (839, 5000, 0),
            _ => (139, numerology.scs_hz(), numerology.mu()),
        };
        let one = Tc::PER_SECOND / scs_hz as i64;
        Preamble { l_ra, scs_hz, n_repetitions: n, n_u: Tc(one * n as i64), n_cp: Tc((cp * KAPPA) >> shift) }
    }
}

/// One row of table 6.3.3.2-2 or 6.3.3.2-3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrachConfiguration {
    /// Preamble format.
    pub format: PrachFormat,
    /// Format of the last occasion of a PRACH slot where it differs (A1/B1, A2/B2, A3/B3).
    pub last_format: PrachFormat,
    /// Period in frames.
    pub x: u8,
    /// Frame within the period.
    pub y: u8,
    /// Bit i: subframe i has occasions.
    pub subframes: u16,
    /// Starting symbol: of 15 kHz for long formats, of the preamble's numerology for short ones.
    pub start_symbol: u8,
    /// PRACH slots in a subframe (60 kHz slots count otherwise); 1 for long formats.
    pub n_slots: u8,
    /// Occasions in time in a PRACH slot; 1 for long formats.
    pub n_occasions: u8,
    /// Symbols of an occasion; 0 for long formats.
    pub duration: u8,
}

/// An occasion in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrachTime {
    /// First symbol in the slot that was asked about.
    pub start_symbol: u8,
    /// t_id of the RA-RNTI: slot in the frame (of the preamble's numerology; subframe for long formats).
    pub t_id: u8,
    /// s_id of the RA-RNTI: first symbol (of 15 kHz for long formats).
    pub s_id: u8,
    /// Format in this occasion.
    pub format: PrachFormat,
}

/// Row `index` (prach-ConfigurationIndex) for FR1; `paired` spectrum means FDD. `None` above 255.
///
/// Spec: TS 38.211 tables 6.3.3.2-2, 6.3.3.2-3
pub fn configuration(paired: bool, index: u16) -> Option<PrachConfiguration> {
    let table = if paired { &FR1_PAIRED } else { &FR1_UNPAIRED };
    let (name, x, y, subframes, start_symbol, n_slots, n_occasions, duration) = *table.get(index as usize)?;
    let (format, last_format) = name.formats();
    let one = |n: u8| if format.is_long() { 1 } else { n };
    Some(PrachConfiguration {
        format,
        last_format,
        x,
        y,
        subframes,
        start_symbol,
        n_slots: one(n_slots),
        n_occasions: one(n_occasions),
        duration,
    })
}

impl PrachConfiguration {
    /// The occasions in time that start in `slot` (of the uplink carrier), first to last.
    ///
    /// Spec: TS 38.211 §5.3.2, §6.3.3.2, TS 38.321 §5.1.3. Short formats: the preamble has the carrier's numerology.
    pub fn occasions(&self, slot: SlotPoint) -> impl Iterator<Item = PrachTime> + use<> {
        let config = *self;
        let mu = slot.numerology().mu();
        let in_subframe = slot.slot() % slot.numerology().slots_per_subframe();
        let frame = slot.sfn() % config.x.max(1) as u32 == config.y as u32;
        let subframe = config.subframes >> slot.subframe() & 1 == 1;
        let (here, start) = if config.format.is_long() {
            // The start counts in symbols of 15 kHz: 0 or 7.
            let symbol = (config.start_symbol as u32) << mu;
            (symbol / 14 == in_subframe, (symbol % 14) as u8)
        } else {
            // 30 and 120 kHz have two slots where 15 and 60 kHz have one: the second unless both are used.
            let slot_of_pair = in_subframe % 2;
            (mu.is_multiple_of(2) || config.n_slots == 2 || slot_of_pair == 1, config.start_symbol)
        };
        let n = if frame && subframe && here { config.n_occasions } else { 0 };
        (0..n).map(move |i| {
            let last = i + 1 == config.n_occasions;
            let start_symbol = start + i * config.duration;
            let long = config.format.is_long();
            PrachTime {
                start_symbol,
                t_id: if long { slot.subframe() as u8 } else { slot.slot() as u8 },
                s_id: if long { config.start_symbol } else { start_symbol },
                format: if last { config.last_format } else { config.format },
            }
        })
    }
}

/// (N_RB^RA, k-bar): resource blocks of the uplink carrier that an occasion takes, and the offset of its first subcarrier in
/// preamble subcarriers. `None` where the table has no row (FR1).
///
/// Spec: TS 38.211 table 6.3.3.2-1
pub const fn frequency_size(preamble_scs_hz: u32, carrier: Numerology) -> Option<(u8, u8)> {
    Some(match (preamble_scs_hz, carrier.mu()) {
        (1250, 0) => (6, 7),
        (1250, 1) => (3, 1),
        (1250, 2) => (2, 133),
        (5000, 0) => (24, 12),
        (5000, 1) => (12, 10),
        (5000, 2) => (6, 7),
        (15_000, 0) => (12, 2),
        (15_000, 1) => (6, 2),
        (15_000, 2) => (3, 2),
        (30_000, 0) => (24, 2),
        (30_000, 1) => (12, 2),
        (30_000, 2) => (6, 2),
        _ => return None,
    })
}

/// Table 6.3.3.1-5, unrestricted set.
const N_CS_1250: [u16; 16] = [0, 13, 15, 18, 22, 26, 32, 38, 46, 59, 76, 93, 119, 167, 279, 419];
/// Table 6.3.3.1-6, unrestricted set.
const N_CS_5000: [u16; 16] = [0, 13, 26, 33, 38, 41, 49, 55, 64, 76, 93, 119, 139, 209, 279, 419];
/// Table 6.3.3.1-7.
const N_CS_SHORT: [u16; 16] = [0, 2, 4, 6, 8, 10, 12, 13, 15, 17, 19, 23, 27, 34, 46, 69];

/// N_CS of the unrestricted set by zeroCorrelationZoneConfig; `None` above 15.
///
/// Spec: TS 38.211 tables 6.3.3.1-5 to -7
pub fn n_cs(format: PrachFormat, zero_correlation_zone: u8) -> Option<u16> {
    let table = match format {
        PrachFormat::F0 | PrachFormat::F1 | PrachFormat::F2 => &N_CS_1250,
        PrachFormat::F3 => &N_CS_5000,
        _ => &N_CS_SHORT,
    };
    table.get(zero_correlation_zone as usize).copied()
}

/// Sequence number u of logical root index `i`, taken modulo the table's length.
///
/// Spec: TS 38.211 tables 6.3.3.1-3 (L_RA = 839), 6.3.3.1-4 (L_RA = 139)
pub fn root(long: bool, i: u16) -> u16 {
    if long {
        let i = i % 838;
        let u = ROOTS_839[(i / 2) as usize];
        if i.is_multiple_of(2) { u } else { 839 - u }
    } else {
        let i = i % 138;
        if i.is_multiple_of(2) { i / 2 + 1 } else { 138 - i / 2 }
    }
}

/// Formats as the configuration tables name them.
#[derive(Clone, Copy)]
enum Name {
    F0,
    F1,
    F2,
    F3,
    A1,
    A2,
    A3,
    B1,
    B4,
    C0,
    C2,
    A1B1,
    A2B2,
    A3B3,
}

impl Name {
    fn formats(self) -> (PrachFormat, PrachFormat) {
        let one = match self {
            Name::F0 => PrachFormat::F0,
            Name::F1 => PrachFormat::F1,
            Name::F2 => PrachFormat::F2,
            Name::F3 => PrachFormat::F3,
            Name::A1 => PrachFormat::A1,
            Name::A2 => PrachFormat::A2,
            Name::A3 => PrachFormat::A3,
            Name::B1 => PrachFormat::B1,
            Name::B4 => PrachFormat::B4,
            Name::C0 => PrachFormat::C0,
            Name::C2 => PrachFormat::C2,
            Name::A1B1 => return (PrachFormat::A1, PrachFormat::B1),
            Name::A2B2 => return (PrachFormat::A2, PrachFormat::B2),
            Name::A3B3 => return (PrachFormat::A3, PrachFormat::B3),
        };
        (one, one)
    }
}

use Name::*;

/// Format, x, y, subframes (bit i is subframe i), starting symbol, PRACH slots in a subframe, occasions in a PRACH slot,
/// symbols of an occasion; the last three are zero for long formats.
type Row = (Name, u8, u8, u16, u8, u8, u8, u8);

/// Table 6.3.3.2-2.
#[rustfmt::skip]
const FR1_PAIRED: [Row; 256] = [
    (F0, 16, 1, 2, 0, 0, 0, 0), (F0, 16, 1, 16, 0, 0, 0, 0), (F0, 16, 1, 128, 0, 0, 0, 0),
    (F0, 16, 1, 512, 0, 0, 0, 0), (F0, 8, 1, 2, 0, 0, 0, 0), (F0, 8, 1, 16, 0, 0, 0, 0), (F0, 8, 1, 128, 0, 0, 0, 0),
    (F0, 8, 1, 512, 0, 0, 0, 0), (F0, 4, 1, 2, 0, 0, 0, 0), (F0, 4, 1, 16, 0, 0, 0, 0), (F0, 4, 1, 128, 0, 0, 0, 0),
    (F0, 4, 1, 512, 0, 0, 0, 0), (F0, 2, 1, 2, 0, 0, 0, 0), (F0, 2, 1, 16, 0, 0, 0, 0), (F0, 2, 1, 128, 0, 0, 0, 0),
    (F0, 2, 1, 512, 0, 0, 0, 0), (F0, 1, 0, 2, 0, 0, 0, 0), (F0, 1, 0, 16, 0, 0, 0, 0), (F0, 1, 0, 128, 0, 0, 0, 0),
    (F0, 1, 0, 66, 0, 0, 0, 0), (F0, 1, 0, 132, 0, 0, 0, 0), (F0, 1, 0, 264, 0, 0, 0, 0), (F0, 1, 0, 146, 0, 0, 0, 0),
    (F0, 1, 0, 292, 0, 0, 0, 0), (F0, 1, 0, 584, 0, 0, 0, 0), (F0, 1, 0, 341, 0, 0, 0, 0),
    (F0, 1, 0, 682, 0, 0, 0, 0), (F0, 1, 0, 1023, 0, 0, 0, 0), (F1, 16, 1, 2, 0, 0, 0, 0),
    (F1, 16, 1, 16, 0, 0, 0, 0), (F1, 16, 1, 128, 0, 0, 0, 0), (F1, 16, 1, 512, 0, 0, 0, 0),
    (F1, 8, 1, 2, 0, 0, 0, 0), (F1, 8, 1, 16, 0, 0, 0, 0), (F1, 8, 1, 128, 0, 0, 0, 0), (F1, 8, 1, 512, 0, 0, 0, 0),
    (F1, 4, 1, 2, 0, 0, 0, 0), (F1, 4, 1, 16, 0, 0, 0, 0), (F1, 4, 1, 128, 0, 0, 0, 0), (F1, 4, 1, 512, 0, 0, 0, 0),
    (F1, 2, 1, 2, 0, 0, 0, 0), (F1, 2, 1, 16, 0, 0, 0, 0), (F1, 2, 1, 128, 0, 0, 0, 0), (F1, 2, 1, 512, 0, 0, 0, 0),
    (F1, 1, 0, 2, 0, 0, 0, 0), (F1, 1, 0, 16, 0, 0, 0, 0), (F1, 1, 0, 128, 0, 0, 0, 0), (F1, 1, 0, 66, 0, 0, 0, 0),
    (F1, 1, 0, 132, 0, 0, 0, 0), (F1, 1, 0, 264, 0, 0, 0, 0), (F1, 1, 0, 146, 0, 0, 0, 0),
    (F1, 1, 0, 292, 0, 0, 0, 0), (F1, 1, 0, 584, 0, 0, 0, 0), (F2, 16, 1, 2, 0, 0, 0, 0), (F2, 8, 1, 2, 0, 0, 0, 0),
    (F2, 4, 0, 2, 0, 0, 0, 0), (F2, 2, 0, 2, 0, 0, 0, 0), (F2, 2, 0, 32, 0, 0, 0, 0), (F2, 1, 0, 2, 0, 0, 0, 0),
    (F2, 1, 0, 32, 0, 0, 0, 0), (F3, 16, 1, 2, 0, 0, 0, 0), (F3, 16, 1, 16, 0, 0, 0, 0), (F3, 16, 1, 128, 0, 0, 0, 0),
    (F3, 16, 1, 512, 0, 0, 0, 0), (F3, 8, 1, 2, 0, 0, 0, 0), (F3, 8, 1, 16, 0, 0, 0, 0), (F3, 8, 1, 128, 0, 0, 0, 0),
    (F3, 4, 1, 2, 0, 0, 0, 0), (F3, 4, 1, 16, 0, 0, 0, 0), (F3, 4, 1, 128, 0, 0, 0, 0), (F3, 4, 1, 512, 0, 0, 0, 0),
    (F3, 2, 1, 2, 0, 0, 0, 0), (F3, 2, 1, 16, 0, 0, 0, 0), (F3, 2, 1, 128, 0, 0, 0, 0), (F3, 2, 1, 512, 0, 0, 0, 0),
    (F3, 1, 0, 2, 0, 0, 0, 0), (F3, 1, 0, 16, 0, 0, 0, 0), (F3, 1, 0, 128, 0, 0, 0, 0), (F3, 1, 0, 66, 0, 0, 0, 0),
    (F3, 1, 0, 132, 0, 0, 0, 0), (F3, 1, 0, 264, 0, 0, 0, 0), (F3, 1, 0, 146, 0, 0, 0, 0),
    (F3, 1, 0, 292, 0, 0, 0, 0), (F3, 1, 0, 584, 0, 0, 0, 0), (F3, 1, 0, 341, 0, 0, 0, 0),
    (F3, 1, 0, 682, 0, 0, 0, 0), (F3, 1, 0, 1023, 0, 0, 0, 0), (A1, 16, 0, 528, 0, 1, 6, 2),
    (A1, 16, 1, 16, 0, 2, 6, 2), (A1, 8, 0, 528, 0, 1, 6, 2), (A1, 8, 1, 16, 0, 2, 6, 2), (A1, 4, 0, 528, 0, 1, 6, 2),
    (A1, 4, 1, 528, 0, 1, 6, 2), (A1, 4, 0, 16, 0, 2, 6, 2), (A1, 2, 0, 528, 0, 1, 6, 2), (A1, 2, 0, 2, 0, 2, 6, 2),
    (A1, 2, 0, 16, 0, 2, 6, 2), (A1, 2, 0, 128, 0, 2, 6, 2), (A1, 1, 0, 16, 0, 1, 6, 2), (A1, 1, 0, 66, 0, 1, 6, 2),
    (A1, 1, 0, 528, 0, 1, 6, 2), (A1, 1, 0, 2, 0, 2, 6, 2), (A1, 1, 0, 128, 0, 2, 6, 2), (A1, 1, 0, 132, 0, 2, 6, 2),
    (A1, 1, 0, 146, 0, 2, 6, 2), (A1, 1, 0, 341, 0, 2, 6, 2), (A1, 1, 0, 1023, 0, 2, 6, 2),
    (A1, 1, 0, 682, 0, 2, 6, 2), (A1B1, 2, 0, 528, 0, 1, 7, 2), (A1B1, 2, 0, 16, 0, 2, 7, 2),
    (A1B1, 1, 0, 16, 0, 1, 7, 2), (A1B1, 1, 0, 66, 0, 1, 7, 2), (A1B1, 1, 0, 528, 0, 1, 7, 2),
    (A1B1, 1, 0, 2, 0, 2, 7, 2), (A1B1, 1, 0, 128, 0, 2, 7, 2), (A1B1, 1, 0, 146, 0, 2, 7, 2),
    (A1B1, 1, 0, 341, 0, 2, 7, 2), (A2, 16, 1, 580, 0, 1, 3, 4), (A2, 16, 1, 16, 0, 2, 3, 4),
    (A2, 8, 1, 580, 0, 1, 3, 4), (A2, 8, 1, 16, 0, 2, 3, 4), (A2, 4, 0, 580, 0, 1, 3, 4), (A2, 4, 0, 16, 0, 2, 3, 4),
    (A2, 2, 1, 580, 0, 1, 3, 4), (A2, 2, 0, 2, 0, 2, 3, 4), (A2, 2, 0, 16, 0, 2, 3, 4), (A2, 2, 0, 128, 0, 2, 3, 4),
    (A2, 1, 0, 16, 0, 1, 3, 4), (A2, 1, 0, 66, 0, 1, 3, 4), (A2, 1, 0, 528, 0, 1, 3, 4), (A2, 1, 0, 2, 0, 2, 3, 4),
    (A2, 1, 0, 128, 0, 2, 3, 4), (A2, 1, 0, 132, 0, 2, 3, 4), (A2, 1, 0, 146, 0, 2, 3, 4),
    (A2, 1, 0, 341, 0, 2, 3, 4), (A2, 1, 0, 1023, 0, 2, 3, 4), (A2, 1, 0, 682, 0, 2, 3, 4),
    (A2B2, 2, 1, 580, 0, 1, 3, 4), (A2B2, 2, 0, 16, 0, 2, 3, 4), (A2B2, 1, 0, 16, 0, 1, 3, 4),
    (A2B2, 1, 0, 66, 0, 1, 3, 4), (A2B2, 1, 0, 528, 0, 1, 3, 4), (A2B2, 1, 0, 2, 0, 2, 3, 4),
    (A2B2, 1, 0, 128, 0, 2, 3, 4), (A2B2, 1, 0, 146, 0, 2, 3, 4), (A2B2, 1, 0, 341, 0, 2, 3, 4),
    (A2B2, 1, 0, 1023, 0, 2, 3, 4), (A3, 16, 1, 528, 0, 1, 2, 6), (A3, 16, 1, 16, 0, 2, 2, 6),
    (A3, 8, 1, 528, 0, 1, 2, 6), (A3, 8, 1, 16, 0, 2, 2, 6), (A3, 4, 0, 528, 0, 1, 2, 6), (A3, 4, 0, 16, 0, 2, 2, 6),
    (A3, 2, 1, 580, 0, 2, 2, 6), (A3, 2, 0, 2, 0, 2, 2, 6), (A3, 2, 0, 16, 0, 2, 2, 6), (A3, 2, 0, 128, 0, 2, 2, 6),
    (A3, 1, 0, 16, 0, 1, 2, 6), (A3, 1, 0, 66, 0, 1, 2, 6), (A3, 1, 0, 528, 0, 1, 2, 6), (A3, 1, 0, 2, 0, 2, 2, 6),
    (A3, 1, 0, 128, 0, 2, 2, 6), (A3, 1, 0, 132, 0, 2, 2, 6), (A3, 1, 0, 146, 0, 2, 2, 6),
    (A3, 1, 0, 341, 0, 2, 2, 6), (A3, 1, 0, 1023, 0, 2, 2, 6), (A3, 1, 0, 682, 0, 2, 2, 6),
    (A3B3, 2, 1, 580, 0, 2, 2, 6), (A3B3, 2, 0, 16, 0, 2, 2, 6), (A3B3, 1, 0, 16, 0, 1, 2, 6),
    (A3B3, 1, 0, 66, 0, 1, 2, 6), (A3B3, 1, 0, 528, 0, 1, 2, 6), (A3B3, 1, 0, 2, 0, 2, 2, 6),
    (A3B3, 1, 0, 128, 0, 2, 2, 6), (A3B3, 1, 0, 146, 0, 2, 2, 6), (A3B3, 1, 0, 341, 0, 2, 2, 6),
    (A3B3, 1, 0, 1023, 0, 2, 2, 6), (B1, 16, 0, 528, 0, 1, 7, 2), (B1, 16, 1, 16, 0, 2, 7, 2),
    (B1, 8, 0, 528, 0, 1, 7, 2), (B1, 8, 1, 16, 0, 2, 7, 2), (B1, 4, 0, 528, 0, 1, 7, 2), (B1, 4, 1, 528, 0, 1, 7, 2),
    (B1, 4, 0, 16, 0, 2, 7, 2), (B1, 2, 0, 528, 0, 1, 7, 2), (B1, 2, 0, 2, 0, 2, 7, 2), (B1, 2, 0, 16, 0, 2, 7, 2),
    (B1, 2, 0, 128, 0, 2, 7, 2), (B1, 1, 0, 16, 0, 1, 7, 2), (B1, 1, 0, 66, 0, 1, 7, 2), (B1, 1, 0, 528, 0, 1, 7, 2),
    (B1, 1, 0, 2, 0, 2, 7, 2), (B1, 1, 0, 128, 0, 2, 7, 2), (B1, 1, 0, 132, 0, 2, 7, 2), (B1, 1, 0, 146, 0, 2, 7, 2),
    (B1, 1, 0, 341, 0, 2, 7, 2), (B1, 1, 0, 1023, 0, 2, 7, 2), (B1, 1, 0, 682, 0, 2, 7, 2),
    (B4, 16, 0, 528, 0, 2, 1, 12), (B4, 16, 1, 16, 0, 2, 1, 12), (B4, 8, 0, 528, 0, 2, 1, 12),
    (B4, 8, 1, 16, 0, 2, 1, 12), (B4, 4, 0, 528, 0, 2, 1, 12), (B4, 4, 0, 16, 0, 2, 1, 12),
    (B4, 4, 1, 528, 0, 2, 1, 12), (B4, 2, 0, 528, 0, 2, 1, 12), (B4, 2, 0, 2, 0, 2, 1, 12),
    (B4, 2, 0, 16, 0, 2, 1, 12), (B4, 2, 0, 128, 0, 2, 1, 12), (B4, 1, 0, 2, 0, 2, 1, 12),
    (B4, 1, 0, 16, 0, 2, 1, 12), (B4, 1, 0, 128, 0, 2, 1, 12), (B4, 1, 0, 66, 0, 2, 1, 12),
    (B4, 1, 0, 132, 0, 2, 1, 12), (B4, 1, 0, 528, 0, 2, 1, 12), (B4, 1, 0, 146, 0, 2, 1, 12),
    (B4, 1, 0, 341, 0, 2, 1, 12), (B4, 1, 0, 1023, 0, 2, 1, 12), (B4, 1, 0, 682, 0, 2, 1, 12),
    (C0, 8, 1, 16, 0, 2, 7, 2), (C0, 4, 1, 528, 0, 1, 7, 2), (C0, 4, 0, 16, 0, 2, 7, 2), (C0, 2, 0, 528, 0, 1, 7, 2),
    (C0, 2, 0, 2, 0, 2, 7, 2), (C0, 2, 0, 16, 0, 2, 7, 2), (C0, 2, 0, 128, 0, 2, 7, 2), (C0, 1, 0, 16, 0, 1, 7, 2),
    (C0, 1, 0, 66, 0, 1, 7, 2), (C0, 1, 0, 528, 0, 1, 7, 2), (C0, 1, 0, 2, 0, 2, 7, 2), (C0, 1, 0, 128, 0, 2, 7, 2),
    (C0, 1, 0, 132, 0, 2, 7, 2), (C0, 1, 0, 146, 0, 2, 7, 2), (C0, 1, 0, 341, 0, 2, 7, 2),
    (C0, 1, 0, 1023, 0, 2, 7, 2), (C0, 1, 0, 682, 0, 2, 7, 2), (C2, 16, 1, 528, 0, 1, 2, 6),
    (C2, 16, 1, 16, 0, 2, 2, 6), (C2, 8, 1, 528, 0, 1, 2, 6), (C2, 8, 1, 16, 0, 2, 2, 6), (C2, 4, 0, 528, 0, 1, 2, 6),
    (C2, 4, 0, 16, 0, 2, 2, 6), (C2, 2, 1, 580, 0, 2, 2, 6), (C2, 2, 0, 2, 0, 2, 2, 6), (C2, 2, 0, 16, 0, 2, 2, 6),
    (C2, 2, 0, 128, 0, 2, 2, 6), (C2, 1, 0, 16, 0, 1, 2, 6), (C2, 1, 0, 66, 0, 1, 2, 6), (C2, 1, 0, 528, 0, 1, 2, 6),
    (C2, 1, 0, 2, 0, 2, 2, 6), (C2, 1, 0, 128, 0, 2, 2, 6), (C2, 1, 0, 132, 0, 2, 2, 6), (C2, 1, 0, 146, 0, 2, 2, 6),
    (C2, 1, 0, 341, 0, 2, 2, 6), (C2, 1, 0, 1023, 0, 2, 2, 6), (C2, 1, 0, 682, 0, 2, 2, 6),
];

/// Table 6.3.3.2-3.
#[rustfmt::skip]
const FR1_UNPAIRED: [Row; 256] = [
    (F0, 16, 1, 512, 0, 0, 0, 0), (F0, 8, 1, 512, 0, 0, 0, 0), (F0, 4, 1, 512, 0, 0, 0, 0),
    (F0, 2, 0, 512, 0, 0, 0, 0), (F0, 2, 1, 512, 0, 0, 0, 0), (F0, 2, 0, 16, 0, 0, 0, 0), (F0, 2, 1, 16, 0, 0, 0, 0),
    (F0, 1, 0, 512, 0, 0, 0, 0), (F0, 1, 0, 256, 0, 0, 0, 0), (F0, 1, 0, 128, 0, 0, 0, 0), (F0, 1, 0, 64, 0, 0, 0, 0),
    (F0, 1, 0, 32, 0, 0, 0, 0), (F0, 1, 0, 16, 0, 0, 0, 0), (F0, 1, 0, 8, 0, 0, 0, 0), (F0, 1, 0, 4, 0, 0, 0, 0),
    (F0, 1, 0, 66, 0, 0, 0, 0), (F0, 1, 0, 66, 7, 0, 0, 0), (F0, 1, 0, 528, 0, 0, 0, 0), (F0, 1, 0, 264, 0, 0, 0, 0),
    (F0, 1, 0, 132, 0, 0, 0, 0), (F0, 1, 0, 768, 0, 0, 0, 0), (F0, 1, 0, 784, 0, 0, 0, 0),
    (F0, 1, 0, 536, 0, 0, 0, 0), (F0, 1, 0, 896, 0, 0, 0, 0), (F0, 1, 0, 792, 0, 0, 0, 0),
    (F0, 1, 0, 960, 0, 0, 0, 0), (F0, 1, 0, 594, 0, 0, 0, 0), (F0, 1, 0, 682, 0, 0, 0, 0),
    (F1, 16, 1, 128, 0, 0, 0, 0), (F1, 8, 1, 128, 0, 0, 0, 0), (F1, 4, 1, 128, 0, 0, 0, 0),
    (F1, 2, 0, 128, 0, 0, 0, 0), (F1, 2, 1, 128, 0, 0, 0, 0), (F1, 1, 0, 128, 0, 0, 0, 0),
    (F2, 16, 1, 64, 0, 0, 0, 0), (F2, 8, 1, 64, 0, 0, 0, 0), (F2, 4, 1, 64, 0, 0, 0, 0), (F2, 2, 0, 64, 7, 0, 0, 0),
    (F2, 2, 1, 64, 7, 0, 0, 0), (F2, 1, 0, 64, 7, 0, 0, 0), (F3, 16, 1, 512, 0, 0, 0, 0), (F3, 8, 1, 512, 0, 0, 0, 0),
    (F3, 4, 1, 512, 0, 0, 0, 0), (F3, 2, 0, 512, 0, 0, 0, 0), (F3, 2, 1, 512, 0, 0, 0, 0), (F3, 2, 0, 16, 0, 0, 0, 0),
    (F3, 2, 1, 16, 0, 0, 0, 0), (F3, 1, 0, 512, 0, 0, 0, 0), (F3, 1, 0, 256, 0, 0, 0, 0), (F3, 1, 0, 128, 0, 0, 0, 0),
    (F3, 1, 0, 64, 0, 0, 0, 0), (F3, 1, 0, 32, 0, 0, 0, 0), (F3, 1, 0, 16, 0, 0, 0, 0), (F3, 1, 0, 8, 0, 0, 0, 0),
    (F3, 1, 0, 4, 0, 0, 0, 0), (F3, 1, 0, 66, 0, 0, 0, 0), (F3, 1, 0, 66, 7, 0, 0, 0), (F3, 1, 0, 528, 0, 0, 0, 0),
    (F3, 1, 0, 264, 0, 0, 0, 0), (F3, 1, 0, 132, 0, 0, 0, 0), (F3, 1, 0, 768, 0, 0, 0, 0),
    (F3, 1, 0, 784, 0, 0, 0, 0), (F3, 1, 0, 536, 0, 0, 0, 0), (F3, 1, 0, 896, 0, 0, 0, 0),
    (F3, 1, 0, 792, 0, 0, 0, 0), (F3, 1, 0, 594, 0, 0, 0, 0), (F3, 1, 0, 682, 0, 0, 0, 0),
    (A1, 16, 1, 512, 0, 2, 6, 2), (A1, 8, 1, 512, 0, 2, 6, 2), (A1, 4, 1, 512, 0, 1, 6, 2),
    (A1, 2, 1, 512, 0, 1, 6, 2), (A1, 2, 1, 528, 7, 1, 3, 2), (A1, 2, 1, 640, 7, 1, 3, 2),
    (A1, 2, 1, 640, 0, 1, 6, 2), (A1, 2, 1, 768, 0, 2, 6, 2), (A1, 2, 1, 528, 0, 2, 6, 2),
    (A1, 2, 1, 924, 0, 1, 6, 2), (A1, 1, 0, 512, 0, 2, 6, 2), (A1, 1, 0, 512, 7, 1, 3, 2),
    (A1, 1, 0, 512, 0, 1, 6, 2), (A1, 1, 0, 768, 0, 2, 6, 2), (A1, 1, 0, 528, 0, 1, 6, 2),
    (A1, 1, 0, 640, 7, 1, 3, 2), (A1, 1, 0, 792, 0, 1, 6, 2), (A1, 1, 0, 792, 0, 2, 6, 2),
    (A1, 1, 0, 682, 0, 1, 6, 2), (A1, 1, 0, 1023, 7, 1, 3, 2), (A2, 16, 1, 512, 0, 2, 3, 4),
    (A2, 8, 1, 512, 0, 2, 3, 4), (A2, 4, 1, 512, 0, 1, 3, 4), (A2, 2, 1, 640, 0, 1, 3, 4),
    (A2, 2, 1, 768, 0, 2, 3, 4), (A2, 2, 1, 640, 9, 1, 1, 4), (A2, 2, 1, 528, 9, 1, 1, 4),
    (A2, 2, 1, 528, 0, 2, 3, 4), (A2, 2, 1, 924, 0, 1, 3, 4), (A2, 1, 0, 4, 0, 1, 3, 4), (A2, 1, 0, 128, 0, 1, 3, 4),
    (A2, 2, 1, 512, 0, 1, 3, 4), (A2, 1, 0, 512, 0, 2, 3, 4), (A2, 1, 0, 512, 9, 1, 1, 4),
    (A2, 1, 0, 512, 0, 1, 3, 4), (A2, 1, 0, 132, 0, 1, 3, 4), (A2, 1, 0, 768, 0, 2, 3, 4),
    (A2, 1, 0, 528, 0, 1, 3, 4), (A2, 1, 0, 640, 9, 1, 1, 4), (A2, 1, 0, 792, 0, 1, 3, 4),
    (A2, 1, 0, 792, 0, 2, 3, 4), (A2, 1, 0, 682, 0, 1, 3, 4), (A2, 1, 0, 1023, 9, 1, 1, 4),
    (A3, 16, 1, 512, 0, 2, 2, 6), (A3, 8, 1, 512, 0, 2, 2, 6), (A3, 4, 1, 512, 0, 1, 2, 6),
    (A3, 2, 1, 528, 7, 1, 1, 6), (A3, 2, 1, 640, 7, 1, 1, 6), (A3, 2, 1, 640, 0, 1, 2, 6),
    (A3, 2, 1, 528, 0, 2, 2, 6), (A3, 2, 1, 768, 0, 2, 2, 6), (A3, 2, 1, 924, 0, 1, 2, 6), (A3, 1, 0, 4, 0, 1, 2, 6),
    (A3, 1, 0, 128, 0, 1, 2, 6), (A3, 2, 1, 512, 0, 1, 2, 6), (A3, 1, 0, 512, 0, 2, 2, 6),
    (A3, 1, 0, 512, 7, 1, 1, 6), (A3, 1, 0, 512, 0, 1, 2, 6), (A3, 1, 0, 132, 0, 1, 2, 6),
    (A3, 1, 0, 768, 0, 2, 2, 6), (A3, 1, 0, 528, 0, 1, 2, 6), (A3, 1, 0, 640, 7, 1, 1, 6),
    (A3, 1, 0, 792, 0, 1, 2, 6), (A3, 1, 0, 792, 0, 2, 2, 6), (A3, 1, 0, 682, 0, 1, 2, 6),
    (A3, 1, 0, 1023, 7, 1, 1, 6), (B1, 4, 1, 512, 2, 1, 6, 2), (B1, 2, 1, 512, 2, 1, 6, 2),
    (B1, 2, 1, 640, 2, 1, 6, 2), (B1, 2, 1, 528, 8, 1, 3, 2), (B1, 2, 1, 528, 2, 2, 6, 2),
    (B1, 1, 0, 512, 2, 2, 6, 2), (B1, 1, 0, 512, 8, 1, 3, 2), (B1, 1, 0, 512, 2, 1, 6, 2),
    (B1, 1, 0, 768, 2, 2, 6, 2), (B1, 1, 0, 528, 2, 1, 6, 2), (B1, 1, 0, 640, 8, 1, 3, 2),
    (B1, 1, 0, 682, 2, 1, 6, 2), (B4, 16, 1, 512, 0, 2, 1, 12), (B4, 8, 1, 512, 0, 2, 1, 12),
    (B4, 4, 1, 512, 2, 1, 1, 12), (B4, 2, 1, 512, 0, 1, 1, 12), (B4, 2, 1, 512, 2, 1, 1, 12),
    (B4, 2, 1, 640, 2, 1, 1, 12), (B4, 2, 1, 528, 2, 1, 1, 12), (B4, 2, 1, 528, 0, 2, 1, 12),
    (B4, 2, 1, 768, 0, 2, 1, 12), (B4, 2, 1, 924, 0, 1, 1, 12), (B4, 1, 0, 2, 0, 1, 1, 12),
    (B4, 1, 0, 4, 0, 1, 1, 12), (B4, 1, 0, 16, 0, 1, 1, 12), (B4, 1, 0, 128, 0, 1, 1, 12),
    (B4, 1, 0, 512, 0, 1, 1, 12), (B4, 1, 0, 512, 2, 1, 1, 12), (B4, 1, 0, 512, 0, 2, 1, 12),
    (B4, 1, 0, 528, 2, 1, 1, 12), (B4, 1, 0, 640, 2, 1, 1, 12), (B4, 1, 0, 768, 0, 2, 1, 12),
    (B4, 1, 0, 792, 2, 1, 1, 12), (B4, 1, 0, 682, 2, 1, 1, 12), (B4, 1, 0, 1023, 0, 2, 1, 12),
    (B4, 1, 0, 1023, 2, 1, 1, 12), (C0, 16, 1, 512, 2, 2, 6, 2), (C0, 8, 1, 512, 2, 2, 6, 2),
    (C0, 4, 1, 512, 2, 1, 6, 2), (C0, 2, 1, 512, 2, 1, 6, 2), (C0, 2, 1, 768, 2, 2, 6, 2),
    (C0, 2, 1, 640, 2, 1, 6, 2), (C0, 2, 1, 640, 8, 1, 3, 2), (C0, 2, 1, 528, 8, 1, 3, 2),
    (C0, 2, 1, 528, 2, 2, 6, 2), (C0, 2, 1, 924, 2, 1, 6, 2), (C0, 1, 0, 512, 2, 2, 6, 2),
    (C0, 1, 0, 512, 8, 1, 3, 2), (C0, 1, 0, 512, 2, 1, 6, 2), (C0, 1, 0, 768, 2, 2, 6, 2),
    (C0, 1, 0, 528, 2, 1, 6, 2), (C0, 1, 0, 640, 8, 1, 3, 2), (C0, 1, 0, 792, 2, 1, 6, 2),
    (C0, 1, 0, 792, 2, 2, 6, 2), (C0, 1, 0, 682, 2, 1, 6, 2), (C0, 1, 0, 1023, 8, 1, 3, 2),
    (C2, 16, 1, 512, 2, 2, 2, 6), (C2, 8, 1, 512, 2, 2, 2, 6), (C2, 4, 1, 512, 2, 1, 2, 6),
    (C2, 2, 1, 512, 2, 1, 2, 6), (C2, 2, 1, 768, 2, 2, 2, 6), (C2, 2, 1, 640, 2, 1, 2, 6),
    (C2, 2, 1, 640, 8, 1, 1, 6), (C2, 2, 1, 528, 8, 1, 1, 6), (C2, 2, 1, 528, 2, 2, 2, 6),
    (C2, 2, 1, 924, 2, 1, 2, 6), (C2, 8, 1, 512, 8, 2, 1, 6), (C2, 4, 1, 512, 8, 1, 1, 6),
    (C2, 1, 0, 512, 2, 2, 2, 6), (C2, 1, 0, 512, 8, 1, 1, 6), (C2, 1, 0, 512, 2, 1, 2, 6),
    (C2, 1, 0, 768, 2, 2, 2, 6), (C2, 1, 0, 528, 2, 1, 2, 6), (C2, 1, 0, 640, 8, 1, 1, 6),
    (C2, 1, 0, 792, 2, 1, 2, 6), (C2, 1, 0, 792, 2, 2, 2, 6), (C2, 1, 0, 682, 2, 1, 2, 6),
    (C2, 1, 0, 1023, 8, 1, 1, 6), (A1B1, 2, 1, 512, 2, 1, 6, 2), (A1B1, 2, 1, 528, 8, 1, 3, 2),
    (A1B1, 2, 1, 640, 8, 1, 3, 2), (A1B1, 2, 1, 640, 2, 1, 6, 2), (A1B1, 2, 1, 528, 2, 2, 6, 2),
    (A1B1, 2, 1, 768, 2, 2, 6, 2), (A1B1, 1, 0, 512, 2, 2, 6, 2), (A1B1, 1, 0, 512, 8, 1, 3, 2),
    (A1B1, 1, 0, 512, 2, 1, 6, 2), (A1B1, 1, 0, 768, 2, 2, 6, 2), (A1B1, 1, 0, 528, 2, 1, 6, 2),
    (A1B1, 1, 0, 640, 8, 1, 3, 2), (A1B1, 1, 0, 792, 2, 2, 6, 2), (A1B1, 1, 0, 682, 2, 1, 6, 2),
    (A1B1, 1, 0, 1023, 8, 1, 3, 2), (A2B2, 2, 1, 512, 0, 1, 3, 4), (A2B2, 2, 1, 528, 6, 1, 2, 4),
    (A2B2, 2, 1, 640, 6, 1, 2, 4), (A2B2, 2, 1, 528, 0, 2, 3, 4), (A2B2, 2, 1, 768, 0, 2, 3, 4),
    (A2B2, 1, 0, 512, 0, 2, 3, 4), (A2B2, 1, 0, 512, 6, 1, 2, 4), (A2B2, 1, 0, 512, 0, 1, 3, 4),
    (A2B2, 1, 0, 768, 0, 2, 3, 4), (A2B2, 1, 0, 528, 0, 1, 3, 4), (A2B2, 1, 0, 640, 6, 1, 2, 4),
    (A2B2, 1, 0, 792, 0, 1, 3, 4), (A2B2, 1, 0, 792, 0, 2, 3, 4), (A2B2, 1, 0, 682, 0, 1, 3, 4),
    (A2B2, 1, 0, 1023, 6, 1, 2, 4), (A3B3, 2, 1, 512, 0, 1, 2, 6), (A3B3, 2, 1, 528, 2, 1, 2, 6),
    (A3B3, 2, 1, 640, 0, 1, 2, 6), (A3B3, 2, 1, 640, 2, 1, 2, 6), (A3B3, 2, 1, 528, 0, 2, 2, 6),
    (A3B3, 2, 1, 768, 0, 2, 2, 6), (A3B3, 1, 0, 512, 0, 2, 2, 6), (A3B3, 1, 0, 512, 2, 1, 2, 6),
    (A3B3, 1, 0, 512, 0, 1, 2, 6), (A3B3, 1, 0, 768, 0, 2, 2, 6), (A3B3, 1, 0, 528, 0, 1, 2, 6),
    (A3B3, 1, 0, 640, 2, 1, 2, 6), (A3B3, 1, 0, 792, 0, 2, 2, 6), (A3B3, 1, 0, 682, 0, 1, 2, 6),
    (A3B3, 1, 0, 1023, 2, 1, 2, 6),
];

/// Table 6.3.3.1-3, every other entry: entry 2 i + 1 is 839 less entry 2 i.
#[rustfmt::skip]
const ROOTS_839: [u16; 419] = [
    129, 140, 120, 210, 168, 84, 105, 93, 70, 60, 2, 1, 56, 112, 148, 80, 42, 40, 35, 73, 146, 31, 28, 30, 27, 29, 24,
    48, 68, 74, 178, 136, 86, 78, 43, 39, 20, 21, 95, 202, 190, 181, 137, 125, 151, 217, 128, 142, 122, 203, 118, 110,
    89, 103, 61, 55, 15, 14, 12, 23, 34, 37, 46, 207, 179, 145, 130, 223, 228, 227, 132, 133, 143, 135, 161, 201, 173,
    106, 83, 91, 66, 53, 10, 9, 7, 8, 16, 47, 64, 57, 104, 101, 108, 208, 184, 197, 191, 121, 141, 149, 216, 218, 152,
    144, 134, 138, 199, 162, 176, 119, 158, 164, 174, 171, 170, 87, 169, 88, 107, 81, 82, 100, 98, 71, 59, 65, 50, 49,
    26, 17, 13, 6, 5, 33, 51, 75, 99, 96, 97, 166, 172, 175, 187, 163, 185, 200, 114, 189, 115, 194, 195, 192, 182,
    157, 156, 211, 154, 123, 139, 212, 153, 213, 215, 150, 225, 224, 221, 220, 127, 147, 124, 193, 205, 206, 116, 160,
    186, 167, 79, 85, 77, 92, 58, 62, 69, 54, 36, 32, 25, 18, 11, 4, 3, 19, 22, 41, 38, 44, 52, 45, 63, 67, 72, 76,
    94, 102, 90, 109, 165, 111, 209, 204, 117, 188, 159, 198, 113, 183, 180, 177, 196, 155, 214, 126, 131, 219, 222,
    226, 230, 232, 262, 252, 418, 416, 413, 411, 376, 395, 283, 285, 379, 390, 363, 384, 388, 386, 361, 387, 360, 310,
    354, 328, 315, 337, 349, 335, 324, 323, 320, 334, 359, 295, 385, 292, 291, 381, 399, 380, 397, 369, 377, 410, 407,
    281, 414, 247, 277, 271, 272, 264, 259, 237, 239, 244, 243, 275, 278, 250, 246, 417, 248, 394, 393, 370, 365, 300,
    299, 364, 362, 298, 312, 313, 314, 353, 352, 343, 327, 350, 326, 319, 332, 333, 348, 347, 322, 330, 338, 341, 340,
    342, 301, 366, 401, 371, 408, 375, 249, 269, 238, 234, 257, 273, 255, 254, 245, 251, 412, 372, 282, 403, 396, 392,
    391, 382, 389, 294, 297, 311, 344, 345, 318, 331, 325, 321, 346, 339, 351, 306, 289, 400, 378, 374, 415, 270, 241,
    231, 260, 268, 276, 409, 398, 290, 304, 308, 358, 316, 293, 288, 284, 368, 253, 256, 263, 242, 274, 402, 383, 357,
    329, 317, 307, 286, 287, 266, 261, 236, 303, 356, 355, 405, 404, 406, 235, 267, 302, 309, 265, 233, 367, 296, 336,
    305, 373, 280, 279, 419, 240, 258, 229,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §6.3.3.1 (tables 6.3.3.1-3, 6.3.3.1-4)
    fn roots_are_permutations() {
        for (long, n) in [(true, 839), (false, 139)] {
            let mut roots: Vec<u16> = (0..n - 1).map(|i| root(long, i)).collect();
            roots.sort_unstable();
            assert!(roots.iter().copied().eq(1..n));
        }
        assert_eq!([root(true, 0), root(true, 1), root(true, 22), root(true, 837)], [129, 710, 1, 610]);
        assert_eq!([root(false, 0), root(false, 1), root(false, 137)], [1, 138, 70]);
    }

    #[test] // Spec: TS 38.211 §6.3.3.1 (table 6.3.3.1-1): lengths sum to what §6.3.3.2 schedules
    fn formats_last_as_long_as_their_symbols() {
        let mu = Numerology::KHZ30;
        let symbols = |f: PrachFormat| {
            let p = f.preamble(mu);
            (p.n_u + p.n_cp).0 as f64 / (Tc::PER_SECOND as f64 / 30e3 * 2192.0 / 2048.0)
        };
        for (format, n) in [(PrachFormat::A1, 2), (PrachFormat::A2, 4), (PrachFormat::A3, 6), (PrachFormat::B4, 12)] {
            assert!(symbols(format) <= n as f64 && symbols(format) > n as f64 - 0.5, "{format:?}");
        }
        let p = PrachFormat::F0.preamble(mu);
        assert_eq!((p.n_u.0, p.n_cp.0), (24576 * 64, 3168 * 64));
    }

    #[test] // Spec: TS 38.211 §6.3.3.2 (tables 6.3.3.2-2, 6.3.3.2-3)
    fn occasions_fit_their_slot_and_never_reach_the_next() {
        for paired in [true, false] {
            for index in 0..256 {
                let c = configuration(paired, index).unwrap();
                assert!(c.subframes > 0 && c.subframes < 1024 && c.y < c.x.max(2));
                assert!(c.start_symbol + c.n_occasions * c.duration <= 14, "{paired} {index}");
                let n: usize = (0..20 * c.x as u32)
                    .map(|s| c.occasions(SlotPoint::new(Numerology::KHZ30, s / 20, s % 20)).count())
                    .sum();
                let slots = if c.format.is_long() { 1 } else { c.n_slots } as u32;
                assert_eq!(n as u32, c.subframes.count_ones() * slots * c.n_occasions as u32, "{paired} {index}");
            }
        }
        assert_eq!(configuration(true, 256), None);
    }

    #[test] // Spec: TS 38.211 §6.3.3.2 (table 6.3.3.2-3, rows 16 and 160), TS 38.321 §5.1.3
    fn two_rows_in_full() {
        let long = configuration(false, 16).unwrap();
        let at: Vec<_> = (0..20)
            .flat_map(|s| long.occasions(SlotPoint::new(Numerology::KHZ30, 0, s)).map(move |t| (s, t)))
            .collect();
        assert_eq!(at.len(), 2);
        assert_eq!((at[0].0, at[0].1.start_symbol, at[0].1.t_id, at[0].1.s_id), (3, 0, 1, 7));
        let short = configuration(false, 160).unwrap();
        let at: Vec<_> = (0..20)
            .flat_map(|s| short.occasions(SlotPoint::new(Numerology::KHZ30, 5, s)).map(move |t| (s, t)))
            .collect();
        assert_eq!(at.len(), 1);
        assert_eq!((at[0].0, at[0].1.start_symbol, at[0].1.t_id, at[0].1.s_id), (19, 2, 19, 2));
    }
}
