//! A hostile network that may know every key: for fuzz targets and for tests.

use crate::rrc_ue::{CpOutput, UeCp};
use crate::{RadioCapability, SessionWish, UeCpConfig, Usim};
use fapi::SsbCase;
use fapi::ue::UeL1Event;
use nas::ie::PduSessionType;
use nas::{SecurityContext, SecurityHeaderType, Side};
use node::{Outbox, Rng, Script};
use nr::{LcId, Numerology, Pci, Rnti, Tc};
use seam::bearer::Bearer;
use seam::ue::L2Event;
use security::{NeaAlg, NiaAlg};

/// Fires of timers at one moment beyond which they would never end.
const FIRES_MAX: usize = 10_000;
/// K and OPc of the USIM.
const K: [u8; 16] = [1; 16];
const OPC: [u8; 16] = [2; 16];

pub(crate) fn config(options: u8) -> Option<UeCpConfig> {
    let kind = [PduSessionType::Ipv4, PduSessionType::Ipv4v6][usize::from(options >> 1 & 1)];
    let wish = |id| SessionWish { id, kind, dnn: None, s_nssai: None };
    Some(UeCpConfig {
        bands: vec![78],
        plmn: "001-01".parse().ok()?,
        usim: Usim {
            supi: nr::Supi::from_imsi("001010000000001")?,
            home_plmn: "001-01".parse().ok()?,
            subscription: security::AuthenticationSubscription::milenage_opc(&K, &OPC),
            sqn_ms: 0,
            scheme: security::Scheme::Null,
            home_public_key: Vec::new(),
            home_key_id: 0,
            routing_indicator: "0".into(),
        },
        imeisv: "3534900698733190".into(),
        nea: if options & 1 == 0 { 0x70 } else { 0xf0 },
        nia: if options & 1 == 0 { 0x70 } else { 0xf0 },
        allow_null: options & 1 != 0,
        requested_nssai: vec![],
        sessions: (1..=1 + (options >> 2 & 1)).map(wish).collect(),
        capability: RadioCapability::default(),
    })
}

struct World {
    cp: UeCp,
    out: Outbox<CpOutput>,
    now: Tc,
    /// The network's count of protected NAS messages follows the terminal's: its next downlink message.
    nas: Option<SecurityContext>,
}

/// One run of a fuzzer: an octet of options, then operations: cells that are found, system information, RRC messages with and without
/// integrity, NAS messages under protection that holds, what layer 2 tells, and time.
///
/// # Panics
/// If a timer fires without end, or a message is sent that does not decode: bugs of this crate.
pub fn fuzz_one(data: &[u8]) {
    let _ = World::after(data);
}

impl World {
    /// The world after a script.
    fn after(data: &[u8]) -> Option<World> {
        let mut s = Script::new(data);
        let cp = UeCp::new(config(s.u8())?, 0, Rng::from_lab_seed(1));
        let mut w = World { cp, out: Outbox::default(), now: Tc::ZERO, nas: None };
        w.cp.switch_on(w.now, &mut w.out);
        while let Some(op) = s.op() {
            w.operation(op, &mut s);
            w.settle();
        }
        Some(w)
    }

    fn operation(&mut self, op: u8, s: &mut Script) {
        let (now, out) = (self.now, &mut self.out);
        match op % 12 {
            0 => self.now += s.time(),
            1 => self.cell(s),
            2 => self.cp.l2_event(now, L2Event::SystemInformation(s.bytes().to_vec()), out),
            3 => {
                let c_rnti = Rnti(s.u16());
                self.cp.l2_event(now, L2Event::RandomAccessDone { c_rnti, preambles_sent: 1, at: now }, out);
            }
            4 => self.trouble(s),
            5 => self.rrc(Bearer::Srb0, s.bytes().to_vec(), false, s),
            6 => self.rrc(Bearer::Srb1, s.bytes().to_vec(), true, s),
            7 => self.rrc(Bearer::Srb1, s.bytes().to_vec(), false, s),
            8 => self.nas_as_it_is(s),
            9 => self.nas_protected(s),
            10 => self.challenge(s),
            _ => match s.below(3) {
                0 => self.cp.switch_off(now, out),
                1 => self.cp.switch_on(now, out),
                _ => self.cp.set_slot(nr::SlotPoint::from_count(Numerology::KHZ30, s.u16().into())),
            },
        }
    }

