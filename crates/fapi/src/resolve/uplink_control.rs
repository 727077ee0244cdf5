//! PUCCH resources, the dynamic HARQ-ACK codebook and UCI on PUSCH. Spec: TS 38.213 §9

use super::{ResolveError, invalid};
use crate::config::*;
use crate::csi::CsiContent;
use crate::pdu::{Csi2Sizes, PucchLong, PucchPdu, UciOnPusch};
use nr::tables::{beta_offset, pucch as common};
use nr::{Rnti, SlotPoint};

/// HARQ-ACK bits that go out in a slot, and what chose their PUCCH resource: the last DCI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HarqUci {
    /// HARQ-ACK bits, 1 or more.
    pub n_bits: u8,
    /// PUCCH resource indicator of the last DCI, 0..=7.
    pub pri: u8,
    /// First CCE of the last DCI.
    pub first_cce: u16,
    /// CCEs of its CORESET.
    pub n_cce: u16,
}

/// PUCCHs of one UE in one slot.
///
/// `main` carries what is always sent (HARQ-ACK, CSI). `sr` is the scheduling request's own resource: with `main` it replaces it
/// where a request is positive (format 1 on format 1), without `main` it is sent only then. `main.n_sr` is 1 where the request
/// travels inside `main` (format 0 by its sequence, format 2 as a bit).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PucchChoice {
    /// Sent in any case.
    pub main: Option<PucchPdu>,
    /// Sent instead when a request is positive.
    pub sr: Option<PucchPdu>,
}

/// Bits of the UE's periodic CSI report on PUCCH; 0 without one. Spec: TS 38.212 tables 6.3.1.1.2-3 to -8
pub fn csi_bits(d: &DedicatedConfig) -> u8 {
    d.csi_report.map_or(0, |r| r.content.pucch_bits().min(usize::from(u8::MAX)) as u8)
}

/// Whether the UE's scheduling request may go out in `slot`. Spec: TS 38.213 §9.2.4
pub fn is_sr_occasion(d: &DedicatedConfig, slot: SlotPoint) -> bool {
    d.pucch.sr.is_some_and(|s| slot.index() % s.period_slots.max(1) as u32 == s.offset_slots as u32)
}

/// Whether the UE's periodic CSI report is due in `slot`. Spec: TS 38.214 §5.2.1.4
pub fn is_csi_occasion(d: &DedicatedConfig, slot: SlotPoint) -> bool {
    d.csi_report.is_some_and(|c| slot.index() % c.period_slots.max(1) as u32 == c.offset_slots as u32)
}

/// The PUCCHs of a UE in `slot`: HARQ-ACK (if any), its scheduling request occasion and its CSI report.
///
/// Spec: TS 38.213 §9.2.1 (before a dedicated configuration: one bit on a common resource), §9.2.3, §9.2.5
/// Errors: a resource that is not configured.
pub fn pucch(
    cell: &CellConfig,
    d: Option<&DedicatedConfig>,
    rnti: Rnti,
    slot: SlotPoint,
    harq: Option<HarqUci>,
) -> Result<PucchChoice, ResolveError> {
    let Some(d) = d.filter(|d| !d.pucch.resource_sets.is_empty() || d.pucch.sr.is_some()) else {
        let main = harq.map(|h| common_pucch(cell, rnti, &h)).transpose()?;
        return Ok(PucchChoice { main, sr: None });
    };
    let (sr, csi) = (is_sr_occasion(d, slot), is_csi_occasion(d, slot));
    let Some(h) = harq else {
        return without_harq(d, rnti, sr, csi);
    };
    let together = |r: CsiReport| {
        let resource = d.pucch.resources.get(usize::from(r.resource_idx));
        resource.is_some_and(|r| d.pucch.format_config(r.format).simultaneous_harq_csi)
    };
    let csi = csi && d.csi_report.is_some_and(together);
    let n_csi = if csi { csi_bits(d) } else { 0 };
    if d.pucch.resource_sets.is_empty() {
        return Ok(PucchChoice { main: Some(common_pucch(cell, rnti, &h)?), sr: None });
    }
    if h.n_bits <= 2 && !csi {
        let resource = *resource_of(&d.pucch, 0, &h)?;
        let mut main = pdu(d, rnti, resource, h.n_bits, 0, 0);
        let own = d.pucch.sr.filter(|_| sr).map(|s| resource_at(&d.pucch, s.resource_idx)).transpose()?;
        return Ok(match (resource.format, own) {
            (PucchFormat::F0 { .. }, Some(_)) => {
                main.n_sr = 1;
                PucchChoice { main: Some(main), sr: None }
            }
            (PucchFormat::F1 { .. }, Some(own)) if matches!(own.format, PucchFormat::F1 { .. }) => {
                PucchChoice { main: Some(main), sr: Some(pdu(d, rnti, *own, h.n_bits, 1, 0)) }
            }
            // A request on format 0 gives way to HARQ-ACK on format 1. Spec: TS 38.213 §9.2.5.1
            _ => PucchChoice { main: Some(main), sr: None },
        });
    }
    let n_sr = sr as u8;
    let total = h.n_bits as u16 + n_sr as u16 + n_csi as u16;
    // At least three bits, so never set 0.
    let set = (1..d.pucch.resource_sets.len())
        .find(|i| d.pucch.set_max_payload.get(*i).is_none_or(|max| total <= *max))
        .ok_or(ResolveError::NotConfigured("a PUCCH resource set for this payload"))?;
    let resource = *resource_of(&d.pucch, set, &h)?;
    Ok(PucchChoice { main: Some(pdu(d, rnti, resource, h.n_bits, n_sr, n_csi)), sr: None })
}

