//! From raw parameters to what the layers work with, with the checks that need several of them.

use super::band::Band;
use super::csi::{csi_content, csi_rs, interference, silent};
use super::sounding::{self, Places};
use super::{CellParams, ConfigError, check, error};
use fapi::resolve::{self, MibView};
use fapi::*;
use nr::tables::prach::{self, PrachConfiguration};
use nr::tables::uplink_precoding::CodebookSubset;
use nr::tables::{arfcn, coreset0, tdra};
use nr::{Numerology, Pci, Plmn, SlotPoint};

/// Format 1 resources in one PRB: four cyclic shifts by seven orthogonal sequences.
pub const F1_PER_PRB: u16 = 28;

/// What a UE's radio can do, as far as its configuration depends on it; by default what every UE can.
///
/// Spec: TS 38.306 §4.2.7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UeRadio {
    /// 256QAM on PDSCH.
    pub pdsch_256qam: bool,
    /// 256QAM on PUSCH.
    pub pusch_256qam: bool,
    /// Layers of a PDSCH.
    pub dl_layers: u8,
    /// Layers of a PUSCH by codebook, and ports of an SRS.
    pub ul_layers: u8,
    /// Code block groups of a PDSCH.
    pub cbg: bool,
    /// Precoders it can send: how well its antennas keep their phases.
    pub ul_codebook: CodebookSubset,
}

impl UeRadio {
    /// A UE that can do all there is here.
    pub const ALL: UeRadio = UeRadio {
        pdsch_256qam: true,
        pusch_256qam: true,
        dl_layers: 4,
        ul_layers: 4,
        cbg: true,
        ul_codebook: CodebookSubset::FullyPartialNon,
    };
}

impl Default for UeRadio {
    fn default() -> Self {
        UeRadio {
            pdsch_256qam: false,
            pusch_256qam: false,
            dl_layers: 1,
            ul_layers: 1,
            cbg: false,
            ul_codebook: CodebookSubset::Non,
        }
    }
}

/// A checked cell with everything that follows from its parameters.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    /// As it was configured.
    pub params: CellParams,
    /// What MIB and SIB1 say.
    pub config: CellConfig,
    /// Its band.
    pub band: Band,
    /// Its PLMN.
    pub plmn: Plmn,
    /// Its PRACH.
    pub prach: PrachConfiguration,
    /// RBs of a PRACH occasion.
    pub prach_n_rb: u16,
    /// CSI-RSs of the cell, the same for every UE: the one for CQI first.
    pub csi_rs: Vec<CsiRsResource>,
    /// Row of tables 13-1 to 13-10.
    pub coreset0: coreset0::Coreset0,
    pub(crate) srs_places: Places,
    /// Uplink slots in one period of the pattern (FDD: the only slot of a period of one).
    ul_slots: Vec<u16>,
    period: u16,
}

impl Cell {
    /// Checks and derives. Errors: the first contradiction, for a person to read.
    pub fn new(params: CellParams) -> Result<Cell, ConfigError> {
        let p = &params;
        check::values(p)?;
        let (band, scs) = check::carrier(p)?;
        let duplex = check::duplex(p, band, scs)?;
        let period = p.tdd_period_slots.max(1) as u16;
        let slot_at = |s: u16| SlotPoint::new(scs, 0, s as u32);
        let ul_slots: Vec<u16> = (0..period).filter(|s| duplex.is_uplink(slot_at(*s), 0, 14)).collect();
        check_timing(p, &duplex, scs)?;
        let (config, row) = common(p, band, scs, duplex)?;
        let (prach, prach_n_rb) = check_prach(p, &config)?;
        let plmn = p.plmn.parse().map_err(|_| error("plmn is no PLMN", &[("plmn", p.plmn.clone())], "001-01"))?;
        let csi_rs = csi_rs(p, &config)?;
        let srs_places = sounding::places(p, &config, &prach);
        let cell = Cell {
            config,
            band: *band,
            plmn,
            prach,
            prach_n_rb,
            csi_rs,
            coreset0: row,
            srs_places,
            ul_slots,
            period,
            params,
        };
        cell.check_pucch()?;
        Ok(cell)
    }

    /// Subcarrier spacing.
    pub fn numerology(&self) -> Numerology {
        self.config.dl.numerology
    }

