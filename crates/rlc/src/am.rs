//! Acknowledged mode: both sides of the entity. Spec: TS 38.322 §5.2.3, §5.3

use crate::am_rx::AmRx;
use crate::am_tx::AmTx;
use crate::pdu::SnSpace;
use crate::reassembly::Pool;
use crate::{BufferStatus, RlcConfig, RlcEvent, Stats, clamp};
use node::Outbox;
use nr::Tc;

/// RLC-Config of an AM entity in the units it is used in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmConfig {
    pub(crate) t_poll_retransmit: Tc,
    pub(crate) poll_pdu: u32,
    pub(crate) poll_byte: u32,
    pub(crate) max_retx_threshold: u8,
    pub(crate) t_reassembly: Tc,
    pub(crate) t_status_prohibit: Tc,
}

impl AmConfig {
    fn new(config: &RlcConfig) -> (u8, AmConfig) {
        match *config {
            RlcConfig::Am {
                sn_bits,
                t_poll_retransmit_ms,
                poll_pdu,
                poll_byte,
                max_retx_threshold,
                t_reassembly_ms,
                t_status_prohibit_ms,
            } => {
                let config = AmConfig {
                    t_poll_retransmit: Tc::from_ms(t_poll_retransmit_ms.into()),
                    poll_pdu: poll_pdu.unwrap_or(u32::MAX),
                    poll_byte: poll_byte.unwrap_or(u32::MAX),
                    max_retx_threshold,
                    t_reassembly: Tc::from_ms(t_reassembly_ms.into()),
                    t_status_prohibit: Tc::from_ms(t_status_prohibit_ms.into()),
                };
                (sn_bits, config)
            }
            // The default SRB configuration. Spec: TS 38.331 §9.2.1
            _ => AmConfig::new(&RlcConfig::Am {
                sn_bits: 12,
                t_poll_retransmit_ms: 45,
                poll_pdu: None,
                poll_byte: None,
                max_retx_threshold: 8,
                t_reassembly_ms: 35,
                t_status_prohibit_ms: 0,
            }),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Am {
    pub(crate) tx: AmTx,
    rx: AmRx,
}

impl Am {
    pub(crate) fn new(config: &RlcConfig) -> Am {
        let (sn_bits, config) = AmConfig::new(config);
        let space = SnSpace { bits: if sn_bits == 18 { 18 } else { 12 } };
        Am { tx: AmTx::new(space, config), rx: AmRx::new(space, config) }
    }
    pub(crate) fn sn_bits(&self) -> u8 {
        self.rx.space().bits
    }
    pub(crate) fn reconfigure(&mut self, config: &RlcConfig) {
        let (_, config) = AmConfig::new(config);
        self.tx.config = config;
        self.rx.config = config;
    }

    /// A STATUS PDU goes before all else, retransmissions before new data. Spec: TS 38.322 §5.2.3.1.1
    pub(crate) fn pull(&mut self, now: Tc, out: &mut [u8], stats: &mut Stats) -> usize {
        let n = self.rx.pull_status(now, out);
        if n > 0 {
            stats.tx_pdus += 1;
            stats.tx_status += 1;
            return n;
        }
        self.tx.pull(now, out, stats)
    }

    pub(crate) fn receive(
        &mut self,
        now: Tc,
        pdu: &[u8],
        limit: usize,
        pool: &mut Pool,
        stats: &mut Stats,
        out: &mut Outbox<RlcEvent>,
    ) -> bool {
        match pdu.first() {
            Some(b) if b & 0x80 == 0 => {
                let ok = self.tx.receive_status(pdu, stats, out);
                self.tx.drain_freed(pool);
                ok
            }
            Some(_) => self.rx.receive(now, pdu, limit, pool, stats, out),
            None => false,
        }
    }

    pub(crate) fn buffer_status(&self) -> BufferStatus {
        BufferStatus {
            status: clamp(self.rx.status_len()),
            retx: clamp(self.tx.retx_bytes()),
            new: clamp(self.tx.new_bytes()),
        }
    }
    pub(crate) fn deadline(&self) -> Option<Tc> {
        [self.tx.deadline(), self.rx.deadline()].into_iter().flatten().min()
    }
    pub(crate) fn timeout(&mut self, now: Tc, out: &mut Outbox<RlcEvent>) {
        self.tx.timeout(now, out);
        self.rx.timeout(now);
    }
    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.tx.clear(pool);
        self.rx.clear(pool);
    }
}
