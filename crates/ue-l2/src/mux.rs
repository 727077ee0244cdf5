//! Uplink blocks: logical channel prioritisation, control elements, padding. Spec: TS 38.321 §5.4.3, §5.4.5

use crate::channel::Channel;
use crate::random_access::Msg3;
use crate::reports::{BufferStatusReport, PowerHeadroom};
use mac::bsr::{LCG_COUNT, long_level, short_level};
use mac::{Bsr, PduBuilder};
use nr::{LcId, Rnti, Tc};
use rlc::Rlc;
use seam::ue::MacConfig;

/// Bytes of a C-RNTI, a short BSR and a PHR with their subheaders.
const C_RNTI_LEN: usize = 3;
const SHORT_BSR_LEN: usize = 2;
const PHR_LEN: usize = 3;

/// What one block is made from.
pub(crate) struct Mux<'a> {
    pub(crate) now: Tc,
    pub(crate) config: &'a MacConfig,
    /// In decreasing priority.
    pub(crate) channels: &'a mut [Channel],
    pub(crate) bsr: &'a mut BufferStatusReport,
    pub(crate) phr: &'a mut PowerHeadroom,
}

/// What a block turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Built {
    /// A long or short BSR told all there is.
    pub(crate) reported: bool,
    /// Nothing waits any more.
    pub(crate) emptied: bool,
    /// An RLC PDU was pulled of this many channels at least.
    pub(crate) n_sdus: usize,
}

/// Called for each RLC PDU that goes into a block.
pub(crate) type Tapped<'a> = &'a mut dyn FnMut(LcId, &Rlc, &[u8]);