    /// A cell with whatever MIB: its 24 bits, then the options of the search.
    fn cell(&mut self, s: &mut Script) {
        let (mib, options) = (s.u32() & 0xff_ffff, s.u8());
        let Some(pci) = Pci::new(u16::from(s.u8()) * 4) else { return };
        let khz30 = options & 1 == 0;
        let ssb_hz = [3_488.16e6, 3_489.42e6, 1_842.05e6, 4_435.0e6][usize::from(options >> 5 & 3)];
        let event = UeL1Event::CellFound {
            pci,
            ssb_hz,
            band: [78, 3, 79, 1][usize::from(options >> 1 & 3)],
            cfo_hz: 0.0,
            snr_db: 20.0,
            rsrp_dbm: -80.0,
            mib,
            k_ssb: s.u8() & 31,
            ssb_index: options >> 3 & 3,
            ssb_numerology: if khz30 { Numerology::KHZ30 } else { Numerology::KHZ15 },
            ssb_case: if khz30 { SsbCase::C } else { SsbCase::A },
            l_max: if options & 128 == 0 { 8 } else { 4 },
        };
        self.cp.l1_event(self.now, &event, &mut self.out);
    }

    fn trouble(&mut self, s: &mut Script) {
        let (now, out) = (self.now, &mut self.out);
        let event = match s.below(8) {
            0 => L2Event::RandomAccessProblem,
            1 => match LcId::new(1) {
                Some(lcid) => L2Event::RlcMaxRetx { lcid },
                None => return,
            },
            2 => L2Event::IntegrityFailure { bearer: Bearer::Srb1 },
            3 => L2Event::Paging(s.bytes().to_vec()),
            4 => L2Event::TimeAlignmentExpired,
            5 => return self.cp.l1_event(now, &UeL1Event::SearchExhausted { rounds: 1 }, out),
            n => {
                let in_sync = UeL1Event::InSync(n == 6);
                return (0..1 + s.below(32)).for_each(|_| self.cp.l1_event(now, &in_sync, out));
            }
        };
        self.cp.l2_event(now, event, out);
    }

    /// An RRC message; where its integrity is not checked yet, with a MAC-I that holds under the keys that the terminal will derive.
    fn rrc(&mut self, bearer: Bearer, pdu: Vec<u8>, verified: bool, s: &mut Script) {
        let (mut count, mut mac_i) = (0, [0; 4]);
        if bearer != Bearer::Srb0 && !verified {
            count = s.u8().into();
            mac_i = self.mac_i(&pdu, count, s.u8());
        }
        self.cp.l2_event(self.now, L2Event::Rrc { bearer, pdu, verified, count, mac_i }, &mut self.out);
    }

    fn mac_i(&self, pdu: &[u8], count: u32, choice: u8) -> [u8; 4] {
        let k_gnb = match choice & 3 {
            0 => self.cp.nas.k_gnb(),
            1 => self.cp.security.as_ref().map(|s| s.k_gnb),
            // A key of a re-establishment in this cell.
            2 => self.cp.security.as_ref().zip(self.cp.found.as_ref()).map(|(s, f)| {
                let arfcn = nr::tables::arfcn::arfcn(f.ssb_hz).unwrap_or(0);
                security::kdf::k_ng_ran_star(&s.k_gnb, f.pci.get(), arfcn)
            }),
            _ => None,
        };
        let (Some(k_gnb), Some(nia)) = (k_gnb, NiaAlg::new(1 + (choice >> 2) % 3)) else { return [0; 4] };
        let key = security::kdf::k_rrc_int(&k_gnb, nia);
        let mut message = vec![(count >> 8) as u8 & 15, count as u8];
        message.extend_from_slice(pdu);
        security::nia(nia, &key, count, 0, security::Direction::Downlink, &message)
    }

