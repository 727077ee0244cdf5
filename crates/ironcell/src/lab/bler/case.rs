//! From arguments to a case of `link`.

use fapi::{CceRegMapping, MappingType, PucchFormat};
use link::control::{PbchCase, PbchLink, PdcchCase, PdcchLink};
use link::count::Link;
use link::prach::{PrachCase, PrachLink};
use link::propagation::{Antennas, Propagation, correlation};
use link::pucch::{Count, PucchCase, PucchLink};
use link::shared::{Direction, SharedCase, SharedLink};
use link::{LinkError, theory};
use nr::Numerology;
use nr::tables::mcs;
use nr::tables::prach::{PrachFormat, n_cs};
use phy::equalize::Detector;

use super::{BlerArgs, Channel};

/// What the arguments describe, checked.
pub enum Case {
    Shared(SharedCase),
    Pucch(PucchCase),
    Pdcch(PdcchCase),
    Pbch(PbchCase),
    Prach(PrachCase),
}

impl Case {
    /// A link of this case.
    ///
    /// Errors: what the physical layer says of it.
    pub fn link(&self, isa: dsp::Isa) -> Result<Box<dyn Link>, LinkError> {
        Ok(match self {
            Case::Shared(case) => Box::new(SharedLink::new(*case, isa)?),
            Case::Pucch(case) => Box::new(PucchLink::new(*case, isa)?),
            Case::Pdcch(case) => Box::new(PdcchLink::new(*case, isa)?),
            Case::Pbch(case) => Box::new(PbchLink::new(*case, isa)?),
            Case::Prach(case) => Box::new(PrachLink::new(*case, isa)?),
        })
    }
}

/// What the arguments describe.
///
/// Errors: names the argument that cannot be.
pub fn case(args: &BlerArgs) -> Result<Case, LinkError> {
    let numerology = Numerology::from_scs_khz(args.scs)
        .ok_or_else(|| LinkError::new(format!("--scs {}: expected 15, 30, 60, 120 or 240", args.scs)))?;
    let propagation = Propagation::parse(&args.propagation)?;
    let antennas = Antennas {
        n_tx: args.tx.unwrap_or(args.layers),
        n_rx: args.rx.unwrap_or(args.layers),
        correlation: correlation(&args.correlation)?,
    };
    match args.channel {
        Channel::Pucch => return pucch(args, numerology, antennas, propagation),
        Channel::Pdcch => return Ok(Case::Pdcch(pdcch(args, numerology, antennas, propagation))),
        Channel::Pbch => {
            let (carrier_rb, n_rx) = (args.prb.max(20), antennas.n_rx);
            return Ok(Case::Pbch(PbchCase { numerology, carrier_rb, n_rx, index_known: true, propagation }));
        }
        Channel::Prach => return prach(args, numerology, antennas.n_rx, propagation),
        Channel::Pusch | Channel::Pdsch => {}
    }
    let table = if args.qam256 { &mcs::TABLE_2[..] } else { &mcs::TABLE_1[..] };
    let row = table.get(usize::from(args.mcs)).filter(|r| !r.is_reserved());
    let row = row.ok_or_else(|| LinkError::new(format!("--mcs {}: no such row, or a reserved one", args.mcs)))?;
    let uplink = args.channel == Channel::Pusch;
    let (start_symbol, dmrs_symbols) = if uplink { (0, 1 << 2 | 1 << 11) } else { (2, 1 << 2 | 1 << 11) };
    let mut case = SharedCase {
        direction: if uplink { Direction::Uplink } else { Direction::Downlink },
        numerology,
        carrier_rb: args.prb,
        first_rb: 0,
        n_rb: args.prb,
        start_symbol,
        n_symbols: args.symbols.min(14 - start_symbol),
        mapping: MappingType::A,
        dmrs_symbols,
        n_cdm_groups: 2,
        q_m: row.q_m,
        rate_x1024: row.rate_x1024(),
        tbs_bits: 0,
        n_layers: args.layers,
        prg_size: 0,
        transform_precoding: args.transform_precoding,
        n_transmissions: args.harq,
        ldpc_iterations: args.iterations,
        detector: Detector::Linear,
        antennas,
        propagation,
    };
    case.tbs_bits = case.tbs_bits();
    Ok(Case::Shared(case))
}

