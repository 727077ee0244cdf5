//! Downlink blocks: their bytes.

use crate::du::GnbDu;
use crate::ue::{State, UeContext};
use fapi::slot::SlotPlan;
use fapi::{PdschPdu, Span};
use mac::{PduBuilder, Rar, lcid};
use node::{Direction, MacKind};
use nr::Tc;
use sched::{Content, Decision, RarEntry};

impl GnbDu {
    /// Writes the block of every PDSCH of the plan.
    pub(crate) fn fill(&mut self, now: Tc, plan: &mut SlotPlan, decision: &Decision) {
        for b in &decision.blocks {
            let start = plan.bytes.len();
            let len = b.tbs_bytes as usize;
            plan.bytes.resize(start + len, 0);
            let block = &mut plan.bytes[start..];
            let mut tap = (MacKind::Si, 0, 0, true);
            match b.content {
                Content::Sib1 => {
                    let n = self.sib1.len().min(len);
                    block[..n].copy_from_slice(&self.sib1[..n]);
                }
                Content::Paging => {
                    let n = self.paging.len().min(len);
                    block[..n].copy_from_slice(&self.paging[..n]);
                    self.paged();
                    tap.0 = MacKind::Paging;
                }
                Content::Rar { start, n } => {
                    let entries = decision.rar.get(start as usize..start as usize + n as usize).unwrap_or(&[]);
                    write_rar(entries, block);
                    tap.0 = MacKind::Ra;
                }
                Content::Ue { ue, harq, new_data, timing_command } => {
                    let Some(u) = self.ues.get_mut(ue as usize).and_then(|u| u.as_mut()) else { continue };
                    let h = harq.get() as usize;
                    if new_data {
                        write_block(u, now, timing_command, block);
                        let kept = &mut u.blocks[h];
                        kept.clear();
                        kept.extend_from_slice(block);
                    } else {
                        let n = u.blocks[h].len().min(len);
                        block[..n].copy_from_slice(&u.blocks[h][..n]);
                    }
                    tap = (MacKind::Cell, u.id.0, harq.get(), new_data);
                }
            }
            let Some(pdsch) = plan.pdsch.get_mut(b.pdsch) else { continue };
            pdsch.tb = Span { start: start as u32, len: len as u32 };
            let PdschPdu { rnti, .. } = *pdsch;
            let (kind, ue, harq, tapped) = tap;
            if tapped && self.tapping {
                let pdu = plan.bytes[start..].to_vec();
                self.tap(now, Direction::Downlink, ue, rnti, kind, (plan.slot, harq), &pdu);
            }
        }
    }
}

/// A response that ends with zeros. Spec: TS 38.321 §6.1.5
fn write_rar(entries: &[RarEntry], block: &mut [u8]) {
    const SUBHEADER: usize = 1;
    let each = SUBHEADER + mac::rar::RAR_LEN;
    for (i, (e, out)) in entries.iter().zip(block.chunks_exact_mut(each)).enumerate() {
        let more = (i + 1 < entries.len()) as u8;
        out[0] = more << 7 | 0x40 | (e.preamble & 63);
        let rar = Rar { timing_advance: e.timing_advance, ul_grant: e.grant, temporary_c_rnti: e.rnti };
        out[SUBHEADER..].copy_from_slice(&rar.encode());
    }
}

/// Control elements first, then SDUs by priority. Spec: TS 38.321 §6.1.2
fn write_block(u: &mut UeContext, now: Tc, timing_command: Option<u8>, block: &mut [u8]) {
    let mut b = PduBuilder::new(block);
    if u.state == State::Msg4 {
        b.contention_resolution(&u.contention_id);
        u.resolved = true;
    }
    if let Some(command) = timing_command {
        b.timing_advance(0, command);
    }
    if let Some(m) = u.srb0.take_if(|m| m.len() <= b.sdu_room()) {
        b.sdu(lcid::CCCH, &m);
    }
    for c in u.channels.iter_mut().filter(|c| !c.suspended) {
        while b.remaining() > 4 {
            if b.sdu_with(c.config.lcid.get(), |room| c.rlc.pull(now, room)) == 0 {
                break;
            }
        }
    }
    b.finish();
}