fn without_harq(d: &DedicatedConfig, rnti: Rnti, sr: bool, csi: bool) -> Result<PucchChoice, ResolveError> {
    if let Some(report) = d.csi_report.filter(|_| csi) {
        let resource = *resource_at(&d.pucch, report.resource_idx)?;
        return Ok(PucchChoice { main: Some(pdu(d, rnti, resource, 0, sr as u8, csi_bits(d))), sr: None });
    }
    let own = match d.pucch.sr.filter(|_| sr) {
        Some(s) => Some(pdu(d, rnti, *resource_at(&d.pucch, s.resource_idx)?, 0, 1, 0)),
        None => None,
    };
    Ok(PucchChoice { main: None, sr: own })
}

fn resource_at(p: &PucchConfig, idx: u8) -> Result<&PucchResource, ResolveError> {
    p.resources.get(idx as usize).ok_or(ResolveError::NotConfigured("a PUCCH resource"))
}

/// The resource that the resource indicator chooses in a set, by the first CCE where set 0 has more than 8.
///
/// Spec: TS 38.213 §9.2.3
fn resource_of<'a>(p: &'a PucchConfig, set: usize, h: &HarqUci) -> Result<&'a PucchResource, ResolveError> {
    let list = p.resource_sets.get(set).ok_or(ResolveError::NotConfigured("a PUCCH resource set"))?;
    let r = list.len() as u32;
    let pri = h.pri as u32;
    let idx = if r <= 8 {
        pri
    } else {
        let cce = |share: u32| h.first_cce as u32 * share / h.n_cce.max(1) as u32;
        if pri < r % 8 { cce(r.div_ceil(8)) + pri * r.div_ceil(8) } else { cce(r / 8) + pri * (r / 8) + r % 8 }
    };
    let idx = list.get(idx as usize).ok_or(invalid("PUCCH resource indicator", pri, "TS 38.213 §9.2.3"))?;
    resource_at(p, *idx)
}

fn pdu(d: &DedicatedConfig, rnti: Rnti, mut resource: PucchResource, n_harq_ack: u8, n_sr: u8, n_csi1: u8) -> PucchPdu {
    resource.start_prb += d.ul_bwp.start_rb;
    resource.second_hop_prb = resource.second_hop_prb.map(|p| p + d.ul_bwp.start_rb);
    let f = d.pucch.format_config(resource.format);
    if n_harq_ack > 0 {
        resource.format = narrowest(&resource, &f, n_harq_ack as u16 + n_sr as u16 + n_csi1 as u16);
    }
    PucchPdu {
        rnti,
        resource,
        n_harq_ack,
        n_sr,
        n_csi1,
        hopping_id: d.pucch.hopping_id,
        group_hopping: d.pucch.group_hopping,
        n_id: d.pucch.n_id,
        dmrs_n_id: d.pucch.n_id,
        long: PucchLong {
            additional_dmrs: f.additional_dmrs,
            pi2_bpsk: f.pi2_bpsk,
            dmrs_type2: d.pucch.dmrs_type2,
            n_csi2: 0,
            max_code_rate_milli: f.max_code_rate_milli,
        },
    }
}