fn pucch(
    args: &BlerArgs,
    numerology: Numerology,
    antennas: Antennas,
    propagation: Propagation,
) -> Result<Case, LinkError> {
    let format = pucch_format(args)?;
    let n_prb = if matches!(format, PucchFormat::F2 { .. } | PucchFormat::F3 { .. }) { args.prb } else { 1 };
    let case = PucchCase::new(format, args.symbols, n_prb, args.symbols > 1, numerology, args.prb.max(25));
    let n_bits = args.bits.unwrap_or(2);
    Ok(Case::Pucch(PucchCase { count: Count::Uci, n_bits, antennas, propagation, ..case }))
}

fn pdcch(args: &BlerArgs, numerology: Numerology, antennas: Antennas, propagation: Propagation) -> PdcchCase {
    PdcchCase {
        numerology,
        carrier_rb: args.prb,
        coreset_rb: args.prb / 6 * 6,
        duration: args.symbols.min(3),
        mapping: CceRegMapping::NonInterleaved,
        level: args.level,
        n_bits: args.bits.unwrap_or(41),
        antennas,
        propagation,
    }
}

/// A preamble of the conformance tests' root and cyclic shift. Spec: TS 38.104 table A.6-1, A.6-2
fn prach(args: &BlerArgs, numerology: Numerology, n_rx: u8, propagation: Propagation) -> Result<Case, LinkError> {
    let name = args.format("0");
    let format = FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, format)| *format);
    let format = format.ok_or_else(|| LinkError::new(format!("--format {name}: expected 0 to 3, or A1 to C2")))?;
    let (n_cs_wanted, root_sequence_index, preamble) = match (format.is_long(), args.scs) {
        (true, _) => (13, 22, 32),
        (false, 15) => (23, 0, 0),
        (false, _) => (46, 0, 0),
    };
    let fading = propagation != Propagation::AWGN;
    Ok(Case::Prach(PrachCase {
        format,
        numerology,
        carrier_rb: args.prb,
        zero_correlation_zone: (0..16).find(|z| n_cs(format, *z) == Some(n_cs_wanted)).unwrap_or(0),
        restricted_set: 0,
        root_sequence_index,
        preamble: Some(preamble),
        offset_hz: 0.0,
        offset_max_hz: 0.0,
        strongest_path_s: 0.0,
        tolerance_s: if format.is_long() { 1.04e-6 } else { 0.26e-6 } + if fading { 1.51e-6 } else { 0.0 },
        n_rx,
        propagation,
    }))
}

/// The names of TS 38.211 tables 6.3.3.1-1 and 6.3.3.1-2.
const FORMATS: [(&str, PrachFormat); 13] = [
    ("0", PrachFormat::F0),
    ("1", PrachFormat::F1),
    ("2", PrachFormat::F2),
    ("3", PrachFormat::F3),
    ("A1", PrachFormat::A1),
    ("A2", PrachFormat::A2),
    ("A3", PrachFormat::A3),
    ("B1", PrachFormat::B1),
    ("B2", PrachFormat::B2),
    ("B3", PrachFormat::B3),
    ("B4", PrachFormat::B4),
    ("C0", PrachFormat::C0),
    ("C2", PrachFormat::C2),
];

fn pucch_format(args: &BlerArgs) -> Result<PucchFormat, LinkError> {
    let n_prb = u8::try_from(args.prb).ok().filter(|n| (1..=16).contains(n));
    let n_prb = n_prb.ok_or_else(|| LinkError::new("--prb of a PUCCH: expected 1 to 16"));
    Ok(match args.format("1") {
        "0" => PucchFormat::F0 { initial_cyclic_shift: 0 },
        "1" => PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 },
        "2" => PucchFormat::F2 { n_prb: n_prb? },
        "3" => PucchFormat::F3 { n_prb: n_prb? },
        "4" => PucchFormat::F4 { occ_length: 2, occ_index: 0 },
        other => return Err(LinkError::new(format!("--format {other}: expected 0 to 4"))),
    })
}

/// Symbols a transmission, and the SNR at which the normal approximation gives 10 %; in AWGN with one layer and one antenna.
pub fn bound_of(c: &SharedCase) -> Option<(f64, f64)> {
    let alone = c.antennas.n_rx == 1 && c.n_layers == 1 && c.propagation == Propagation::AWGN && !c.transform_precoding;
    let n_data = u32::from(c.n_symbols) - c.dmrs_symbols.count_ones();
    let n_symbols = f64::from(n_data * 12 * u32::from(c.n_rb));
    let snr_db = theory::required_snr_db(f64::from(c.tbs_bits), n_symbols, c.q_m, 0.1);
    (alone && c.n_transmissions == 1).then_some((n_symbols, snr_db))
}
