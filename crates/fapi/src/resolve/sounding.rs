//! When and where a UE sounds the uplink. Spec: TS 38.214 §6.2.1, TS 38.211 §6.4.1.4

use crate::config::{CellConfig, DedicatedConfig};
use crate::options::PuschScheme;
use crate::pdu::{SrsPdu, SrsSounding};
use nr::tables::uplink_precoding;
use nr::{Rnti, SlotPoint};

/// The SRS of a UE in `slot`, with the precoders that its configuration lets a PUSCH have; none where it is not due, or where its symbols
/// are not uplink.
///
/// Spec: TS 38.211 §6.4.1.4.3, §6.4.1.4.4
pub fn srs(cell: &CellConfig, d: &DedicatedConfig, rnti: Rnti, slot: SlotPoint) -> Option<SrsSounding> {
    let r = d.srs?.resource;
    let due = r.is_sent(slot) && cell.duplex.is_uplink(slot, r.start_symbol, r.n_symbols);
    let (max_rank, subset) = match d.pusch.options.scheme {
        PuschScheme::Codebook { max_rank, subset, .. } => (max_rank, subset),
        _ => (1, Default::default()),
    };
    let bwp_start = cell.ul.offset_to_carrier + d.ul_bwp.start_rb;
    let reference_rb = r.reference_rb(bwp_start, cell.ul.offset_to_carrier);
    due.then_some(SrsSounding { pdu: SrsPdu { rnti, resource: r, reference_rb }, max_rank, subset })
}

/// Whether an SRS has a symbol in common with `n_symbols` from `start_symbol` on: a PUCCH there goes before it.
///
/// Spec: TS 38.214 §6.2.1
pub fn srs_meets(srs: &SrsPdu, start_symbol: u8, n_symbols: u8) -> bool {
    let r = &srs.resource;
    r.start_symbol < start_symbol.saturating_add(n_symbols) && start_symbol < r.start_symbol.saturating_add(r.n_symbols)
}

/// The field "precoding information and number of layers" for `n_layers` by `tpmi`; `None` where the scheme has no such value.
///
/// Spec: TS 38.212 tables 7.3.1.1.2-2 to -5
pub fn precoding_field(scheme: &PuschScheme, n_layers: u8, tpmi: u8) -> Option<u8> {
    match *scheme {
        PuschScheme::Codebook { n_ports, max_rank, subset, .. } if n_ports > 1 => {
            (0..uplink_precoding::n_precoders(n_ports, max_rank, subset))
                .find(|f| uplink_precoding::precoder(n_ports, max_rank, subset, *f) == Some((n_layers, tpmi)))
        }
        _ => (n_layers == 1 && tpmi == 0).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SrsConfig, SrsHopping, SrsResource};
    use crate::resolve::tests::{cell, dedicated};
    use nr::Numerology;

    pub(crate) fn resource() -> SrsResource {
        SrsResource {
            id: 0,
            n_ports: 2,
            comb: 2,
            comb_offset: 0,
            cyclic_shift: 0,
            start_symbol: 13,
            n_symbols: 1,
            repetition: 1,
            freq_position: 0,
            freq_shift: 1,
            c_srs: 12,
            b_srs: 0,
            b_hop: 0,
            hopping: SrsHopping::Neither,
            sequence_id: 7,
            period: Some((40, 3)),
            freq_scaling: 1,
            start_rb_index: 0,
            start_rb_hopping: false,
            positioning: false,
        }
    }

    #[test] // Spec: TS 38.211 §6.4.1.4.4, TS 38.214 §6.2.1
    fn an_srs_is_due_in_its_slots_and_gives_way_to_what_meets_it() {
        let c = cell();
        let mut d = dedicated(&c);
        let at = |n| SlotPoint::from_count(Numerology::KHZ30, n);
        assert_eq!(srs(&c, &d, Rnti(5), at(3)), None);
        d.srs = Some(SrsConfig { resource: resource(), p0_dbm: -86, alpha: 1.0 });
        d.pusch.options.scheme =
            PuschScheme::Codebook { n_ports: 2, max_rank: 2, subset: Default::default(), n_srs: 1 };
        let due: Vec<i64> = (0..100).filter(|n| srs(&c, &d, Rnti(5), at(*n)).is_some()).collect();
        assert_eq!(due, [3, 43, 83]);
        let s = srs(&c, &d, Rnti(5), at(3)).unwrap();
        assert_eq!((s.max_rank, s.pdu.rnti), (2, Rnti(5)));
        assert!(srs_meets(&s.pdu, 0, 14) && srs_meets(&s.pdu, 12, 2) && !srs_meets(&s.pdu, 0, 13));
    }

    #[test] // Spec: TS 38.212 §7.3.1.1.2 tables 7.3.1.1.2-2 to -5
    fn a_field_for_each_precoder() {
        let scheme =
            |n_ports, max_rank| PuschScheme::Codebook { n_ports, max_rank, subset: Default::default(), n_srs: 1 };
        let two = scheme(2, 2);
        assert_eq!(
            [(1, 0), (2, 0), (1, 5), (2, 2)].map(|(l, t)| precoding_field(&two, l, t)),
            [Some(0), Some(2), Some(6), Some(8)]
        );
        assert_eq!((precoding_field(&two, 2, 3), precoding_field(&two, 3, 0)), (None, None));
        assert_eq!((precoding_field(&scheme(4, 4), 4, 4), precoding_field(&scheme(4, 2), 3, 0)), (Some(61), None));
        assert_eq!(
            (precoding_field(&PuschScheme::OnePort, 1, 0), precoding_field(&PuschScheme::OnePort, 2, 0)),
            (Some(0), None)
        );
    }
}