    /// Most layers of a PDSCH.
    pub fn dl_layers(&self) -> u8 {
        let p = &self.params;
        if p.dl_layers_max == 0 { p.antennas.min(4) } else { p.dl_layers_max }
    }

    /// Most layers of a PUSCH.
    pub fn ul_layers(&self) -> u8 {
        let p = &self.params;
        if p.ul_layers_max == 0 { p.antennas.min(4) } else { p.ul_layers_max }
    }

    /// How a UE's layers meet its ports, and the sounding that it takes. Spec: TS 38.214 §6.1.1.1
    fn uplink_scheme(&self, idx: u8, ue: &UeRadio) -> (PuschScheme, Option<SrsConfig>) {
        let max_rank = self.ul_layers().min(ue.ul_layers);
        let n_ports = match ue.ul_layers.min(self.params.antennas) {
            4.. => 4,
            2 | 3 => 2,
            _ => 1,
        };
        let srs = if n_ports > 1 && max_rank > 1 { self.srs(idx, n_ports) } else { None };
        match srs {
            Some(_) => (PuschScheme::Codebook { n_ports, max_rank, subset: ue.ul_codebook, n_srs: 1 }, srs),
            None => (PuschScheme::OnePort, None),
        }
    }

    /// Uplink slots in `slots` consecutive ones, a multiple of the pattern's period.
    fn n_ul_slots(&self, slots: u16) -> u16 {
        (slots / self.period).max(1) * self.ul_slots.len() as u16
    }

    /// The offset of the `i`-th uplink slot of a reporting period.
    fn ul_offset(&self, i: u16) -> u16 {
        let n = self.ul_slots.len() as u16;
        i / n * self.period + self.ul_slots[(i % n) as usize]
    }

    /// PUCCH PRBs above the lower edge that dedicated format 1 resources of `n_ues` UEs take, and below the upper edge those of more bits.
    pub fn pucch_prbs(&self, n_ues: u16) -> (u16, u16) {
        (
            1 + (n_sr_max(self) + n_ues).div_ceil(F1_PER_PRB),
            1 + self.pucch_n_prb() * n_ues.div_ceil(self.pucch_ues_per_prb()),
        )
    }

    /// UEs that share a PRB of the format for more than two bits: by symbols, or by the code of format 4.
    fn pucch_ues_per_prb(&self) -> u16 {
        match self.params.pucch_format {
            3 => 2,
            4 => 4,
            _ => 7,
        }
    }

    /// PRBs of that format: short ones need several for the bits of code block groups.
    fn pucch_n_prb(&self) -> u16 {
        if self.params.cbg > 0 && self.params.pucch_format == 2 { 4 } else { 1 }
    }

    /// The resource of a UE for more than two bits. Spec: TS 38.213 §9.2.1
    fn pucch_of_many_bits(&self, i: u16) -> PucchResource {
        let (each, n_prb) = (self.pucch_ues_per_prb(), self.pucch_n_prb());
        let n = (i % each) as u8;
        let (start_symbol, n_symbols, format) = match self.params.pucch_format {
            3 => (7 * n, 7, PucchFormat::F3 { n_prb: n_prb as u8 }),
            4 => (0, 14, PucchFormat::F4 { occ_length: 4, occ_index: n }),
            _ => (2 * n, 2, PucchFormat::F2 { n_prb: n_prb as u8 }),
        };
        let start_prb = self.params.n_rb - 1 - n_prb - n_prb * (i / each);
        PucchResource { id: 2, start_prb, second_hop_prb: None, start_symbol, n_symbols, format }
    }

    fn check_pucch(&self) -> Result<(), ConfigError> {
        let p = &self.params;
        let periods = [
            ("sr_period_slots", p.sr_period_slots),
            ("csi_period_slots", p.csi_period_slots),
            ("srs_period_slots", p.srs_period_slots),
        ];
        // One antenna sounds nothing.
        let n = if p.antennas > 1 { 3 } else { 2 };
        for (path, slots) in periods.into_iter().take(n) {
            if !slots.is_multiple_of(self.period) {
                return Err(error(
                    format!(
                        "{path} is no multiple of the TDD period, so a report would fall on a downlink slot (TS 38.213 §9.2.4)"
                    ),
                    &[(path, slots.to_string()), ("tdd_period_slots", self.period.to_string())],
                    format!("a multiple of {}", self.period),
                ));
            }
        }
        let (low, high) = self.pucch_prbs(p.max_ues as u16);
        let prach_end = p.prach_frequency_start + self.prach_n_rb;
        if p.prach_frequency_start < low || prach_end + high > p.n_rb {
            return Err(error(
                format!(
                    "the PRACH overlaps the PUCCH, which takes {low} RBs at the lower edge and {high} at the upper for this many UEs"
                ),
                &[
                    ("prach_frequency_start", p.prach_frequency_start.to_string()),
                    ("max_ues", p.max_ues.to_string()),
                    ("n_rb", p.n_rb.to_string()),
                ],
                format!("prach_frequency_start = {low}"),
            ));
        }
        Ok(())
    }

