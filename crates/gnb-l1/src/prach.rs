//! PRACH occasions, of which long ones reach over several slots.

use super::transmit::ANTENNAS_MAX;
use super::{GnbL1Options, L1Error, RxCounts};
use dsp::Cf32;
use fapi::slot::{PrachDetection, UlIndication};
use fapi::{CellConfig, PrachOccasion};
use nr::SlotPoint;
use ofdm::Carrier;
use phy::prach::PrachReceiver;

/// Frequency occasions at once.
const FDM_MAX: usize = 8;

/// The detector with the samples of an occasion that has not ended.
pub struct PrachWatch {
    receiver: PrachReceiver,
    /// Samples from the start of the occasions, of each antenna.
    samples: Vec<Vec<Cf32>>,
    n_antennas: usize,
    needed: usize,
    start: SlotPoint,
    next: SlotPoint,
    pending: [Option<PrachOccasion>; FDM_MAX],
}

impl PrachWatch {
    pub fn new(cell: &CellConfig, carrier: Carrier, options: &GnbL1Options) -> Result<PrachWatch, L1Error> {
        let receiver = PrachReceiver::with_offset(options.isa, cell, carrier, options.prach_offset_hz)?;
        let slot = SlotPoint::new(carrier.numerology(), 0, 0);
        // The longest preamble (format 2: 3.5 ms) and a slot to spare.
        let n_antennas = options.n_antennas.clamp(1, ANTENNAS_MAX);
        let capacity = 5 * carrier.subframe_len();
        Ok(PrachWatch {
            receiver,
            samples: (0..n_antennas).map(|_| Vec::with_capacity(capacity)).collect(),
            n_antennas,
            needed: 0,
            start: slot,
            next: slot,
            pending: [None; FDM_MAX],
        })
    }

    /// Takes the samples of one slot, `[antenna][sample]`, in which `occasions` start.
    pub fn slot(
        &mut self,
        slot: SlotPoint,
        samples: &[Cf32],
        occasions: &[PrachOccasion],
        out: &mut UlIndication,
        counts: &mut RxCounts,
    ) {
        self.go_on(slot, samples, out, counts);
        for occasion in occasions {
            if occasion.start_symbol as usize >= nr::SYMBOLS_PER_SLOT {
                counts.n_refused += 1;
                continue;
            }
            let slot_len = samples.len() / self.n_antennas;
            let start = self.receiver.geometry().start_sample(slot, occasion).min(slot_len);
            let needed = self.receiver.geometry().window(slot, occasion).len();
            if slot_len - start >= needed {
                let antenna = |a: usize| &samples[a * slot_len + start..(a + 1) * slot_len];
                self.detect_in(slot, occasion, antenna, out, counts);
                continue;
            }
            let same = self.needed > 0 && self.start == slot && self.samples[0].len() == slot_len - start;
            if !same {
                self.drop_pending(counts);
                for (kept, samples) in self.samples.iter_mut().zip(samples.chunks_exact(slot_len)) {
                    kept.clear();
                    kept.extend_from_slice(&samples[start..]);
                }
                (self.start, self.next, self.needed) = (slot, slot.plus(1), needed);
            }
            match self.pending.iter_mut().find(|p| p.is_none()) {
                Some(place) if needed <= self.samples[0].capacity() => *place = Some(*occasion),
                _ => counts.n_refused += 1,
            }
        }
    }

    /// Appends a slot to the occasions that wait for it, and detects when it was the last.
    fn go_on(&mut self, slot: SlotPoint, samples: &[Cf32], out: &mut UlIndication, counts: &mut RxCounts) {
        if self.needed == 0 {
            return;
        }
        if slot != self.next {
            self.drop_pending(counts);
            return;
        }
        self.next = slot.plus(1);
        let slot_len = samples.len() / self.n_antennas;
        let held = self.samples[0].len();
        let n = (self.needed - held.min(self.needed)).min(slot_len);
        for (kept, samples) in self.samples.iter_mut().zip(samples.chunks_exact(slot_len)) {
            kept.extend_from_slice(&samples[..n]);
        }
        if held + n < self.needed {
            return;
        }
        let all = core::mem::take(&mut self.samples);
        for i in 0..FDM_MAX {
            if let Some(occasion) = self.pending[i].take() {
                self.detect_in(self.start, &occasion, |a| &all[a], out, counts);
            }
        }
        self.samples = all;
        self.samples.iter_mut().for_each(Vec::clear);
        self.needed = 0;
    }

    fn drop_pending(&mut self, counts: &mut RxCounts) {
        for pending in &mut self.pending {
            counts.n_refused += u16::from(pending.take().is_some());
        }
        self.needed = 0;
    }

    fn detect_in<'a>(
        &mut self,
        slot: SlotPoint,
        occasion: &PrachOccasion,
        antenna: impl Fn(usize) -> &'a [Cf32],
        out: &mut UlIndication,
        counts: &mut RxCounts,
    ) {
        let mut samples = [&[][..]; ANTENNAS_MAX];
        let n = self.n_antennas;
        (0..n).for_each(|a| samples[a] = antenna(a));
        let result = self.receiver.detect(&samples[..n], slot, occasion, |d| {
            out.prach.push(PrachDetection {
                slot,
                occasion: *occasion,
                preamble: d.preamble,
                timing_advance: d.timing_advance,
                snr_db: d.snr_db,
            });
        });
        match result {
            Ok(()) => counts.n_prach += 1,
            Err(_) => counts.n_refused += 1,
        }
    }
}
