//! Transport blocks of a slot that wait for their decoders, until everything that does not need them has been handed up.

use super::RxCounts;
use super::harq::SoftPool;
use fapi::slot::{PuschIndication, UlIndication};
use fapi::{PuschPdu, Span};
use fec::Llr;
use fec::sch::SoftBuffer;
use fec::sch::TOGETHER_MAX;
use phy::pusch::{PuschReceiver, SoftPusch, decode_beside, decode_soft, is_small};

/// The PUSCHs of one slot; memory is used again.
#[derive(Default)]
pub struct Blocks {
    waiting: Vec<Waiting>,
    n: usize,
}

/// A PUSCH that was looked at.
struct Waiting {
    pdu: PuschPdu,
    indication: PuschIndication,
    /// It makes sense, so that there is something to decode or a buffer to clear.
    sound: bool,
    llrs: Vec<Llr>,
    /// Index of the soft buffer, and the buffer while it is decoded.
    idx: usize,
    soft: Option<SoftBuffer>,
    tb: Vec<u8>,
    refused: bool,
    /// One small code block.
    small: bool,
    /// Decoded beside others.
    done: bool,
}

/// With fewer small blocks than this, each alone is as fast.
const SMALL_MIN: usize = 3;

impl Blocks {
    /// Forgets those of the slot before.
    pub fn clear(&mut self) {
        self.n = 0;
    }

    /// Adds a PUSCH: its soft bits are those that `pusch` holds, if it is `sound`. Allocates where there were never so many, or never so long.
    pub fn push(&mut self, pdu: &PuschPdu, indication: PuschIndication, sound: bool, pusch: &mut PuschReceiver) {
        if self.n == self.waiting.len() {
            self.waiting.push(Waiting {
                pdu: *pdu,
                indication,
                sound,
                llrs: Vec::new(),
                idx: 0,
                soft: None,
                tb: Vec::new(),
                refused: false,
                small: false,
                done: false,
            });
        }
        let Some(w) = self.waiting.get_mut(self.n) else { return };
        (w.pdu, w.indication, w.sound, w.refused, w.done) = (*pdu, indication, sound, false, false);
        w.llrs.clear();
        w.small = false;
        if sound {
            pusch.take_soft(&mut w.llrs);
        }
        self.n += 1;
    }

    /// Decodes all, spread over the receiver's crew, and hands them up in the order in which they came.
    pub fn decode(
        &mut self,
        pool: &mut SoftPool,
        pusch: &mut PuschReceiver,
        max_iterations: u8,
        out: &mut UlIndication,
    ) -> RxCounts {
        let mut counts = RxCounts::default();
        let waiting = &mut self.waiting[..self.n];
        for w in waiting.iter_mut().filter(|w| w.sound) {
            let lent = pool.take(w.pdu.rnti, w.pdu.harq, w.pdu.new_data);
            w.refused = lent.is_none();
            if let Some((idx, evicted, soft)) = lent {
                counts.n_evicted += u16::from(evicted);
                (w.idx, w.soft) = (idx, Some(soft));
                w.tb.resize(w.pdu.coding.tbs_bytes as usize, 0);
                w.small = is_small(&w.pdu, w.llrs.len());
            }
        }
        small_ones(waiting, pusch, max_iterations);
        pusch.blocks().each(waiting, &|w| if w.done { 0 } else { w.llrs.len() + 1 }, &|w, decoders| {
            if w.done {
                return;
            }
            let Some(soft) = &mut w.soft else { return };
            match decode_soft(&w.pdu, &w.llrs, soft, max_iterations, &mut w.tb, decoders) {
                Ok(data) => (w.indication.crc_ok, w.indication.ldpc_iterations) = (data.crc_ok, data.ldpc_iterations),
                Err(_) => w.refused = true,
            }
        });
        for w in waiting {
            counts.n_refused += u16::from(w.refused || !w.sound);
            if let Some(soft) = w.soft.take() {
                pool.give_back(w.idx, soft);
                if w.indication.crc_ok || w.refused {
                    pool.release(w.idx);
                }
            }
            if w.indication.crc_ok {
                w.indication.tb = Span::append(&mut out.bytes, &w.tb);
            }
            out.pusch.push(w.indication);
        }
        self.n = 0;
        counts
    }
}

/// Decodes what is one small code block each, side by side.
fn small_ones(waiting: &mut [Waiting], pusch: &mut PuschReceiver, max_iterations: u8) {
    if waiting.iter().filter(|w| w.small).count() < SMALL_MIN {
        return;
    }
    let mut results = [None; TOGETHER_MAX];
    let all = waiting.iter_mut().filter(|w| w.small).filter_map(|w| {
        let Waiting { pdu, llrs, soft, tb, .. } = w;
        Some(SoftPusch { pdu, llrs, soft: soft.as_mut()?, tb_out: tb })
    });
    decode_beside(all, max_iterations, &mut pusch.blocks().all(), |i, data| results[i] = Some(data));
    for (w, result) in waiting.iter_mut().filter(|w| w.small).zip(results) {
        let Some(result) = result else { return };
        w.done = true;
        match result {
            Ok(data) => (w.indication.crc_ok, w.indication.ldpc_iterations) = (data.crc_ok, data.ldpc_iterations),
            Err(_) => w.refused = true,
        }
    }
}