    /// The dedicated configuration of the UE with index `idx` (below `max_ues`) that can do what `ue` says.
    pub fn dedicated(&self, idx: u8, ue: &UeRadio) -> DedicatedConfig {
        let (p, c) = (&self.params, &self.config);
        let table = |on: bool| if on { McsTable::Qam256 } else { McsTable::Qam64 };
        let (dl_table, ul_table) = (table(ue.pdsch_256qam && p.pdsch_256qam), table(ue.pusch_256qam && p.pusch_256qam));
        let dl_layers = self.dl_layers().min(ue.dl_layers).max(1);
        let (scheme, srs) = self.uplink_scheme(idx, ue);
        let n_sr_slots = self.n_ul_slots(p.sr_period_slots);
        let i = idx as u16;
        let f1 = |id: u8, n: u16| PucchResource {
            id,
            start_prb: 1 + n / F1_PER_PRB,
            second_hop_prb: None,
            start_symbol: 0,
            n_symbols: 14,
            format: PucchFormat::F1 {
                initial_cyclic_shift: (n % 4 * 3) as u8,
                time_domain_occ: (n % F1_PER_PRB / 4) as u8,
            },
        };
        let many = self.pucch_of_many_bits(i);
        let long =
            PucchFormatConfig { max_code_rate_milli: 800, simultaneous_harq_csi: true, ..PucchFormatConfig::default() };
        let none = PucchFormatConfig::default();
        let pucch = PucchConfig {
            resources: vec![f1(0, n_sr_max(self) + i), f1(1, i / n_sr_slots), many],
            resource_sets: vec![vec![0], vec![2]],
            set_max_payload: vec![2, 1706],
            dl_data_to_ul_ack: p.k1_slots.clone(),
            f2_max_code_rate_milli: 800,
            f2_simultaneous_harq_csi: true,
            long_formats: match p.pucch_format {
                3 => [none, long, none],
                4 => [none, none, long],
                _ => [none; 3],
            },
            sr: Some(SrConfig {
                resource_idx: 1,
                period_slots: p.sr_period_slots,
                offset_slots: self.ul_offset(i % n_sr_slots),
            }),
            ..c.pucch.clone()
        };
        DedicatedConfig {
            dl_bwp: c.initial_dl_bwp,
            ul_bwp: c.initial_ul_bwp,
            coresets: vec![coreset1(p, c)],
            search_spaces: vec![SearchSpaceConfig {
                id: 2,
                coreset_id: 1,
                period_slots: 1,
                offset_slots: 0,
                duration_slots: 1,
                symbols: 1,
                n_candidates: p.pdcch_candidates,
                kind: SearchSpaceKind::Ue,
            }],
            pdsch: PdschConfig {
                dmrs: DmrsConfig { additional_position: p.pdsch_additional_position, ..c.pdsch.dmrs },
                mcs_table: dl_table,
                max_layers: dl_layers,
                options: PdschOptions { max_cbg: if ue.cbg { p.cbg } else { 0 }, ..c.pdsch.options },
                ..c.pdsch.clone()
            },
            pusch: PuschConfig {
                dmrs: DmrsConfig { additional_position: p.pusch_additional_position, ..c.pusch.dmrs },
                mcs_table: ul_table,
                max_layers: scheme.max_rank(),
                options: PuschOptions { scheme, ..c.pusch.options },
                ..c.pusch.clone()
            },
            pucch,
            harq_codebook: HarqCodebook::Dynamic,
            n_dl_harq: 16,
            csi_rs: self.csi_rs.clone(),
            zp_csi_rs: if p.csi_im { self.csi_rs.first().map(silent).into_iter().collect() } else { Vec::new() },
            csi_im: if p.csi_im { self.csi_rs.first().map(interference).into_iter().collect() } else { Vec::new() },
            srs,
            dci: Default::default(),
            csi_report: Some(CsiReport {
                period_slots: p.csi_period_slots,
                offset_slots: self.ul_offset(i % self.n_ul_slots(p.csi_period_slots)),
                resource_idx: 2,
                cqi_table: dl_table,
                csi_rs_id: 0,
                content: csi_content(p.antennas, dl_layers),
            }),
        }
    }
}