impl Mux<'_> {
    /// Fills `block` for Msg3 or for a grant to the C-RNTI (`msg3` is `None`).
    pub(crate) fn build(&mut self, msg3: Option<(&Msg3, Option<Rnti>)>, block: &mut [u8], tap: Tapped) -> Built {
        let mut head = PduBuilder::new(block);
        let mut c_rnti = None;
        match msg3 {
            Some((Msg3::Ccch(sdu), _)) => {
                head.ul_ccch(sdu);
            }
            Some((Msg3::CRnti, rnti)) => c_rnti = rnti,
            None => {}
        }
        let start = head.len();
        let mut room = block.len() - start;
        // In order of priority: C-RNTI, BSR, PHR, then data. Spec: TS 38.321 §5.4.3.1.3
        let mut reserve = |wanted: bool, len: usize| {
            let granted = wanted && room >= len;
            room -= if granted { len } else { 0 };
            granted
        };
        let n_groups = self.groups().iter().filter(|b| **b > 0).count();
        let bsr_len = if n_groups > 1 { 3 + n_groups } else { SHORT_BSR_LEN };
        let with_c_rnti = reserve(c_rnti.is_some(), C_RNTI_LEN);
        let with_bsr = reserve(self.bsr.is_triggered() && self.has_groups(), bsr_len);
        let phr = self.phr.due();
        let with_phr = reserve(phr.is_some(), PHR_LEN);
        let (used, n_sdus) = self.fill(&mut block[start..start + room], tap);

        let mut tail = PduBuilder::new(&mut block[start + used..]);
        if let Some(rnti) = c_rnti.filter(|_| with_c_rnti) {
            tail.c_rnti(rnti);
        }
        let mut reported = false;
        if with_bsr {
            tail.bsr(&self.report(n_groups > 1));
            self.bsr.sent(self.now, false, self.config);
            reported = true;
        }
        if let Some(phr) = phr.filter(|_| with_phr) {
            tail.phr(phr);
            self.phr.sent(self.now, self.config);
        }
        if !with_bsr && self.has_groups() {
            reported = self.padding_bsr(&mut tail);
        }
        tail.finish();
        let emptied = self.channels.iter().all(|c| c.pending() == 0);
        if emptied {
            self.bsr.cancel();
        }
        Built { reported, emptied, n_sdus }
    }

    /// Gives `room` to the channels: first what their buckets allow, then by strict priority. Spec: TS 38.321 §5.4.3.1.3
    fn fill(&mut self, room: &mut [u8], tap: Tapped) -> (usize, usize) {
        let now = self.now;
        let mut builder = PduBuilder::new(room);
        let mut n_sdus = 0;
        self.channels.iter_mut().for_each(|c| c.fill_bucket(now));
        for by_bucket in [true, false] {
            for channel in self.channels.iter_mut().filter(|c| !c.suspended) {
                // A bucket may be overdrawn by the last PDU: an SDU is not cut where all of it fits.
                while !by_bucket || channel.bucket_allows() {
                    let (lcid, rlc) = (channel.lcid(), &mut channel.rlc);
                    let n = builder.sdu_with(lcid.get(), |room| {
                        let n = rlc.pull(now, room);
                        if n > 0 {
                            tap(lcid, rlc, &room[..n]);
                        }
                        n
                    });
                    if n == 0 {
                        break;
                    }
                    n_sdus += 1;
                    channel.draw(n);
                }
            }
        }
        (builder.len(), n_sdus)
    }

    fn has_groups(&self) -> bool {
        self.channels.iter().any(|c| c.config.logical_channel.logical_channel_group.is_some())
    }

    /// Bytes that wait in each logical channel group.
    fn groups(&self) -> [u64; LCG_COUNT] {
        let mut bytes = [0; LCG_COUNT];
        for c in self.channels.iter() {
            if let Some(b) = c.config.logical_channel.logical_channel_group.and_then(|g| bytes.get_mut(usize::from(g)))
            {
                *b += u64::from(c.pending());
            }
        }
        bytes
    }

    /// The group of the channel with the highest priority that has data, or of the highest one at all.
    fn first_group(&self) -> u8 {
        let group = |c: &Channel| c.config.logical_channel.logical_channel_group;
        let with_data = self.channels.iter().filter(|c| c.pending() > 0).find_map(group);
        with_data.or_else(|| self.channels.iter().find_map(group)).unwrap_or(0)
    }

    /// A report of all that waits now.
    fn report(&self, long: bool) -> Bsr {
        let bytes = self.groups();
        if long {
            return Bsr::Long { levels: bytes.map(long_level) };
        }
        let lcg = self.first_group();
        Bsr::Short { lcg, level: short_level(bytes[usize::from(lcg & 7)]), truncated: false }
    }

    /// Puts a report where padding would be; says whether it tells all. Spec: TS 38.321 §5.4.5
    fn padding_bsr(&mut self, tail: &mut PduBuilder) -> bool {
        let bytes = self.groups();
        let n_groups = bytes.iter().filter(|b| **b > 0).count();
        let room = tail.remaining();
        if room < SHORT_BSR_LEN {
            return false;
        }
        let (bsr, truncated) = if n_groups <= 1 {
            (self.report(false), false)
        } else if room >= 3 + n_groups {
            (self.report(true), false)
        } else if room < 4 {
            let lcg = self.first_group();
            (Bsr::Short { lcg, level: short_level(bytes[usize::from(lcg & 7)]), truncated: true }, true)
        } else {
            (self.long_truncated(&bytes, room - 3), true)
        };
        tail.bsr(&bsr);
        if !truncated {
            self.bsr.sent(self.now, false, self.config);
        }
        !truncated
    }

    /// The levels of the `n` groups whose channels have the highest priorities, those with data only.
    fn long_truncated(&self, bytes: &[u64; LCG_COUNT], n: usize) -> Bsr {
        let bitmap = bytes.iter().enumerate().fold(0, |m, (i, b)| if *b > 0 { m | 1 << i } else { m });
        let mut levels = [0; LCG_COUNT];
        let mut n_levels = 0;
        let mut told = 0u8;
        for c in self.channels.iter().filter(|c| c.pending() > 0) {
            let Some(g) = c.config.logical_channel.logical_channel_group.filter(|g| *g < 8 && told >> g & 1 == 0)
            else {
                continue;
            };
            if n_levels >= n.min(LCG_COUNT) {
                break;
            }
            told |= 1 << g;
            levels[n_levels] = long_level(bytes[usize::from(g)]);
            n_levels += 1;
        }
        Bsr::LongTruncated { bitmap, levels, n_levels: n_levels as u8 }
    }
}
