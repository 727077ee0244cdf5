//! What comes on SRB1 and SRB2: security mode, capability, information transfer. Spec: TS 38.331 §5.3.4, §5.6.1, §5.7

use super::system_information::failed;
use super::{AsSecurity, CpOutput, Pending, RrcState, UeCp};
use crate::event::CpEvent;
use node::{Direction, Outbox};
use nr::Tc;
use rrc::{DlDcchMessageTypeC1 as Dl, UlDcchMessageTypeC1 as Ul};
use seam::bearer::{AsAlgorithms, AsKeys, Bearer};
use seam::ue::L2Command;
use security::{NeaAlg, NiaAlg};

/// Processing delays, ms. Spec: TS 38.331 table 12.1-1 (capability: well below its 80 ms)
const SECURITY_DELAY_MS: i64 = 5;
const CAPABILITY_DELAY_MS: i64 = 10;
const RECONFIGURATION_DELAY_MS: i64 = 10;
const REESTABLISHMENT_DELAY_MS: i64 = 10;

/// Access stratum keys of K_gNB. Spec: TS 33.501 §A.8
pub(super) fn as_keys(k_gnb: &[u8; 32], a: AsAlgorithms) -> Option<AsKeys> {
    let (nea, nia) = (NeaAlg::new(a.nea)?, NiaAlg::new(a.nia)?);
    Some(AsKeys {
        rrc_int: security::kdf::k_rrc_int(k_gnb, nia),
        rrc_enc: security::kdf::k_rrc_enc(k_gnb, nea),
        up_int: security::kdf::k_up_int(k_gnb, nia),
        up_enc: security::kdf::k_up_enc(k_gnb, nea),
    })
}

/// Checks the MAC-I of a SRB message that came before PDCP had its keys. Spec: TS 38.323 §5.9
pub(super) fn verify(key: &[u8; 16], nia: u8, count: u32, bearer: Bearer, pdu: &[u8], mac_i: [u8; 4]) -> bool {
    let Some(alg) = NiaAlg::new(nia) else { return false };
    let sn = count & 0xfff;
    let mut message = vec![(sn >> 8) as u8, sn as u8];
    message.extend_from_slice(pdu);
    let mac = security::nia(alg, key, count, bearer.cipher_bearer(), security::Direction::Downlink, &message);
    security::equal_constant_time(&mac, &mac_i)
}