/// Format 1 resources that scheduling requests of all UEs share: one for each UE that falls into the same slot.
fn n_sr_max(cell: &Cell) -> u16 {
    (cell.params.max_ues as u16).div_ceil(cell.n_ul_slots(cell.params.sr_period_slots))
}

fn coreset1(p: &CellParams, c: &CellConfig) -> CoresetConfig {
    let start_rb = (6 - p.offset_to_carrier % 6) % 6;
    let mut groups = ((p.n_rb - start_rb) / 6).min(45);
    if p.coreset1_symbols == 1 {
        groups &= !1;
    }
    CoresetConfig {
        id: 1,
        rb_groups: (1u64 << groups) - 1,
        start_rb,
        duration: p.coreset1_symbols,
        mapping: CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 2, shift_index: p.pci },
        wideband_precoder: false,
        dmrs_n_id: c.pci.get(),
        dmrs_reference_rb: -(p.offset_to_carrier as i32),
    }
}

/// Symbols that a PDSCH needs to be over before its feedback starts: N_1 of capability 1 with additional DM-RS (TS 38.214 §5.3).
const N_1: i64 = 13;

/// Whether feedback `k1` slots after a PDSCH that ends before symbol `end` leaves the UE its processing time.
///
/// Spec: TS 38.214 §5.3
pub fn feedback_in_time(k1: u8, end: u8) -> bool {
    k1 as i64 * 14 - end as i64 >= N_1
}

fn check_timing(p: &CellParams, duplex: &Duplex, scs: Numerology) -> Result<(), ConfigError> {
    let period = p.tdd_period_slots.max(1) as u32;
    let slot = |s: u32| SlotPoint::new(scs, 0, s);
    let dl_symbols = |s: u32| (0..14u8).take_while(|l| duplex.is_downlink(slot(s), *l, 1)).count() as u8;
    let is_ul = |s: u32| duplex.is_uplink(slot(s), 0, 14);
    let delta = tdra::msg3_delta(scs.mu()) as u32;
    let mut msg3 = false;
    for s in (0..period).filter(|s| dl_symbols(*s) >= 5) {
        if !p.k1_slots.iter().any(|k| is_ul(s + *k as u32) && feedback_in_time(*k, dl_symbols(s))) {
            let good: Vec<_> =
                (1..=15u8).filter(|k| is_ul(s + *k as u32) && feedback_in_time(*k, dl_symbols(s))).collect();
            return Err(error(
                format!(
                    "feedback for a PDSCH in slot {s} of the TDD period falls on a downlink slot, or too soon after it, with every k1 (TS 38.213 §9.2.3)"
                ),
                &[("k1_slots", format!("{:?}", p.k1_slots)), ("tdd_period_slots", p.tdd_period_slots.to_string())],
                format!("add one of {good:?} to k1_slots"),
            ));
        }
        msg3 |= p.k2_slots.iter().any(|k| is_ul(s + *k as u32 + delta));
    }
    // N_2 of capability 1 and one symbol more, from the end of a two-symbol PDCCH. Spec: TS 38.214 §6.4
    let n_2 = if scs == Numerology::KHZ15 { 11 } else { 13 };
    if let Some(k) = p.k2_slots.iter().find(|k| **k as i64 * 14 - 2 < n_2) {
        return Err(error(
            format!("a PUSCH {k} slots after its grant is too soon for the UE (TS 38.214 §6.4)"),
            &[("k2_slots", format!("{:?}", p.k2_slots))],
            format!("k2 of {} or more", k + 1),
        ));
    }
    let reachable =
        |u: u32| p.k2_slots.iter().any(|k| dl_symbols((u + period * 32 - *k as u32) % period.max(1) + period) >= 2);
    if let Some(u) = (0..period).find(|u| is_ul(*u) && !reachable(*u)) {
        return Err(error(
            format!("no k2 leads from a downlink slot to uplink slot {u} of the TDD period (TS 38.214 §6.1.2.1)"),
            &[("k2_slots", format!("{:?}", p.k2_slots))],
            "a value that does",
        ));
    }
    if !msg3 {
        return Err(error(
            format!(
                "Msg3, which comes k2 + {delta} slots after the random access response, falls on a downlink slot with every k2 (TS 38.214 §6.1.2.1.1)"
            ),
            &[("k2_slots", format!("{:?}", p.k2_slots))],
            "more values of k2_slots",
        ));
    }
    Ok(())
}