/// The format on the fewest resource blocks that carry `n_bits` within maxCodeRate; on all of them where none do.
///
/// Spec: TS 38.213 §9.2.3, §9.2.5
pub fn narrowest(r: &PucchResource, f: &PucchFormatConfig, n_bits: u16) -> PucchFormat {
    let crc = match n_bits {
        0..12 => 0,
        12..20 => 6,
        20..360 => 11,
        _ => 22,
    };
    let symbols = r.n_symbols as u32;
    // Bits of a resource block at rate 1000.
    let (most, per_prb) = match r.format {
        PucchFormat::F2 { n_prb } => (n_prb, 16 * symbols),
        PucchFormat::F3 { n_prb } => {
            let dmrs = common::dmrs_symbols(r.n_symbols, r.second_hop_prb.is_some(), f.additional_dmrs).count_ones();
            (n_prb, (if f.pi2_bpsk { 12 } else { 24 }) * symbols.saturating_sub(dmrs))
        }
        other => return other,
    };
    let enough = |n: &u8| (n_bits as u32 + crc) * 1000 <= *n as u32 * per_prb * f.max_code_rate_milli as u32;
    match r.format {
        PucchFormat::F3 { .. } => {
            let n_prb = common::FORMAT3_N_PRB.into_iter().filter(|n| *n <= most).find(enough).unwrap_or(most);
            PucchFormat::F3 { n_prb }
        }
        _ => PucchFormat::F2 { n_prb: (1..=most).find(enough).unwrap_or(most) },
    }
}

/// One HARQ-ACK bit on a common resource. Spec: TS 38.213 §9.2.1
fn common_pucch(cell: &CellConfig, rnti: Rnti, h: &HarqUci) -> Result<PucchPdu, ResolveError> {
    let bwp = cell.initial_ul_bwp;
    let row = common::COMMON
        .get(cell.pucch.common_resource_row as usize)
        .ok_or(ResolveError::NotConfigured("pucch-ResourceCommon"))?;
    let r = common::r_pucch(h.first_cce, h.n_cce, h.pri);
    let at = row.resource(r, bwp.n_rb).ok_or(invalid("r_PUCCH", r as u32, "TS 38.213 §9.2.1"))?;
    let format = match row.format {
        0 => PucchFormat::F0 { initial_cyclic_shift: at.initial_cyclic_shift },
        _ => PucchFormat::F1 { initial_cyclic_shift: at.initial_cyclic_shift, time_domain_occ: 0 },
    };
    Ok(PucchPdu {
        rnti,
        resource: PucchResource {
            id: r,
            start_prb: bwp.start_rb + at.first_prb,
            second_hop_prb: Some(bwp.start_rb + at.second_prb),
            start_symbol: row.start_symbol,
            n_symbols: row.n_symbols,
            format,
        },
        n_harq_ack: 1,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: cell.pucch.hopping_id,
        group_hopping: cell.pucch.group_hopping,
        n_id: cell.pci.get(),
        dmrs_n_id: cell.pci.get(),
        long: PucchLong::default(),
    })
}

/// UCI that a PUSCH carries, with the offsets of its configuration: HARQ-ACK bits and what `csi` has in its two parts.
///
/// Spec: TS 38.213 §9.3, TS 38.212 §6.3.2.1.2
pub fn uci_on_pusch(p: &PuschConfig, n_harq_ack: u16, csi: Option<&CsiContent>) -> UciOnPusch {
    let n_csi1 = csi.map_or(0, |c| c.part1_bits() as u16);
    let csi2 = csi.map_or(Csi2Sizes::default(), CsiContent::part2_sizes);
    let second = p.beta_offset_csi2[(csi2.max() > 11) as usize];
    let ack = p.beta_offset_ack[if n_harq_ack <= 2 { 0 } else { 1 + (n_harq_ack > 11) as usize }];
    let first = p.beta_offset_csi1[(n_csi1 > 11) as usize];
    let value = |table: &[f32], i: u8| table.get(i as usize).or(table.last()).copied().unwrap_or(1.0);
    UciOnPusch {
        n_harq_ack,
        n_csi1,
        beta_harq_ack: value(&beta_offset::HARQ_ACK, ack),
        csi2,
        beta_csi1: value(&beta_offset::CSI, first),
        beta_csi2: value(&beta_offset::CSI, second),
        scaling: p.uci_scaling,
    }
}

