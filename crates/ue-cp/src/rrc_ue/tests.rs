//! What layer 2 tells RRC, and what follows.

use super::*;
use crate::apply::{cell_group, tests::cell_and_group};
use fapi::CsiReport;
use fapi::resolve::{self, HarqUci};
use nr::Numerology;

/// The configuration that L1 is given in `out`.
fn configured(out: &mut Outbox<CpOutput>) -> Option<DedicatedConfig> {
    out.drain().find_map(|o| match o {
        CpOutput::L1(UeL1Command::ConfigureDedicated { config, .. }) => config.map(|c| *c),
        _ => None,
    })
}

#[test] // Spec: TS 38.331 §5.3.12, TS 38.321 §5.4.4, §5.2 (SR and CSI go, HARQ-ACK stays, a reconfiguration brings them again)
fn resources_for_requests_and_reports_are_released() {
    let (cell, group) = cell_and_group();
    let apply = |old: &DedicatedConfig| cell_group::apply(&group, old, &cell_group::default_mac(), &cell).unwrap();
    for event in [L2Event::SchedulingRequestFailed, L2Event::TimeAlignmentExpired] {
        let mut cp = UeCp::new(crate::fuzz::config(0).unwrap(), 1, Rng::from_lab_seed(1));
        let mut out = Outbox::default();
        // Without a dedicated configuration there is nothing to release.
        cp.l2_event(Tc::ZERO, event.clone(), &mut out);
        assert!(out.pop().is_none());

        let mut d = apply(&cell_group::initial(&cell)).dedicated;
        let cqi_table = fapi::McsTable::Qam64;
        d.csi_report = Some(CsiReport {
            period_slots: 40,
            offset_slots: 4,
            resource_idx: 1,
            cqi_table,
            csi_rs_id: 0,
            content: fapi::csi::CsiContent::CQI,
        });
        (cp.state, cp.cell, cp.dedicated) = (RrcState::Connected, Some(cell.clone()), Some(d.clone()));
        cp.l2_event(Tc::ZERO, event, &mut out);
        let left = configured(&mut out).unwrap();
        assert_eq!((left.pucch.sr, left.csi_report), (None, None));
        assert_eq!(cp.dedicated.as_ref(), Some(&left));
        // All else is as it was, the resources of HARQ-ACK with it.
        let mut rest = d.clone();
        (rest.pucch.sr, rest.csi_report) = (None, None);
        assert_eq!(left, rest);
        let pucch = |d: &DedicatedConfig, n: u32, harq| {
            resolve::pucch(&cell, Some(d), Rnti(17), SlotPoint::new(Numerology::KHZ30, 2, n), harq).unwrap()
        };
        let harq = Some(HarqUci { n_bits: 1, pri: 0, first_cce: 0, n_cce: 8 });
        assert!(pucch(&left, 1, harq).main.is_some());
        assert_eq!(pucch(&left, 1, harq), pucch(&d, 1, harq));
        // Requests are due in slots 9 of 40, reports in slots 4.
        assert!(pucch(&d, 9, None).sr.is_some() && pucch(&d, 4, None).main.is_some());
        for n in 0..20 {
            let c = pucch(&left, n, None);
            assert!(c.main.is_none() && c.sr.is_none(), "slot {n}: {c:?}");
        }
        assert_eq!(apply(&left).dedicated.pucch.sr, d.pucch.sr);
    }
}
