//! Connection establishment, reject and release. Spec: TS 38.331 §5.3.3, §5.3.8

use super::system_information::failed;
use super::{CpOutput, Pending, RrcState, RrcTimer, UeCp};
use crate::apply::cell_group;
use crate::event::CpEvent;
use crate::nas_ue::Establishment;
use fapi::ue::UeL1Command;
use node::{Direction, Outbox};
use nr::{Rnti, Tc};
use rrc::Enumerated;
use seam::bearer::Bearer;
use seam::ue::L2Command;

/// RRC setup: processing delay. Spec: TS 38.331 table 12.1-1
const SETUP_DELAY_MS: i64 = 10;
/// Establishment attempts on one cell before the search begins anew.
const ATTEMPTS_MAX: u32 = 4;

impl UeCp {
    /// Begins to establish a connection for the NAS message that waits.
    pub(super) fn connect(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        let Some((_, s_tmsi, _)) = &self.initial_nas else { return };
        let ue_identity = match s_tmsi {
            Some(t) => rrc::InitialUeIdentity::Ng5GSTmsiPart1(t & ((1 << 39) - 1)),
            None => rrc::InitialUeIdentity::RandomValue(self.rng.u64() & ((1 << 39) - 1)),
        };
        let request = rrc::RrcSetupRequest {
            rrc_setup_request: rrc::RrcSetupRequestIes {
                ue_identity,
                establishment_cause: match self.establishment {
                    Establishment::Signalling => rrc::EstablishmentCause::MoSignalling,
                    Establishment::Data => rrc::EstablishmentCause::MoData,
                    Establishment::Terminated => rrc::EstablishmentCause::MtAccess,
                },
                spare: 0,
            },
        };
        self.state = RrcState::Connecting;
        let t300 = self.sib1.as_ref().and_then(|s| s.ue_timers_and_constants.as_ref()).and_then(|t| t.t300.number());
        self.timers.start(RrcTimer::T300, now + Tc::from_ms(t300.unwrap_or(1000) as i64));
        self.send_ccch(rrc::UlCcchMessageTypeC1::RrcSetupRequest(request), now, out);
    }
    pub(super) fn send_ccch(&mut self, m: rrc::UlCcchMessageTypeC1, now: Tc, out: &mut Outbox<CpOutput>) {
        if let Ok(pdu) = rrc::encode(&rrc::UlCcchMessage { message: rrc::UlCcchMessageType::C1(m) }) {
            self.tap(now, Direction::Uplink, "ul.ccch", &pdu, out);
            out.push(CpOutput::L2(L2Command::StartRandomAccess { ccch: Some(pdu) }));
        }
    }
    pub(super) fn establishment_timed_out(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.attempts += 1;
        out.push(CpOutput::L2(L2Command::Reset));
        self.event(failed("rrc-setup", "T300 expired: no RRCSetup came", "TS 38.331 §5.3.3.7"), out);
        if self.attempts >= ATTEMPTS_MAX {
            self.attempts = 0;
            self.search(false, now, out);
        } else {
            self.reconfigure_mac(out);
            self.connect(now, out);
        }
    }
    /// After an L2 reset the cell's random access parameters are told again.
    pub(super) fn reconfigure_mac(&mut self, out: &mut Outbox<CpOutput>) {
        if let (Some(f), Some(s)) = (&self.found, &self.sib1)
            && let Ok((_, rach)) = crate::apply::sib1::cell_config(f, s)
        {
            out.push(CpOutput::L2(L2Command::ConfigureRandomAccess(rach)));
        }
    }
    pub(super) fn random_access_problem(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.event(failed("random-access", "preambleTransMax reached", "TS 38.321 §5.1.4"), out);
        match self.state {
            // T300 or T301 is running and goes on; MAC would try until it expires.
            RrcState::Connecting => {
                self.timers.stop(RrcTimer::T300);
                self.establishment_timed_out(now, out);
            }
            RrcState::Reestablishing => self.go_idle("random access failed while re-establishing", now, out),
            RrcState::Connected => self.link_failed("random access problem", now, out),
            _ => {}
        }
    }
    pub(super) fn ccch(&mut self, now: Tc, pdu: &[u8], out: &mut Outbox<CpOutput>) {
        self.tap(now, Direction::Downlink, "dl.ccch", pdu, out);
        let Ok(rrc::DlCcchMessage { message: rrc::DlCcchMessageType::C1(m) }) = rrc::decode(pdu) else { return };
        let waiting = matches!(self.state, RrcState::Connecting | RrcState::Reestablishing);
        match m {
            rrc::DlCcchMessageTypeC1::RrcSetup(s) if waiting => {
                self.timers.stop(RrcTimer::T300);
                self.timers.stop(RrcTimer::T301);
                self.later(Pending::Setup(Box::new(s)), SETUP_DELAY_MS, now);
            }
            rrc::DlCcchMessageTypeC1::RrcReject(r) if waiting => {
                self.timers.stop(RrcTimer::T300);
                self.timers.stop(RrcTimer::T301);
                let rrc::RrcRejectCriticalExtensions::RrcReject(r) = r.critical_extensions else { return };
                let wait = r.wait_time.unwrap_or(1).clamp(1, 16) as i64;
                self.event(failed("rrc-setup", &format!("RRCReject: wait {wait} s"), "TS 38.331 §5.3.15"), out);
                out.push(CpOutput::L2(L2Command::Reset));
                self.reconfigure_mac(out);
                self.state = RrcState::Idle;
                self.timers.start(RrcTimer::T302, now + Tc::from_ms(1000 * wait));
            }
            _ => {}
        }
    }
    /// Spec: TS 38.331 §5.3.3.4
    pub(super) fn apply_setup(&mut self, m: rrc::RrcSetup, now: Tc, out: &mut Outbox<CpOutput>) {
        let rrc::RrcSetupCriticalExtensions::RrcSetup(ies) = m.critical_extensions else { return };
        let fallback = self.state == RrcState::Reestablishing;
        let Some(cell) = self.cell.clone() else { return };
        let group = match rrc::decode::<rrc::CellGroupConfig>(&ies.master_cell_group) {
            Ok(g) => g,
            Err(e) => {
                return self.event(failed("rrc-setup", &format!("masterCellGroup: {e}"), "TS 38.331 §5.3.3.4"), out);
            }
        };
        if fallback {
            // Spec: TS 38.331 §5.3.3.4: what was kept for re-establishment is given up.
            self.forget_bearers(out);
            out.push(CpOutput::L2(L2Command::ReleaseBearers));
        }
        let group = match cell_group::apply(&group, &cell_group::initial(&cell), &cell_group::default_mac(), &cell) {
            Ok(g) => g,
            Err(e) => return self.event(failed("rrc-setup", &e.what, e.clause), out),
        };
        let srbs = ies.radio_bearer_config.srb_to_add_mod_list.unwrap_or_default();
        let pdcp = srbs.iter().find(|s| s.srb_identity == 1).and_then(|s| s.pdcp_config.as_ref());
        let config = crate::apply::bearer::srb_pdcp(pdcp);
        self.apply_group(group, out);
        out.push(CpOutput::L2(L2Command::AddPdcp { bearer: Bearer::Srb1, config, sdap: None }));
        self.state = RrcState::Connected;
        self.attempts = 0;
        out.push(CpOutput::L1(UeL1Command::WatchPaging { ue_id: None }));
        self.nas.set_connected(true);
        self.event(CpEvent::RrcConnected, out);
        if fallback || self.initial_nas.is_none() {
            let mut n = Vec::new();
            self.nas.register_again(now, &mut n);
            for o in n {
                match o {
                    crate::nas_ue::NasOutput::Initial { pdu, s_tmsi, guami, .. } => {
                        self.initial_nas = Some((pdu, s_tmsi, guami));
                    }
                    crate::nas_ue::NasOutput::Event(e) => self.event(e, out),
                    _ => {}
                }
            }
        }
        let Some((pdu, s_tmsi, guami)) = self.initial_nas.take() else { return };
        let complete = rrc::RrcSetupComplete {
            rrc_transaction_identifier: m.rrc_transaction_identifier,
            critical_extensions: rrc::RrcSetupCompleteCriticalExtensions::RrcSetupComplete(rrc::RrcSetupCompleteIes {
                selected_plmn_identity: self.selected_plmn(),
                registered_amf: guami.map(|g| rrc::RegisteredAmf {
                    plmn_identity: None,
                    amf_identifier: (g.amf_region as u32) << 16
                        | (g.amf_set as u32 & 0x3ff) << 6
                        | g.amf_pointer as u32 & 63,
                }),
                guami_type: guami.map(|_| rrc::RrcSetupCompleteIesGuamiType::Native),
                dedicated_nas_message: pdu,
                // Part 1 went with the request; part 2 are the 9 most significant bits.
                ng_5_g_s_tmsi_value: s_tmsi.map(|t| {
                    if fallback {
                        rrc::RrcSetupCompleteIesNg5GSTmsiValue::Ng5GSTmsi(t)
                    } else {
                        rrc::RrcSetupCompleteIesNg5GSTmsiValue::Ng5GSTmsiPart2((t >> 39) as u16)
                    }
                }),
                ..rrc::RrcSetupCompleteIes::default()
            }),
        };
        self.send(Bearer::Srb1, rrc::UlDcchMessageTypeC1::RrcSetupComplete(complete), now, out);
    }
    /// Index of our PLMN in SIB1, from 1.
    fn selected_plmn(&self) -> u8 {
        let all = self.sib1.as_ref().map(|s| crate::apply::sib1::plmns(s)).unwrap_or_default();
        all.iter().position(|p| p.0 == self.config.plmn).map_or(1, |i| i as u8 + 1)
    }
    pub(super) fn apply_group(&mut self, g: cell_group::CellGroup, out: &mut Outbox<CpOutput>) {
        if let Some(rlf) = g.rlf {
            self.rlf = rlf;
        }
        for lcid in g.release {
            out.push(CpOutput::L2(L2Command::ReleaseRlcBearer(lcid)));
        }
        if let Some(m) = g.mac {
            self.mac = m;
            out.push(CpOutput::L2(L2Command::ConfigureMac(m)));
        }
        for b in g.add {
            out.push(CpOutput::L2(L2Command::AddRlcBearer(b)));
        }
        let config = Some(Box::new(g.dedicated.clone()));
        self.dedicated = Some(g.dedicated);
        out.push(CpOutput::L1(UeL1Command::ConfigureDedicated { from: self.slot.plus(1), config }));
    }
    pub(super) fn forget_bearers(&mut self, out: &mut Outbox<CpOutput>) {
        for d in std::mem::take(&mut self.drbs) {
            out.push(CpOutput::L2(L2Command::ReleaseDrb(d)));
        }
        self.srb2 = false;
        self.security = None;
        self.source = None;
    }
    /// RRCRelease: what is under way is acknowledged first. Spec: TS 38.331 §5.3.8.3 (60 ms)
    pub(super) fn release(&mut self, now: Tc) {
        self.timers.start(RrcTimer::Release, now + Tc::from_ms(60));
    }
    pub(super) fn released(&mut self, now: Tc, out: &mut Outbox<CpOutput>) {
        self.leave_connection(out);
        self.event(CpEvent::Released, out);
        let mut n = Vec::new();
        self.nas.connection_released(now, &mut n);
        self.nas_outputs(n, now, out);
        if self.off && self.state != RrcState::Off {
            return self.switch_radio_off(out);
        }
        self.watch_paging(out);
    }
    /// An idle terminal that is registered listens for its 5G-S-TMSI. Spec: TS 38.304 §7.1
    pub(super) fn watch_paging(&mut self, out: &mut Outbox<CpOutput>) {
        let identity = self.nas.paging_identity().filter(|_| self.state == RrcState::Idle);
        let ue_id = identity.map(|s_tmsi| (s_tmsi & 1023) as u16);
        out.push(CpOutput::L1(UeL1Command::WatchPaging { ue_id }));
    }
    /// Spec: TS 38.331 §5.3.2.3
    pub(super) fn paging(&mut self, now: Tc, bytes: &[u8], out: &mut Outbox<CpOutput>) {
        self.tap(now, Direction::Downlink, "pcch", bytes, out);
        let Ok(rrc::PcchMessage { message: rrc::PcchMessageType::C1(m) }) = rrc::decode(bytes) else { return };
        let rrc::PcchMessageTypeC1::Paging(m) = m else { return };
        let Some(own) = self.nas.paging_identity().filter(|_| self.state == RrcState::Idle) else { return };
        let called = |r: &rrc::PagingRecord| r.ue_identity == rrc::PagingUeIdentity::Ng5GSTmsi(own);
        if m.paging_record_list.unwrap_or_default().iter().any(called) {
            let mut n = Vec::new();
            self.nas.paged(now, &mut n);
            self.nas_outputs(n, now, out);
        }
    }
    fn leave_connection(&mut self, out: &mut Outbox<CpOutput>) {
        self.forget_bearers(out);
        self.timers.stop_where(|_| true);
        self.pending = None;
        self.waiting.clear();
        self.dedicated = None;
        self.mac = crate::apply::cell_group::default_mac();
        self.c_rnti = None;
        self.out_of_sync = 0;
        self.in_sync = 0;
        self.nas.set_connected(false);
        out.push(CpOutput::L2(L2Command::Reset));
        out.push(CpOutput::L1(UeL1Command::SetRnti { c_rnti: None::<Rnti>, temporary: None }));
        out.push(CpOutput::L1(UeL1Command::ConfigureDedicated { from: self.slot.plus(1), config: None }));
        self.reconfigure_mac(out);
        self.state = RrcState::Idle;
    }
    /// Back to idle because of a failure; NAS decides what next. Spec: TS 38.331 §5.3.11
    pub(super) fn go_idle(&mut self, cause: &'static str, now: Tc, out: &mut Outbox<CpOutput>) {
        self.leave_connection(out);
        self.event(failed("random-access", cause, "TS 38.331 §5.3.11"), out);
        if self.off {
            return self.switch_radio_off(out);
        }
        let mut n = Vec::new();
        self.nas.connection_lost(now, &mut n);
        self.nas_outputs(n, now, out);
        self.search(false, now, out);
    }
}
