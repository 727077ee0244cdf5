//! Cell search, MIB and SIB1. Spec: TS 38.331 §5.2.2, TS 38.304 §5.2

use super::{CpOutput, RrcState, RrcTimer, UeCp};
use crate::apply::sib1::{FoundCell, cell_config, plmns};
use crate::event::CpEvent;
use fapi::ue::{UeL1Command, UeL1Event};
use node::{Direction, Outbox};
use nr::Tc;
use seam::ue::L2Command;

/// SIB1 repeats every 160 ms at the least: two of them. Spec: TS 38.331 §5.2.1
const SIB1_PATIENCE: Tc = Tc::from_ms(340);

impl UeCp {
    pub(super) fn search(&mut self, reestablish: bool, _now: Tc, out: &mut Outbox<CpOutput>) {
        self.state = RrcState::Searching { reestablish };
        self.found = None;
        self.sib1 = None;
        self.timers.stop(RrcTimer::Sib1);
        out.push(CpOutput::L1(UeL1Command::Search { bands: self.config.bands.clone() }));
    }
    pub(super) fn cell_found(&mut self, now: Tc, event: &UeL1Event, out: &mut Outbox<CpOutput>) {
        let UeL1Event::CellFound {
            pci,
            ssb_hz,
            band,
            cfo_hz,
            snr_db,
            rsrp_dbm,
            mib,
            k_ssb,
            ssb_index,
            ssb_numerology,
            ssb_case,
            l_max,
        } = event
        else {
            return;
        };
        if !matches!(self.state, RrcState::Searching { .. }) {
            return;
        }
        self.event(
            CpEvent::CellFound {
                pci: pci.get(),
                ssb_hz: *ssb_hz,
                cfo_hz: *cfo_hz,
                snr_db: *snr_db,
                rsrp_dbm: *rsrp_dbm,
            },
            out,
        );
        let bytes = [(mib >> 16) as u8, (mib >> 8) as u8, *mib as u8];
        self.tap(now, Direction::Downlink, "bcch.bch", &bytes, out);
        let decoded = rrc::decode::<rrc::BcchBchMessage>(&bytes);
        let Ok(rrc::BcchBchMessage { message: rrc::BcchBchMessageType::Mib(mib) }) = decoded else {
            self.event(failed("mib", "the MIB does not decode", "TS 38.331 §6.2.2"), out);
            return out.push(CpOutput::L1(UeL1Command::Bar(*pci)));
        };
        self.event(CpEvent::Mib { sfn: (mib.system_frame_number as u16) << 4 }, out);
        // Spec: TS 38.331 §5.2.2.4.1: a barred cell is left.
        if mib.cell_barred == rrc::MibCellBarred::Barred {
            self.event(failed("mib", "the cell is barred", "TS 38.331 §5.2.2.4.1"), out);
            return out.push(CpOutput::L1(UeL1Command::Bar(*pci)));
        }
        self.found = Some(FoundCell {
            pci: *pci,
            ssb_hz: *ssb_hz,
            band: *band,
            k_ssb: *k_ssb,
            ssb_index: *ssb_index,
            ssb_numerology: *ssb_numerology,
            ssb_case: *ssb_case,
            l_max: *l_max,
            mib,
        });
        self.timers.start(RrcTimer::Sib1, now + SIB1_PATIENCE);
    }
    pub(super) fn system_information(&mut self, now: Tc, bytes: &[u8], out: &mut Outbox<CpOutput>) {
        let RrcState::Searching { reestablish } = self.state else { return };
        let Some(found) = self.found.clone() else { return };
        self.tap(now, Direction::Downlink, "bcch.dl.sch", bytes, out);
        let sib1 = match rrc::decode::<rrc::BcchDlSchMessage>(bytes) {
            Ok(rrc::BcchDlSchMessage {
                message: rrc::BcchDlSchMessageType::C1(rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(s)),
            }) => s,
            Ok(_) => return,
            Err(e) => {
                self.event(failed("sib1", &format!("SIB1 does not decode: {e}"), "TS 38.331 §6.2.2"), out);
                return;
            }
        };
        let all = plmns(&sib1);
        let Some((plmn, tac, cell_id)) = all.iter().find(|p| p.0 == self.config.plmn).copied() else {
            let heard: Vec<String> = all.iter().map(|p| p.0.to_string()).collect();
            let cause = format!("the cell belongs to {}, we look for {}", heard.join(", "), self.config.plmn);
            self.event(failed("sib1", &cause, "TS 38.304 §5.2.3"), out);
            self.timers.stop(RrcTimer::Sib1);
            self.found = None;
            return out.push(CpOutput::L1(UeL1Command::Bar(found.pci)));
        };
        let (cell, rach) = match cell_config(&found, &sib1) {
            Ok(c) => c,
            Err(e) => {
                self.event(failed("sib1", &e.what, e.clause), out);
                self.timers.stop(RrcTimer::Sib1);
                self.found = None;
                return out.push(CpOutput::L1(UeL1Command::Bar(found.pci)));
            }
        };
        self.timers.stop(RrcTimer::Sib1);
        let tac = tac.unwrap_or(0);
        self.event(CpEvent::Sib1 { plmn: plmn.to_string(), tac, cell_id, bytes: bytes.to_vec() }, out);
        self.cell_identity = cell_id;
        if let Some(t) = &sib1.ue_timers_and_constants {
            let n = |e: Option<i32>, d: u32| e.map_or(d, |v| v as u32);
            use rrc::Enumerated;
            self.rlf = (n(t.t310.number(), 1000), n(t.n310.number(), 1), n(t.n311.number(), 1));
        }
        self.sib1 = Some(Box::new(sib1));
        out.push(CpOutput::L1(UeL1Command::ConfigureCell(Box::new(cell.clone()))));
        out.push(CpOutput::L2(L2Command::ConfigureRandomAccess(rach)));
        self.cell = Some(cell);
        if reestablish {
            return self.request_reestablishment(now, out);
        }
        self.state = RrcState::Idle;
        if self.initial_nas.is_some() {
            self.connect(now, out);
        } else {
            let mut n = Vec::new();
            self.nas.camped(tac, now, &mut n);
            self.nas_outputs(n, now, out);
            self.watch_paging(out);
        }
    }
}

pub(super) fn failed(step: &'static str, cause: &str, clause: &'static str) -> CpEvent {
    CpEvent::Failed { step, cause: cause.to_owned(), clause, retry: true }
}
