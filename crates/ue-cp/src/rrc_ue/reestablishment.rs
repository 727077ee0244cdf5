//! Radio link failure and re-establishment. Spec: TS 38.331 §5.3.10, §5.3.7

use super::secured::{as_keys, verify};
use super::system_information::failed;
use super::{CpOutput, Pending, RrcState, RrcTimer, UeCp};
use crate::event::CpEvent;
use fapi::ue::UeL1Command;
use node::Outbox;
use nr::{Tc, tables};
use rrc::{Enumerated, UlDcchMessageTypeC1 as Ul};
use seam::bearer::Bearer;
use seam::ue::L2Command;
use security::NiaAlg;

/// Judgements in a row, one each 10 ms, after which an idle terminal gives a cell up.
const NOT_HEARD: u32 = 100;

impl UeCp {
    /// In and out of sync, as L1 judges it every 10 ms. Spec: TS 38.331 §5.3.10.1, §5.3.10.2
    pub(super) fn link_quality(&mut self, ok: bool, now: Tc, out: &mut Outbox<CpOutput>) {
        if self.state == RrcState::Idle {
            return self.serving_cell_quality(ok, now, out);
        }
        if self.state != RrcState::Connected {
            return;
        }
        let (t310, n310, n311) = self.rlf;
        if ok {
            self.out_of_sync = 0;
            self.in_sync += 1;
            if self.in_sync >= n311 {
                self.timers.stop(RrcTimer::T310);
            }
        } else {
            self.in_sync = 0;
            self.out_of_sync += 1;
            if self.out_of_sync >= n310 && !self.timers.is_running(RrcTimer::T310) {
                self.timers.start(RrcTimer::T310, now + Tc::from_ms(t310 as i64));
            }
        }
    }
    /// An idle terminal that does not hear its cell any more looks for another. Spec: TS 38.304 §5.2.6
    fn serving_cell_quality(&mut self, ok: bool, now: Tc, out: &mut Outbox<CpOutput>) {
        self.out_of_sync = if ok { 0 } else { self.out_of_sync + 1 };
        if self.out_of_sync >= NOT_HEARD {
            self.out_of_sync = 0;
            self.event(failed("cell-search", "the cell is not heard any more", "TS 38.304 §5.2.6"), out);
            self.search(false, now, out);
        }
    }
    /// Spec: TS 38.331 §5.3.10.3: with security and a DRB the connection is re-established, else it is left.
    pub(super) fn link_failed(&mut self, cause: &'static str, now: Tc, out: &mut Outbox<CpOutput>) {
        if self.state != RrcState::Connected {
            return;
        }
        self.event(CpEvent::RadioLinkFailure { cause }, out);
        self.timers.stop_where(|_| true);
        self.pending = None;
        self.waiting.clear();
        self.out_of_sync = 0;
        self.in_sync = 0;
        if self.security.is_none() || !self.srb2 || self.drbs.is_empty() {
            return self.go_idle(cause, now, out);
        }
        if let (Some(cell), Some(rnti)) = (&self.cell, self.c_rnti) {
            self.source = Some((cell.pci.get(), rnti.0));
        }
        out.push(CpOutput::L2(L2Command::SuspendAll));
        out.push(CpOutput::L1(UeL1Command::Reset));
        let t311 = self.sib1.as_ref().and_then(|s| s.ue_timers_and_constants.as_ref()).and_then(|t| t.t311.number());
        self.timers.start(RrcTimer::T311, now + Tc::from_ms(t311.unwrap_or(3000) as i64));
        // Spec: TS 38.331 §5.3.7.2 (spCellConfig released, default MAC configuration)
        self.dedicated = None;
        self.mac = crate::apply::cell_group::default_mac();
        self.search(true, now, out);
    }
    /// Spec: TS 38.331 §5.3.7.4
    pub(super) fn request_reestablishment(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.timers.stop(RrcTimer::T311);
        let (Some((pci, c_rnti)), Some(s)) = (self.source, &self.security) else {
            return self.go_idle("nothing to re-establish", now, out);
        };
        let input = rrc::VarShortMacInput {
            source_phys_cell_id: pci,
            target_cell_identity: self.cell_identity,
            source_c_rnti: c_rnti,
        };
        let (Ok(input), Some(nia), Some(keys)) =
            (rrc::encode(&input), NiaAlg::new(s.algorithms.nia), as_keys(&s.k_gnb, s.algorithms))
        else {
            return self.go_idle("no ShortMAC-I", now, out);
        };
        // Spec: TS 38.331 §5.3.7.4: COUNT, BEARER and DIRECTION are all ones.
        let mac = security::nia(nia, &keys.rrc_int, u32::MAX, 31, security::Direction::Downlink, &input);
        let request = rrc::RrcReestablishmentRequest {
            rrc_reestablishment_request: rrc::RrcReestablishmentRequestIes {
                ue_identity: rrc::ReestabUeIdentity {
                    c_rnti,
                    phys_cell_id: pci,
                    short_mac_i: u16::from_be_bytes([mac[2], mac[3]]),
                },
                reestablishment_cause: rrc::ReestablishmentCause::OtherFailure,
                spare: 0,
            },
        };
        // SRB1 begins anew, without security until the answer has shown that the network has the keys.
        out.push(CpOutput::L2(L2Command::Reestablish { bearer: Bearer::Srb1 }));
        out.push(CpOutput::L2(L2Command::Resume { bearer: Bearer::Srb1 }));
        self.state = RrcState::Reestablishing;
        let t301 = self.sib1.as_ref().and_then(|s| s.ue_timers_and_constants.as_ref()).and_then(|t| t.t301.number());
        self.timers.start(RrcTimer::T301, now + Tc::from_ms(t301.unwrap_or(1000) as i64));
        self.send_ccch(rrc::UlCcchMessageTypeC1::RrcReestablishmentRequest(request), now, out);
    }
    /// Spec: TS 38.331 §5.3.7.5: new keys first, then the integrity of the message itself is checked with them.
    pub(super) fn reestablishment(
        &mut self,
        now: Tc,
        r: rrc::RrcReestablishment,
        (bearer, pdu, count, mac_i): (Bearer, &[u8], u32, [u8; 4]),
        delay_ms: i64,
        out: &mut Outbox<CpOutput>,
    ) {
        let transaction = r.rrc_transaction_identifier;
        let rrc::RrcReestablishmentCriticalExtensions::RrcReestablishment(ies) = r.critical_extensions else { return };
        let ncc = ies.next_hop_chaining_count;
        let (Some(s), Some(cell)) = (self.security.clone(), &self.cell) else { return };
        let arfcn = tables::arfcn::arfcn(cell.ssb.frequency_hz).unwrap_or(0);
        let Some(base) = self.next_base(&s, ncc) else { return self.go_idle("NCC out of step", now, out) };
        let k_gnb = security::kdf::k_ng_ran_star(&base.0, cell.pci.get(), arfcn);
        let Some(keys) = as_keys(&k_gnb, s.algorithms) else { return };
        if !verify(&keys.rrc_int, s.algorithms.nia, count, bearer, pdu, mac_i) {
            return self.go_idle("RRCReestablishment: its integrity does not hold", now, out);
        }
        if let Some(s) = self.security.as_mut() {
            s.nh = base.1;
        }
        self.timers.stop(RrcTimer::T301);
        self.later(Pending::Reestablishment { transaction, ncc, k_gnb }, delay_ms, now);
    }
    /// The key that the new K_gNB comes from: K_gNB itself (same NCC) or NH, stepped up to the NCC. Spec: TS 33.501 §6.9.2.3.4
    fn next_base(&self, s: &super::AsSecurity, ncc: u8) -> Option<([u8; 32], Option<[u8; 32]>)> {
        if ncc == s.ncc {
            return Some((s.k_gnb, s.nh));
        }
        let mut sync = s.nh.or_else(|| self.nas.k_gnb())?;
        let mut n = s.ncc;
        while n != ncc {
            sync = self.nas.next_hop(&sync)?;
            n = (n + 1) & 7;
        }
        Some((sync, Some(sync)))
    }
    pub(super) fn apply_reestablishment(
        &mut self,
        transaction: u8,
        ncc: u8,
        k_gnb: [u8; 32],
        now: Tc,
        out: &mut Outbox<CpOutput>,
    ) {
        let Some(s) = self.security.as_mut() else { return };
        s.k_gnb = k_gnb;
        s.ncc = ncc;
        let algorithms = s.algorithms;
        let Some(keys) = as_keys(&k_gnb, algorithms) else { return };
        out.push(CpOutput::L2(L2Command::Secure { algorithms, keys, ciphering: true }));
        self.state = RrcState::Connected;
        self.source = None;
        let complete =
            rrc::RrcReestablishmentComplete { rrc_transaction_identifier: transaction, ..Default::default() };
        self.send(Bearer::Srb1, Ul::RrcReestablishmentComplete(complete), now, out);
        self.event(CpEvent::Reestablished, out);
    }
}