fn check_prach(p: &CellParams, c: &CellConfig) -> Result<(PrachConfiguration, u16), ConfigError> {
    let fdd = c.duplex == Duplex::Fdd;
    let config = prach::configuration(fdd, p.prach_config_index).ok_or_else(|| {
        error(
            "prach_config_index is out of range",
            &[("prach_config_index", p.prach_config_index.to_string())],
            "0 to 255",
        )
    })?;
    let scs = c.ul.numerology;
    let long = config.format.is_long();
    let root_max = if long { 837 } else { 137 };
    if p.prach_root_index > root_max {
        return Err(error(
            "the root index is beyond the sequences of this preamble format (TS 38.211 §6.3.3.1)",
            &[
                ("prach_root_index", p.prach_root_index.to_string()),
                ("prach_config_index", p.prach_config_index.to_string()),
            ],
            format!("0 to {root_max}"),
        ));
    }
    let preamble = config.format.preamble(scs);
    let (n_rb, _) = prach::frequency_size(preamble.scs_hz, scs).ok_or_else(|| {
        error(
            "this preamble spacing has no place in the carrier's grid (TS 38.211 table 6.3.3.2-1)",
            &[("prach_config_index", p.prach_config_index.to_string())],
            "a format of the carrier's spacing",
        )
    })?;
    // A symbol of the carrier lasts at least 2048 x 64 Tc / 2^mu without its prefix, an occasion up to a slot or more.
    let symbol_tc = scs.slot_tc().0 / 14;
    let symbols = ((preamble.n_cp.0 + preamble.n_u.0 + symbol_tc - 1) / symbol_tc).max(config.duration as i64);
    let frames = config.x.max(1) as u32;
    let mut any = false;
    for s in 0..frames * scs.slots_per_frame() {
        let slot = SlotPoint::new(scs, s / scs.slots_per_frame(), s % scs.slots_per_frame());
        for o in config.occasions(slot) {
            any = true;
            let end = o.start_symbol as i64 + symbols;
            let inside = (0..end)
                .skip(o.start_symbol as usize)
                .all(|l| c.duplex.is_uplink(slot.plus(l / 14), (l % 14) as u8, 1));
            if !inside {
                return Err(error(
                    format!(
                        "the PRACH occasion at symbol {} of slot {} (frame {}) lies outside the uplink (TS 38.213 §8.1)",
                        o.start_symbol,
                        slot.slot(),
                        slot.sfn()
                    ),
                    &[
                        ("prach_config_index", p.prach_config_index.to_string()),
                        ("tdd_period_slots", p.tdd_period_slots.to_string()),
                        ("tdd_ul_slots", p.tdd_ul_slots.to_string()),
                    ],
                    "an index whose subframes are uplink: 159, 160 or 162 (format B4) in DDDSU",
                ));
            }
        }
    }
    if !any {
        return Err(error(
            "this PRACH configuration has no occasion at this subcarrier spacing",
            &[("prach_config_index", p.prach_config_index.to_string())],
            "another index",
        ));
    }
    Ok((config, n_rb as u16))
}

fn pdsch_times(p: &CellParams) -> Vec<TimeAllocation> {
    let row = |n_symbols| TimeAllocation { k: 0, mapping: MappingType::A, start: 2, n_symbols };
    let mut list = vec![row(12)];
    if p.tdd_dl_symbols >= 6 {
        list.push(row(p.tdd_dl_symbols - 2));
    }
    list
}