impl UeCp {
    pub(super) fn dcch(
        &mut self,
        now: Tc,
        bearer: Bearer,
        pdu: &[u8],
        verified: bool,
        count: u32,
        mac_i: [u8; 4],
        out: &mut Outbox<CpOutput>,
    ) {
        self.tap(now, Direction::Downlink, "dl.dcch", pdu, out);
        let Ok(rrc::DlDcchMessage { message: rrc::DlDcchMessageType::C1(m) }) = rrc::decode(pdu) else { return };
        // Spec: TS 38.331 §B.1: what may come before security is active.
        match m {
            Dl::SecurityModeCommand(c) if self.security.is_none() => {
                self.security_mode_command(now, c, (bearer, pdu, count, mac_i), out);
            }
            Dl::RrcReestablishment(r) if self.state == RrcState::Reestablishing => {
                self.reestablishment(now, r, (bearer, pdu, count, mac_i), REESTABLISHMENT_DELAY_MS, out);
            }
            Dl::DlInformationTransfer(t) => self.information(now, t, out),
            Dl::RrcRelease(_) => self.release(now),
            Dl::UeCapabilityEnquiry(e) if verified => {
                self.later(Pending::Capability(e.rrc_transaction_identifier), CAPABILITY_DELAY_MS, now);
            }
            Dl::RrcReconfiguration(r) if verified => {
                self.later(Pending::Reconfiguration(Box::new(r)), RECONFIGURATION_DELAY_MS, now);
            }
            _ => {}
        }
    }
    fn information(&mut self, now: Tc, t: rrc::DlInformationTransfer, out: &mut Outbox<CpOutput>) {
        let rrc::DlInformationTransferCriticalExtensions::DlInformationTransfer(i) = t.critical_extensions else {
            return;
        };
        if let Some(pdu) = i.dedicated_nas_message {
            self.deliver_nas(&pdu, now, out);
        }
    }
    pub(super) fn deliver_nas(&mut self, pdu: &[u8], now: Tc, out: &mut Outbox<CpOutput>) {
        let mut n = Vec::new();
        self.nas.receive(pdu, now, &mut n);
        self.nas_outputs(n, now, out);
    }
    /// Spec: TS 38.331 §5.7.2: on SRB2 once it is there.
    pub(super) fn send_nas(&mut self, pdu: Vec<u8>, now: Tc, out: &mut Outbox<CpOutput>) {
        if self.state != RrcState::Connected {
            return;
        }
        let bearer = if self.srb2 { Bearer::Srb2 } else { Bearer::Srb1 };
        let transfer = rrc::UlInformationTransfer {
            critical_extensions: rrc::UlInformationTransferCriticalExtensions::UlInformationTransfer(
                rrc::UlInformationTransferIes { dedicated_nas_message: Some(pdu), ..Default::default() },
            ),
        };
        self.send(bearer, Ul::UlInformationTransfer(transfer), now, out);
    }
    /// Spec: TS 38.331 §5.3.4.3
    fn security_mode_command(
        &mut self,
        now: Tc,
        c: rrc::SecurityModeCommand,
        (bearer, pdu, count, mac_i): (Bearer, &[u8], u32, [u8; 4]),
        out: &mut Outbox<CpOutput>,
    ) {
        let transaction = c.rrc_transaction_identifier;
        let rrc::SecurityModeCommandCriticalExtensions::SecurityModeCommand(ies) = c.critical_extensions else {
            return;
        };
        let a = ies.security_config_smc.security_algorithm_config;
        use rrc::Enumerated;
        let algorithms = AsAlgorithms {
            nea: a.ciphering_algorithm.index() as u8,
            nia: a.integrity_prot_algorithm.map_or(0, |i| i.index() as u8),
        };
        let supported = |bits: u8, alg: u8| alg < 4 && bits & 0x80 >> alg != 0;
        let null = algorithms.nea == 0 || algorithms.nia == 0;
        let accepted = supported(self.config.nea, algorithms.nea)
            && supported(self.config.nia, algorithms.nia)
            && (!null || self.config.allow_null);
        let keys = self.nas.k_gnb().and_then(|k| Some((k, as_keys(&k, algorithms)?)));
        let verified =
            keys.as_ref().is_some_and(|(_, k)| verify(&k.rrc_int, algorithms.nia, count, bearer, pdu, mac_i));
        let Some((k_gnb, _)) = keys.filter(|_| accepted && (verified || algorithms.nia == 0)) else {
            let why = if accepted { "its integrity does not hold" } else { "an algorithm that we do not accept" };
            self.event(failed("security-mode", &format!("SecurityModeCommand: {why}"), "TS 38.331 §5.3.4.3"), out);
            let failure = rrc::SecurityModeFailure { rrc_transaction_identifier: transaction, ..Default::default() };
            return self.send(Bearer::Srb1, Ul::SecurityModeFailure(failure), now, out);
        };
        self.security = Some(AsSecurity { algorithms, k_gnb, ncc: 0, nh: None });
        self.later(Pending::SecurityMode { transaction, algorithms }, SECURITY_DELAY_MS, now);
    }
    pub(super) fn apply_security_mode(
        &mut self,
        transaction: u8,
        algorithms: AsAlgorithms,
        now: Tc,
        out: &mut Outbox<CpOutput>,
    ) {
        let Some(keys) = self.security.as_ref().and_then(|s| as_keys(&s.k_gnb, algorithms)) else { return };
        // The complete is protected but not ciphered; what follows is both.
        out.push(CpOutput::L2(L2Command::Secure { algorithms, keys, ciphering: false }));
        let complete = rrc::SecurityModeComplete { rrc_transaction_identifier: transaction, ..Default::default() };
        self.send(Bearer::Srb1, Ul::SecurityModeComplete(complete), now, out);
        out.push(CpOutput::L2(L2Command::Secure { algorithms, keys, ciphering: true }));
        self.event(CpEvent::AsSecurity { nea: algorithms.nea, nia: algorithms.nia }, out);
    }
    /// The command that gives layer 2 the keys in force.
    pub(super) fn secure(&self, ciphering: bool) -> Option<L2Command> {
        let s = self.security.as_ref()?;
        Some(L2Command::Secure { algorithms: s.algorithms, keys: as_keys(&s.k_gnb, s.algorithms)?, ciphering })
    }
    /// Spec: TS 38.331 §5.6.1.3
    pub(super) fn send_capability(&mut self, transaction: u8, now: Tc, out: &mut Outbox<CpOutput>) {
        let Ok(bytes) = rrc::encode(&crate::capability::ue_nr_capability(&self.config)) else { return };
        let container =
            rrc::UeCapabilityRatContainer { rat_type: rrc::RatType::Nr, ue_capability_rat_container: bytes };
        let information = rrc::UeCapabilityInformation {
            rrc_transaction_identifier: transaction,
            critical_extensions: rrc::UeCapabilityInformationCriticalExtensions::UeCapabilityInformation(
                rrc::UeCapabilityInformationIes {
                    ue_capability_rat_container_list: Some(vec![container]),
                    ..Default::default()
                },
            ),
        };
        self.send(Bearer::Srb1, Ul::UeCapabilityInformation(information), now, out);
    }
}
