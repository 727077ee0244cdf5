//! Presence and density of phase-tracking reference signals. Spec: TS 38.214 §5.1.6.3, §6.2.3

use super::super::{ResolveError, invalid};
use crate::config::McsTable;
use crate::options::{DlPtrsConfig, UlPtrsConfig};
use crate::pdu::{PtrsGroups, PtrsPdu};

/// (L_PT-RS, K_PT-RS), or nothing where the allocation is too small or the modulation too low.
///
/// Spec: TS 38.214 tables 5.1.6.3-1 and -2 (6.2.3.1-1 and -2 are the same)
fn densities(
    time: Option<[u8; 3]>,
    frequency: Option<[u16; 2]>,
    table: McsTable,
    mcs: u8,
    n_rb: u16,
) -> Option<(u8, u8)> {
    // Without thresholds PT-RS is in every symbol and every second RB, from a least modulation and three RBs on.
    let least = match table {
        McsTable::Qam64 => 10,
        McsTable::Qam256 => 5,
        McsTable::Qam64LowSe => 15,
        McsTable::Qam1024 => 3,
    };
    let l = match time {
        None if mcs < least => return None,
        None => 1,
        Some([a, _, _]) if mcs < a => return None,
        Some([_, b, _]) if mcs < b => 4,
        Some([_, _, c]) if mcs < c => 2,
        Some(_) => 1,
    };
    let k = match frequency {
        None if n_rb < 3 => return None,
        None => 2,
        Some([a, _]) if n_rb < a => return None,
        Some([_, b]) if n_rb < b => 2,
        Some(_) => 4,
    };
    Some((l, k))
}

/// Power of a PT-RS element over a layer's data where all layers' power goes into it, dB. Spec: TS 38.214 table 4.1-2
fn all_layers_db(n_layers: u8) -> f32 {
    [0.0, 3.0, 4.77, 6.0][usize::from(n_layers.clamp(1, 4) - 1)]
}

/// PT-RS of a PDSCH: one port, which goes with the lowest DM-RS port. Spec: TS 38.214 §5.1.6.3
pub(super) fn downlink(c: &DlPtrsConfig, table: McsTable, mcs: u8, n_rb: u16, dmrs_ports: u16) -> Option<PtrsPdu> {
    let (time_density, frequency_density) = densities(c.time_density, c.frequency_density, table, mcs, n_rb)?;
    Some(PtrsPdu {
        time_density,
        frequency_density,
        re_offset: c.re_offset & 3,
        dmrs_ports: dmrs_ports & dmrs_ports.wrapping_neg(),
        power_offset_db: if c.epre_ratio == 0 { all_layers_db(dmrs_ports.count_ones() as u8) } else { 0.0 },
    })
}

/// PT-RS of a PUSCH without transform precoding: one port, which goes with the DM-RS port that `association` names.
///
/// Spec: TS 38.214 §6.2.3.1, TS 38.212 table 7.3.1.1.2-25. Errors: two PT-RS ports, a port that is not sent.
pub(super) fn uplink(
    c: &UlPtrsConfig,
    (table, mcs): (McsTable, u8),
    n_rb: u16,
    dmrs_ports: u16,
    association: u8,
) -> Result<Option<PtrsPdu>, ResolveError> {
    if c.max_ports > 1 {
        return Err(ResolveError::Unsupported { clause: "TS 38.212 table 7.3.1.1.2-26 (two PT-RS ports)" });
    }
    let Some((time_density, frequency_density)) = densities(c.time_density, c.frequency_density, table, mcs, n_rb)
    else {
        return Ok(None);
    };
    let port = (0..12).filter(|p| dmrs_ports >> p & 1 == 1).nth(association as usize);
    let bad = invalid("PTRS-DMRS association", association as u32, "TS 38.212 table 7.3.1.1.2-25");
    Ok(Some(PtrsPdu {
        time_density,
        frequency_density,
        re_offset: c.re_offset & 3,
        dmrs_ports: 1 << port.ok_or(bad)?,
        // ptrs-Power 00 of non-coherent and non-codebook transmission. Spec: TS 38.214 table 6.2.3.1-3
        power_offset_db: 0.0,
    }))
}

/// PT-RS of a transform-precoded PUSCH. Spec: TS 38.214 §6.2.3.2, tables 6.2.3.2-1 and -3
pub(super) fn transform(c: &UlPtrsConfig, n_rb: u16, q_m: u8, n_id: u16) -> Option<PtrsGroups> {
    let bounds = c.sample_density?;
    let (n_groups, n_samples) = match bounds.iter().filter(|b| n_rb >= **b).count() {
        0 => return None,
        1 => (2, 2),
        2 => (2, 4),
        3 => (4, 2),
        4 => (4, 4),
        _ => (8, 4),
    };
    let beta = match q_m {
        1 | 2 => 1.0,
        4 => 3.0 / 5f32.sqrt(),
        6 => 7.0 / 21f32.sqrt(),
        _ => 15.0 / 85f32.sqrt(),
    };
    Some(PtrsGroups { n_groups, n_samples, time_density: 1 + u8::from(c.transform_time_density_2), n_id, beta })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.214 §5.1.6.3, §6.2.3
    fn densities_by_the_tables() {
        let of = |mcs, n_rb| densities(Some([10, 17, 23]), Some([4, 30]), McsTable::Qam64, mcs, n_rb);
        assert_eq!((of(9, 50), of(10, 4), of(17, 29), of(23, 30)), (None, Some((4, 2)), Some((2, 2)), Some((1, 4))));
        assert_eq!(of(20, 3), None);
        let by_default = |mcs, n_rb| densities(None, None, McsTable::Qam256, mcs, n_rb);
        assert_eq!((by_default(4, 50), by_default(5, 2), by_default(5, 3)), (None, None, Some((1, 2))));
        let c = DlPtrsConfig { re_offset: 2, ..Default::default() };
        let p = downlink(&c, McsTable::Qam256, 20, 20, 0b1100).unwrap();
        assert_eq!((p.dmrs_ports, p.re_offset, p.power_offset_db), (0b100, 2, 3.0));
        let u = UlPtrsConfig { sample_density: Some([8, 16, 32, 64, 100]), ..Default::default() };
        let at = |n| transform(&u, n, 4, 5).map(|g| (g.n_groups, g.n_samples));
        assert_eq!((at(7), at(8), at(40), at(200)), (None, Some((2, 2)), Some((4, 2)), Some((8, 4))));
        let ul = |association| uplink(&u, (McsTable::Qam256, 20), 20, 0b1010, association);
        assert_eq!((ul(1).unwrap().unwrap().dmrs_ports, ul(2).is_err()), (0b1000, true));
    }
}