fn common(
    p: &CellParams,
    b: &Band,
    scs: Numerology,
    duplex: Duplex,
) -> Result<(CellConfig, coreset0::Coreset0), ConfigError> {
    let pci =
        Pci::new(p.pci).ok_or_else(|| error("pci is out of range", &[("pci", p.pci.to_string())], "0 to 1007"))?;
    let rb_hz = 12.0 * scs.scs_hz() as f64;
    let hz = |n: u32| arfcn::hz(n).unwrap_or(0.0);
    let carrier = |centre: f64| CarrierConfig {
        numerology: scs,
        n_rb: p.n_rb,
        point_a_hz: centre - (p.offset_to_carrier as f64 + p.n_rb as f64 / 2.0) * rb_hz,
        offset_to_carrier: p.offset_to_carrier,
    };
    let (dl, ul) = (carrier(hz(p.dl_arfcn)), carrier(hz(p.ul_arfcn)));
    let ssb_hz = hz(p.ssb_arfcn);
    // The block's lower edge above point A in steps of 15 kHz.
    let units = (ssb_hz - 120.0 * scs.scs_hz() as f64 - dl.point_a_hz) / 15_000.0;
    let whole = (units + 0.5) as i64;
    let per_rb = 12i64 << scs.mu();
    if (units - whole as f64).abs() > 1e-3 || whole % (1 << scs.mu()) != 0 {
        return Err(error(
            format!(
                "the SS/PBCH block is off the carrier's subcarrier grid of {} kHz (TS 38.211 §7.4.3.1)",
                scs.scs_khz()
            ),
            &[("ssb_arfcn", p.ssb_arfcn.to_string()), ("dl_arfcn", p.dl_arfcn.to_string())],
            "another dl_arfcn of the raster",
        ));
    }
    let ssb_rb = whole.div_euclid(per_rb) - p.offset_to_carrier as i64;
    let k_ssb = whole.rem_euclid(per_rb) as u8;
    if ssb_rb < 0 || ssb_rb + 20 + (k_ssb > 0) as i64 > p.n_rb as i64 {
        return Err(error(
            format!("the SS/PBCH block does not fit the carrier: its first RB would be {ssb_rb} of {}", p.n_rb),
            &[
                ("ssb_arfcn", p.ssb_arfcn.to_string()),
                ("dl_arfcn", p.dl_arfcn.to_string()),
                ("n_rb", p.n_rb.to_string()),
            ],
            "an ssb_arfcn nearer to dl_arfcn",
        ));
    }
    let mib = MibView {
        pci,
        scs_common: scs,
        k_ssb,
        coreset_zero: p.coreset0_index,
        search_space_zero: p.search_space0_index,
        type_a_position: p.type_a_position,
        ssb_numerology: b.ssb,
        ssb_case: b.case,
        l_max: b.l_max,
        ssb_index: 0,
        ssb_hz,
        min_bandwidth_40mhz: b.min_bandwidth_40mhz,
        fr2: false,
    };
    let (mut cell, t) = resolve::cell_from_mib(&mib).map_err(|e| {
        error(
            format!("CORESET 0 cannot be configured: {e}"),
            &[
                ("coreset0_index", p.coreset0_index.to_string()),
                ("search_space0_index", p.search_space0_index.to_string()),
            ],
            "an index that the table has",
        )
    })?;
    let start = ssb_rb - t.coreset0.offset_rb as i64;
    if start < 0 || start + t.coreset0.n_rb as i64 > p.n_rb as i64 {
        return Err(coreset0_misfit(p, b, scs, ssb_rb, &t.coreset0));
    }
    if t.coreset0.n_symbols == 3 && p.type_a_position == 2 {
        return Err(error(
            "a CORESET of three symbols covers the first DM-RS symbol of the PDSCH (TS 38.211 §7.3.2.2)",
            &[("coreset0_index", p.coreset0_index.to_string()), ("type_a_position", p.type_a_position.to_string())],
            "type_a_position = 3, or another coreset0_index",
        ));
    }
    let bwp = Bwp { id: 0, start_rb: 0, n_rb: p.n_rb };
    (cell.dl, cell.ul, cell.duplex) = (dl, ul, duplex);
    cell.ssb.positions_in_burst = 1;
    cell.ssb.period_ms = p.ssb_period_ms;
    cell.ssb.offset_to_point_a = ((whole / per_rb) << scs.mu()) as u16;
    cell.ssb.block_power_dbm = p.ssb_power_dbm;
    (cell.initial_dl_bwp, cell.initial_ul_bwp) = (bwp, bwp);
    cell.coreset0_bwp = Bwp { id: 0, start_rb: start as u16, n_rb: t.coreset0.n_rb as u16 };
    cell.coresets = vec![resolve::coreset0_config(&t.coreset0, pci, start as u16)];
    let zero = t.search_space;
    cell.search_spaces = vec![
        zero,
        SearchSpaceConfig { id: 1, period_slots: 1, offset_slots: 0, duration_slots: 1, symbols: 1, ..zero },
    ];
    (cell.ss_sib1, cell.ss_ra) = (0, 1);
    // Paging in frames of odd number: block and SIB1 are in the even ones.
    cell.paging = Some(resolve::PagingConfig {
        search_space: 1,
        cycle_frames: 32,
        frames: 16,
        frame_offset: 1,
        occasions: 1,
        first: None,
    });
    shared_channels(p, &mut cell);
    Ok((cell, t.coreset0))
}

