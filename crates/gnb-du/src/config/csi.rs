//! The cell's CSI-RSs, what lies beside them, and what UEs report of them. Spec: TS 38.214 §5.1.6.1, §5.2

use super::{CellParams, ConfigError, error};
use fapi::csi::{Codebook, CsiContent, CsiQuantity};
use fapi::resolve;
use fapi::{CellConfig, CsiImResource, CsiRsResource, SsbConfig};
use nr::SlotPoint;

/// What a UE reports of a CSI-RS of so many ports, up to so many layers. Spec: TS 38.214 §5.2.1.4, §5.2.2.2.1
pub(super) fn csi_content(n_ports: u8, n_layers: u8) -> CsiContent {
    let codebook = match n_ports {
        2 => Codebook::TwoPorts,
        4 => Codebook::SinglePanel { n1: 2, n2: 1, mode: 1 },
        _ => return CsiContent::CQI,
    };
    let quantity = CsiQuantity::Pmi { li: false };
    CsiContent { quantity, codebook, ranks: (1 << n_layers.clamp(1, 4)) - 1, ..CsiContent::CQI }
}

/// First of the four subcarriers beside the CSI-RS, in its symbol, that are left silent.
const SILENT_K: u8 = 8;

/// The elements beside the CSI-RS that no PDSCH uses. Spec: TS 38.214 §5.1.4.2
pub(super) fn silent(r: &CsiRsResource) -> CsiRsResource {
    CsiRsResource { id: 0, row: 4, k: [SILENT_K, 0, 0, 0, 0, 0], scrambling_id: 0, ..*r }
}

/// The same, to measure interference in. Spec: TS 38.214 §5.2.2.4
pub(super) fn interference(r: &CsiRsResource) -> CsiImResource {
    CsiImResource {
        id: 0,
        pattern: 1,
        k: SILENT_K,
        l: r.l0,
        start_rb: r.start_rb,
        n_rb: r.n_rb,
        period_slots: r.period_slots,
        offset_slots: r.offset_slots,
    }
}

/// The CSI-RS for CQI in the last symbol of a slot, and a tracking set: two symbols in each of two consecutive slots.
///
/// Spec: TS 38.214 §5.1.6.1.1; slots with SS/PBCH blocks or SIB1 are left out.
pub(super) fn csi_rs(p: &CellParams, c: &CellConfig) -> Result<Vec<CsiRsResource>, ConfigError> {
    let scs = c.dl.numerology;
    let busy = |slot: SlotPoint| {
        resolve::ssb_occasions(&SsbConfig { period_ms: 10, ..c.ssb }, slot).next().is_some()
            || c.search_spaces[0].is_monitored(slot)
    };
    let free = |offset: u16, period: u16, last: u8| {
        (0..320 / period as u32)
            .map(|i| SlotPoint::from_count(scs, (offset as u32 + i * period as u32) as i64))
            .all(|s| !busy(s) && c.duplex.is_downlink(s, 0, last + 1))
    };
    let resource = CsiRsResource {
        id: 0,
        // One port, or two in frequency, or four as two by two. Spec: TS 38.211 table 7.4.1.5.3-1
        row: match p.antennas {
            2 => 3,
            4 => 4,
            _ => 2,
        },
        k: [0, 0, 0, 0, 0, 0],
        l0: 13,
        l1: 0,
        odd_rbs: false,
        density_x2: 2,
        start_rb: 0,
        n_rb: p.n_rb,
        scrambling_id: c.pci.get(),
        period_slots: p.csi_rs_period_slots,
        offset_slots: 0,
        power_offset_ss_db: 0,
        trs: false,
    };
    let none = |path: &'static str, period: u16| {
        error(
            format!("no slot of this period is free for a CSI-RS: each has an SSB, SIB1 or uplink in it ({path})"),
            &[(path, period.to_string()), ("search_space0_index", p.search_space0_index.to_string())],
            "a longer period",
        )
    };
    let trs_period = p.trs_period_slots;
    let both = |o: u16| free(o, trs_period, 8) && free(o + 1, trs_period, 8);
    let trs = (2..trs_period - 1).find(|o| both(*o)).ok_or_else(|| none("trs_period_slots", trs_period))?;
    let apart = |o: u16| {
        let (a, b) = (p.csi_rs_period_slots, trs_period);
        (0..320 / a).all(|i| ![trs, trs + 1].contains(&((o + i * a) % b)))
    };
    let cqi = (0..p.csi_rs_period_slots)
        .find(|o| free(*o, p.csi_rs_period_slots, 13) && apart(*o))
        .ok_or_else(|| none("csi_rs_period_slots", p.csi_rs_period_slots))?;
    let mut list = vec![CsiRsResource { offset_slots: cqi, ..resource }];
    for (id, (slot, l0)) in [(0, 4), (0, 8), (1, 4), (1, 8)].into_iter().enumerate() {
        list.push(CsiRsResource {
            id: 1 + id as u8,
            row: 1,
            l0,
            l1: 0,
            odd_rbs: false,
            density_x2: 6,
            period_slots: trs_period,
            offset_slots: trs + slot,
            trs: true,
            ..resource
        });
    }
    Ok(list)
}