    /// A NAS message in a DLInformationTransfer.
    fn deliver(&mut self, nas: Vec<u8>, s: &mut Script) {
        let ies = rrc::DlInformationTransferIes { dedicated_nas_message: Some(nas), ..Default::default() };
        let transfer = rrc::DlInformationTransfer {
            critical_extensions: rrc::DlInformationTransferCriticalExtensions::DlInformationTransfer(ies),
            ..Default::default()
        };
        let message = rrc::DlDcchMessageType::C1(rrc::DlDcchMessageTypeC1::DlInformationTransfer(transfer));
        if let Ok(pdu) = rrc::encode(&rrc::DlDcchMessage { message }) {
            self.rrc(Bearer::Srb1, pdu, true, s);
        }
    }

    fn nas_as_it_is(&mut self, s: &mut Script) {
        let nas = s.bytes().to_vec();
        self.deliver(nas, s);
    }

    /// A NAS message under the keys in force, or those of the security mode command that is to come.
    fn nas_protected(&mut self, s: &mut Script) {
        let (options, plain) = (s.u8(), s.bytes());
        let nas_ue = &self.cp.nas;
        let keys = nas_ue.context_keys(options & 1 != 0);
        let Some((ksi, k_amf)) = keys else { return };
        let algorithms = (NeaAlg::new(options >> 1 & 3), NiaAlg::new(options >> 3 & 3));
        let (Some(nea), Some(nia)) = algorithms else { return };
        let fresh = || SecurityContext::new(Side::Amf, ksi, k_amf, nea, nia);
        let same = self.nas.as_ref().is_some_and(|c| c.ng_ksi == ksi && (c.nea, c.nia) == (nea, nia));
        if !same || options & 32 != 0 {
            self.nas = Some(fresh());
        }
        let kind =
            [SecurityHeaderType::IntegrityCiphered, SecurityHeaderType::IntegrityNew, SecurityHeaderType::Integrity]
                [usize::from(options >> 6) % 3];
        let Some(nas) = self.nas.as_mut().map(|c| c.protect(kind, plain)) else { return };
        let nas = s.changed(nas);
        self.deliver(nas, s);
    }

    /// An authentication request that the USIM believes, or almost.
    fn challenge(&mut self, s: &mut Script) {
        let (sqn, ksi, rand) = (u64::from(s.u16()), s.u8() & 7, [s.u8(); 16]);
        let amf_field = if s.bit() { 0 } else { security::aka::AMF_SEPARATION_BIT };
        let subscription = security::AuthenticationSubscription::milenage_opc(&K, &OPC);
        let autn = subscription.vector(&rand, sqn, amf_field).autn;
        let mut nas = vec![0x7e, 0, 0x56, ksi, 2, 0, 0, 0x21];
        nas.extend_from_slice(&rand);
        nas.extend_from_slice(&[0x20, 16]);
        nas.extend_from_slice(&autn);
        let nas = s.changed(nas);
        self.deliver(nas, s);
    }

    fn settle(&mut self) {
        let mut fires = 0;
        while self.cp.deadline().is_some_and(|at| at <= self.now) {
            self.cp.timeout(self.now, &mut self.out);
            fires += 1;
            assert!(fires < FIRES_MAX, "a timer without end");
        }
        for o in self.out.drain() {
            if let CpOutput::L2(seam::ue::L2Command::SendRrc { pdu, .. }) = o {
                assert!(rrc::decode::<rrc::UlDcchMessage>(&pdu).is_ok(), "an RRC message that nobody reads");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 23.502 §4.2.2.2.2, §4.3.2.2.1 (the seed of the fuzz target, recorded from a run, still goes all the way)
    fn the_seed_attaches() {
        let w = World::after(include_bytes!("../../../fuzz/corpus/ue-cp/attach")).unwrap();
        assert_eq!(w.cp.nas.state, crate::nas_ue::MmState::Registered);
        assert!(w.cp.security.is_some() && w.cp.srb2 && w.cp.drbs.len() == 1, "{:?}", w.cp.state);
    }
}