fn coreset0_misfit(p: &CellParams, b: &Band, scs: Numerology, ssb_rb: i64, row: &coreset0::Coreset0) -> ConfigError {
    let (name, rows) = coreset0::table(b.ssb, scs, b.min_bandwidth_40mhz).unwrap_or(("13-1", &[]));
    let fits = |r: &coreset0::Coreset0| {
        let start = ssb_rb - r.offset_rb as i64;
        start >= 0 && start + r.n_rb as i64 <= p.n_rb as i64
    };
    let good: Vec<_> = rows.iter().enumerate().filter(|(_, r)| fits(r)).map(|(i, _)| i.to_string()).collect();
    error(
        format!(
            "CORESET 0 does not fit the carrier: index {} (TS 38.213 table {name}) has {} RB from {} RB below the SSB, and the SSB lies at RB {ssb_rb} of {}",
            p.coreset0_index, row.n_rb, row.offset_rb, p.n_rb
        ),
        &[("coreset0_index", p.coreset0_index.to_string()), ("ssb_arfcn", p.ssb_arfcn.to_string())],
        if good.is_empty() {
            "another ssb_arfcn".into()
        } else {
            format!("coreset0_index = {}, or another ssb_arfcn", good.join(", "))
        },
    )
}

fn shared_channels(p: &CellParams, cell: &mut CellConfig) {
    let mu = cell.ul.numerology.mu();
    cell.pdsch.time_allocations = pdsch_times(p);
    cell.pusch.time_allocations =
        p.k2_slots.iter().map(|k| TimeAllocation { k: *k, mapping: MappingType::A, start: 0, n_symbols: 14 }).collect();
    cell.pusch.p0_dbm = p.p0_pusch_dbm;
    cell.pusch.alpha = 1.0;
    cell.pusch.beta_offset_ack = [11; 3];
    cell.pusch.beta_offset_csi1 = [13; 2];
    cell.pusch.beta_offset_csi2 = [13; 2];
    cell.pucch.common_resource_row = p.pucch_common_row;
    cell.pucch.p0_dbm = p.p0_pucch_dbm;
    let long =
        prach::configuration(cell.duplex == Duplex::Fdd, p.prach_config_index).is_none_or(|c| c.format.is_long());
    cell.rach = RachConfig {
        configuration_index: p.prach_config_index,
        msg1_fdm: 1,
        msg1_frequency_start: p.prach_frequency_start,
        zero_correlation_zone: p.prach_zero_correlation_zone,
        root_sequence_index: p.prach_root_index,
        long_sequence: long,
        msg1_numerology: Numerology::new(mu).unwrap_or_default(),
        restricted_set: 0,
        preamble_target_power_dbm: p.prach_target_power_dbm,
        power_ramping_step_db: p.prach_power_step_db,
        preamble_trans_max: p.prach_trans_max,
        ra_response_window_slots: p.ra_response_window_slots,
        contention_resolution_timer_ms: p.contention_resolution_ms,
        n_preambles: 64,
        cb_preambles_per_ssb: p.prach_preambles,
        rsrp_threshold_dbm: None,
    };
    cell.n_ta_offset_tc = p.n_ta_offset_tc;
    cell.p_max_dbm = p.p_max_dbm;
}
