//! What a carrier looks like in samples.

use nr::{Numerology, SUBCARRIERS_PER_RB, SYMBOLS_PER_SLOT, SlotPoint};

use crate::bandwidth::{FrequencyRange, n_rb};

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
    /// A channel bandwidth that the tables do not have at this subcarrier spacing.
    Bandwidth {
        /// The frequency range.
        range: FrequencyRange,
        /// The subcarrier spacing, kHz.
        scs_khz: u32,
        /// What was asked for, MHz.
        bandwidth_mhz: u32,
    },
    /// The extended cyclic prefix at another spacing than 60 kHz.
    ExtendedPrefix {
        /// The subcarrier spacing, kHz.
        scs_khz: u32,
    },
}

impl core::fmt::Display for CarrierError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            CarrierError::ResourceBlocks { n_rb } => {
                write!(f, "expected 1 to 286 resource blocks, found {n_rb} (TS 38.211 §4.4.2)")
            }
            CarrierError::Bandwidth { range, scs_khz, bandwidth_mhz } => {
                let part = if *range == FrequencyRange::Fr1 { 1 } else { 2 };
                write!(f, "no {bandwidth_mhz} MHz at {scs_khz} kHz (TS 38.101-{part} table 5.3.2-1)")
            }
            CarrierError::ExtendedPrefix { scs_khz } => {
                write!(
                    f,
                    "the extended cyclic prefix exists at 60 kHz only, found {scs_khz} kHz (TS 38.211 table 4.2-1)"
                )
            }
            CarrierError::FftLen { fft_len } => {
                write!(
                    f,
                    "expected a transform length of {FFT_LENS:?} that covers the carrier, found {fft_len} (TS 38.211 §5.3.1)"
                )
            }
        }
    }
}

impl core::error::Error for CarrierError {}

/// Cyclic prefixes. Spec: TS 38.211 §4.2, table 4.2-1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CyclicPrefix {
    /// 14 symbols in a slot.
    #[default]
    Normal,
    /// 12 symbols in a slot, at 60 kHz only.
    Extended,
}

/// A carrier and its sampling grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carrier {
    numerology: Numerology,
    n_rb: usize,
    fft_len: usize,
    centre_hz: f64,
    prefix: CyclicPrefix,
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
        Ok(Carrier { numerology, n_rb, fft_len, centre_hz, prefix: CyclicPrefix::Normal })
    }

    /// The carrier that fills a channel bandwidth.
    ///
    /// Spec: TS 38.101-1, TS 38.101-2 table 5.3.2-1. Errors: `Bandwidth` for what the tables do not have.
    pub fn for_bandwidth(
        range: FrequencyRange,
        numerology: Numerology,
        bandwidth_mhz: u32,
        centre_hz: f64,
    ) -> Result<Carrier, CarrierError> {
        Carrier::new(numerology, n_rb(range, numerology, bandwidth_mhz)?, centre_hz)
    }

    /// The same carrier with another cyclic prefix.
    ///
    /// With the extended one a slot has the symbols 0 to 11; in a [`crate::Grid`] the last two stay as they are.
    /// Spec: TS 38.211 table 4.2-1. Errors: `ExtendedPrefix` unless at 60 kHz.
    pub fn with_prefix(self, prefix: CyclicPrefix) -> Result<Carrier, CarrierError> {
        if prefix == CyclicPrefix::Extended && self.numerology != Numerology::KHZ60 {
            return Err(CarrierError::ExtendedPrefix { scs_khz: self.numerology.scs_khz() });
        }
        Ok(Carrier { prefix, ..self })
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
        Ok(Carrier { numerology, n_rb, fft_len, centre_hz, prefix: CyclicPrefix::Normal })
    }

    /// The numerology.
    pub fn numerology(&self) -> Numerology {
        self.numerology
    }

    /// The cyclic prefix.
    pub fn prefix(&self) -> CyclicPrefix {
        self.prefix
    }

    /// N_symb^slot: 14, with the extended prefix 12. Spec: TS 38.211 tables 4.3.2-1, 4.3.2-2
    pub fn symbols_per_slot(&self) -> usize {
        match self.prefix {
            CyclicPrefix::Normal => SYMBOLS_PER_SLOT,
            CyclicPrefix::Extended => 12,
        }
    }

    /// The shortest prefix of any symbol, in samples: how far a receiver's window may start early.
    pub fn cp_len_min(&self) -> usize {
        match self.prefix {
            CyclicPrefix::Normal => 9 * self.fft_len / 128,
            CyclicPrefix::Extended => self.fft_len / 4,
        }
    }

    /// Half of the shortest prefix: the advance of a window that starts in its middle.
    pub fn mid_prefix(&self) -> usize {
        self.cp_len_min() / 2
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
        self.symbol_start(slot, self.symbols_per_slot())
    }

    /// Where `slot` starts, in samples from the start of its frame.
    pub fn slot_start_in_frame(&self, slot: SlotPoint) -> usize {
        let mut start = slot.subframe() as usize * self.subframe_len();
        for earlier in 0..self.slot_in_subframe(slot) as u32 {
            start += self.slot_len(SlotPoint::new(self.numerology, 0, earlier));
        }
        start
    }

    /// N_CP,l of symbol `l` of `slot`, in samples: the normal one longer by 16 kappa T_c at each 0.5 ms.
    ///
    /// Spec: TS 38.211 §5.3.1
    pub fn cp_len(&self, slot: SlotPoint, l: usize) -> usize {
        if self.prefix == CyclicPrefix::Extended {
            return self.cp_len_min();
        }
        let in_subframe = self.slot_in_subframe(slot) * SYMBOLS_PER_SLOT + l;
        let mu = u32::from(self.numerology.mu());
        let longer = in_subframe.is_multiple_of(7 << mu);
        9 * self.fft_len / 128 + if longer { (self.fft_len << mu) / 128 } else { 0 }
    }

    /// Where the cyclic prefix of symbol `l` starts, in samples from the start of `slot`; `l` = `symbols_per_slot()` gives the slot's length.
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