/// Positions in the dynamic HARQ-ACK codebook, one serving cell, one codeword.
///
/// Spec: TS 38.213 §9.1.3.1, §9.1.3.2. Feed the counter DAI of every assignment that was received, in the order of their
/// monitoring occasions; what was missed in between becomes NACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DynamicCodebook {
    /// j, rounds of four.
    round: u8,
    /// V_temp: the last counter DAI, 1..=4, 0 before the first.
    last: u8,
}

impl DynamicCodebook {
    /// Position of the assignment with counter DAI field `dai` (0..=3).
    pub fn push(&mut self, dai: u8) -> u8 {
        let v = (dai & 3) + 1;
        if v <= self.last {
            self.round = self.round.saturating_add(1);
        }
        self.last = v;
        self.round.saturating_mul(4).saturating_add(v - 1)
    }
    /// Bits of the codebook; `ul_dai` is the DAI field of a format 0_1 that grants the PUSCH on which it travels.
    ///
    /// With `ul_dai` 3 and nothing received there is no HARQ-ACK at all. Spec: TS 38.213 §9.1.3.2
    pub fn n_bits(&self, ul_dai: Option<u8>) -> u8 {
        let Some(dai) = ul_dai else {
            return if self.last == 0 { 0 } else { self.round.saturating_mul(4).saturating_add(self.last) };
        };
        let v = (dai & 3) + 1;
        if self.last == 0 && v == 4 {
            return 0;
        }
        let round = self.round.saturating_add((v < self.last) as u8);
        round.saturating_mul(4).saturating_add(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.213 §9.1.3.1
    fn codebook_has_a_place_for_what_was_missed() {
        let mut c = DynamicCodebook::default();
        assert_eq!(c.n_bits(None), 0);
        // DAI 1, (2 missed), 3, (4, 1 missed), 2.
        assert_eq!([c.push(0), c.push(2), c.push(1)], [0, 2, 5]);
        assert_eq!(c.n_bits(None), 6);
        assert_eq!(c.n_bits(Some(2)), 7);
        assert_eq!(c.n_bits(Some(0)), 9);
        assert_eq!(DynamicCodebook::default().n_bits(Some(3)), 0);
        assert_eq!(DynamicCodebook::default().n_bits(Some(1)), 2);
    }

    #[test] // Spec: TS 38.213 §9.2.3
    fn resource_of_a_long_set_by_cce() {
        let p = PucchConfig {
            resources: (0..12)
                .map(|id| PucchResource {
                    id,
                    start_prb: id as u16,
                    second_hop_prb: None,
                    start_symbol: 0,
                    n_symbols: 14,
                    format: PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 },
                })
                .collect(),
            resource_sets: vec![(0..12).collect()],
            ..PucchConfig::default()
        };
        let at = |pri, first_cce| resource_of(&p, 0, &HarqUci { n_bits: 1, pri, first_cce, n_cce: 8 }).unwrap().id;
        // R = 12: indicators 0 to 3 have two resources each, 4 to 7 one.
        assert_eq!([at(0, 0), at(0, 4), at(3, 0), at(3, 7)], [0, 1, 6, 7]);
        assert_eq!([at(4, 0), at(4, 7), at(7, 3)], [8, 8, 11]);
    }

    #[test] // Spec: TS 38.213 §9.3
    fn offsets_by_payload() {
        let mut p = crate::resolve::tests::cell().pusch;
        p.beta_offset_ack = [9, 8, 7];
        let csi = Some(&CsiContent::CQI);
        assert_eq!(uci_on_pusch(&p, 2, csi).beta_harq_ack, 12.625);
        assert_eq!(uci_on_pusch(&p, 3, csi).beta_harq_ack, 10.0);
        assert_eq!(uci_on_pusch(&p, 12, csi).beta_csi1, 6.25);
        assert_eq!(uci_on_pusch(&p, 12, csi).beta_harq_ack, 8.0);
    }
}
