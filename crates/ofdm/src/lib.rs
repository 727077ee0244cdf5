//! Resource grids, OFDM modulation and demodulation. Spec: TS 38.211 §4.3, §4.4, §5.3.1, §5.4
//!
//! | in the specification | here               | meaning                                             |
//! | mu                   | numerology         | subcarrier spacing 15 kHz x 2^mu                    |
//! | N_grid^size          | n_rb               | resource blocks of the carrier                      |
//! | N_sc^RB              | 12                 | subcarriers of a resource block                     |
//! | N_u                  | fft_len            | useful part of a symbol, in samples                 |
//! | N_CP,l               | cp_len             | cyclic prefix, in samples                           |
//! | t_start,l            | symbol_start       | where a symbol's prefix starts, in samples          |
//! | f_0                  | centre_hz          | carrier frequency of the up-conversion              |
//! | k_0                  | 0                  | subcarrier 6 n_rb of the grid lies at 0 Hz          |
//!
//! Transforms are unitary: a resource element of power 1 adds 1/fft_len to the power of each sample, and the noise variance
//! of a sample is that of a resource element.
//!
//! What is left out: several numerologies in one grid (k_0 other than 0), windowing, 480 and 960 kHz.

mod bandwidth;
mod carrier;
mod grid;
mod modem;

pub use bandwidth::{FrequencyRange, bandwidths, n_rb};
pub use carrier::{Carrier, CarrierError, CyclicPrefix, FFT_LENS};
pub use grid::Grid;
pub use modem::{Demodulator, LengthMismatch, Modulator};

pub use nr::{Numerology, SYMBOLS_PER_SLOT, SlotPoint};
