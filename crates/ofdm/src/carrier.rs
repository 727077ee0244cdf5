//! What a carrier looks like in samples.

use nr::{Numerology, SUBCARRIERS_PER_RB, SYMBOLS_PER_SLOT, SlotPoint};

/// The transform lengths in use. All are multiples of 128, so every cyclic prefix is a whole number of samples.
pub const FFT_LENS: [usize; 10] = [128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096];

/// A carrier that no sampling grid here fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierError {
    /// More resource blocks than the longest transform carries, or none.
    ResourceBlocks {
        /// What was asked for.
        n_rb: usize,
    },
    /// A transform length that is not in [`FFT_LENS`], or shorter than the carrier's subcarriers.
    FftLen {
        /// What was asked for.
        fft_len: usize,
    },
}

impl core::fmt::Display for CarrierError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            CarrierError::ResourceBlocks { n_rb } => write!(f, "expected 1 to 286 resource blocks, found {n_rb}"),
            CarrierError::FftLen { fft_len } => {
                write!(f, "expected a transform length of {FFT_LENS:?} that covers the carrier, found {fft_len}")
            }
        }
    }
}

impl core::error::Error for CarrierError {}

/// A carrier and its sampling grid; normal cyclic prefix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carrier {
    numerology: Numerology,
    n_rb: usize,
    fft_len: usize,
    centre_hz: f64,
}

impl Carrier {
    /// The carrier of `n_rb` resource blocks at the smallest sampling rate that leaves 16 % of its band free.
    ///
    /// 51 RB at 30 kHz: 768 points, 23.04 Msps; 52 at 15 kHz: 768, 11.52; 106: 1536; 273 at 30 kHz: 4096, 122.88.
    /// `centre_hz` is f_0 of the phase compensation (TS 38.211 §5.4): the frequency of subcarrier 6 n_rb; 0 for none.
    ///
    /// Errors: `ResourceBlocks` if n_rb is 0 or above 286.
    pub fn new(numerology: Numerology, n_rb: usize, centre_hz: f64) -> Result<Carrier, CarrierError> {
        let fft_len = FFT_LENS
            .into_iter()
            .find(|&len| n_rb > 0 && n_rb.saturating_mul(SUBCARRIERS_PER_RB * 100) <= len * 84)
            .ok_or(CarrierError::ResourceBlocks { n_rb })?;
        Ok(Carrier { numerology, n_rb, fft_len, centre_hz })
    }

    /// As `new`, with the transform length given.
    ///
    /// Errors: `FftLen` unless it is in [`FFT_LENS`] and at least 12 n_rb; `ResourceBlocks` if n_rb is 0.
    pub fn with_fft_len(
        numerology: Numerology,
        n_rb: usize,
        fft_len: usize,
        centre_hz: f64,
    ) -> Result<Carrier, CarrierError> {
        if n_rb == 0 {
            return Err(CarrierError::ResourceBlocks { n_rb });
        }
        if !FFT_LENS.contains(&fft_len) || n_rb.saturating_mul(SUBCARRIERS_PER_RB) > fft_len {
            return Err(CarrierError::FftLen { fft_len });
        }
        Ok(Carrier { numerology, n_rb, fft_len, centre_hz })
    }

    /// The numerology.
    pub fn numerology(&self) -> Numerology {
        self.numerology
    }

    /// N_grid^size, resource blocks.
    pub fn n_rb(&self) -> usize {
        self.n_rb
    }

    /// Subcarriers of the carrier.
    pub fn n_subcarriers(&self) -> usize {
        self.n_rb * SUBCARRIERS_PER_RB
    }

    /// Samples of a symbol's useful part.
    pub fn fft_len(&self) -> usize {
        self.fft_len
    }

    /// f_0 of the phase compensation, Hz.
    pub fn centre_hz(&self) -> f64 {
        self.centre_hz
    }

    /// Samples per second: transform length times subcarrier spacing.
    pub fn sample_rate_hz(&self) -> u32 {
        self.fft_len as u32 * self.numerology.scs_hz()
    }

    /// Samples of a subframe, 1 ms.
    pub fn subframe_len(&self) -> usize {
        self.sample_rate_hz() as usize / 1000
    }

    /// Samples of a frame, 10 ms.
    pub fn frame_len(&self) -> usize {
        10 * self.subframe_len()
    }

    /// Samples of the longest slot: the one to size buffers by.
    pub fn slot_len_max(&self) -> usize {
        self.slot_len(SlotPoint::new(self.numerology, 0, 0))
    }

    /// Samples of `slot`; above 30 kHz only slots that start a half subframe have the longer prefix.
    pub fn slot_len(&self, slot: SlotPoint) -> usize {
        self.symbol_start(slot, SYMBOLS_PER_SLOT)
    }

    /// Where `slot` starts, in samples from the start of its frame.
    pub fn slot_start_in_frame(&self, slot: SlotPoint) -> usize {
        let mut start = slot.subframe() as usize * self.subframe_len();
        for earlier in 0..self.slot_in_subframe(slot) as u32 {
            start += self.slot_len(SlotPoint::new(self.numerology, 0, earlier));
        }
        start
    }

    /// N_CP,l of symbol `l` of `slot`, in samples: longer by 16 kappa T_c at each 0.5 ms.
    ///
    /// Spec: TS 38.211 §5.3.1
    pub fn cp_len(&self, slot: SlotPoint, l: usize) -> usize {
        let in_subframe = self.slot_in_subframe(slot) * SYMBOLS_PER_SLOT + l;
        let mu = u32::from(self.numerology.mu());
        let longer = in_subframe.is_multiple_of(7 << mu);
        9 * self.fft_len / 128 + if longer { (self.fft_len << mu) / 128 } else { 0 }
    }

    /// Where the cyclic prefix of symbol `l` starts, in samples from the start of `slot`; `l` = 14 gives the slot's length.
    pub fn symbol_start(&self, slot: SlotPoint, l: usize) -> usize {
        (0..l).map(|l| self.cp_len(slot, l) + self.fft_len).sum()
    }

    /// Samples of symbol `l` of `slot` with its prefix.
    pub fn symbol_len(&self, slot: SlotPoint, l: usize) -> usize {
        self.cp_len(slot, l) + self.fft_len
    }

    /// The phase that modulation gives symbol `l` of `slot`, in turns: -f_0 (t_start,l + N_CP,l T_c) from the subframe's start.
    ///
    /// Spec: TS 38.211 §5.4
    pub fn symbol_turns(&self, slot: SlotPoint, l: usize) -> f64 {
        let in_subframe = self.slot_in_subframe(slot) as u32;
        let before: usize = (0..in_subframe).map(|s| self.slot_len(SlotPoint::new(self.numerology, 0, s))).sum();
        let samples = before + self.symbol_start(slot, l) + self.cp_len(slot, l);
        let turns = -self.centre_hz * (samples as f64 / f64::from(self.sample_rate_hz()));
        turns - libm::floor(turns)
    }

    /// The slot's index within its subframe.
    pub fn slot_in_subframe(&self, slot: SlotPoint) -> usize {
        (slot.slot() % self.numerology.slots_per_subframe()) as usize
    }

    /// The transform bin of grid subcarrier `k`: subcarrier 6 n_rb is at 0 Hz.
    pub fn bin(&self, k: usize) -> usize {
        (k + self.fft_len - self.n_subcarriers() / 2) % self.fft_len
    }
}
