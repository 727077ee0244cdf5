//! Transport blocks of UL-SCH and DL-SCH. Spec: TS 38.212 §6.2, §7.2
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | A | `tbs_bits` | transport block size | 8..=1 640 000, a multiple of 8 |
//! | R | `code_rate_x1024` / 1024 | target code rate of the initial transmission | 0..=1 |
//! | G | `g` | coded bits available | multiple of N_L Q_m |
//! | N_L, Q_m | `n_layers`, `q_m` | layers, modulation order | 1..=8; 1, 2, 4, 6, 8, 10 |
//! | C, K', K, Z_c | [`Segmentation`] | code blocks and their sizes | |
//! | C', CBGTI | `n_sent`, [`Cbgs`] | code blocks and groups of this transmission | |
//! | N_cb, k_0 | `n_cb`, [`Segmentation::k0`] | circular buffer, where a redundancy version starts | |

mod cbg;
mod decoder;
mod encoder;
mod interleave;
mod segmentation;

pub use cbg::Cbgs;
pub use decoder::{SchDecoder, SchResult, SchTask, SoftBuffer, TOGETHER_MAX, Together};
pub use encoder::SchEncoder;
pub use segmentation::Segmentation;

use std::fmt;

/// The largest transport block served: above what 273 PRB, 1024QAM and 4 layers carry.
pub const TBS_BITS_MAX: u32 = 1_640_000;

/// The most coded bits served: 273 PRB, 14 symbols, 1024QAM and 4 layers.
pub const G_MAX: u32 = 273 * 12 * 14 * 10 * 4;

/// The most code blocks of a transport block: base graph 2 at its largest size.
pub const CODE_BLOCKS_MAX: usize = (TBS_BITS_MAX as usize + 24).div_ceil(3840 - 24);

/// One transmission of a transport block. Spec: TS 38.212 §6.2, §7.2
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SchParams {
    /// Transport block size A in bits, a multiple of 8.
    pub tbs_bits: u32,
    /// Target code rate R x 1024 of the initial transmission (it selects the base graph), as in the MCS tables of TS 38.214.
    pub code_rate_x1024: f32,
    /// Modulation order Q_m: 1, 2, 4, 6, 8 or 10.
    pub q_m: u8,
    /// Layers that the transport block is mapped on, N_L: 1..=8.
    pub n_layers: u8,
    /// Redundancy version: 0..=3.
    pub rv: u8,
    /// Coded bits available, G: a multiple of `q_m * n_layers`, at most [`G_MAX`].
    pub g: u32,
    /// TBS_LBRM in bits if the buffer is limited (always in the downlink, by configuration in the uplink). Spec: TS 38.212 §5.4.2.1
    pub tbs_lbrm: Option<u32>,
}

/// Why parameters or slices do not fit; nothing was decoded or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchError {
    /// The transport block size is no multiple of 8, is 0 or too large, or does not divide into code blocks of whole bytes.
    TbsBits(u32),
    /// The code rate is not within 0..=1.
    CodeRate,
    /// The modulation order is not 1, 2, 4, 6, 8 or 10.
    ModulationOrder(u8),
    /// The number of layers is not 1..=8.
    Layers(u8),
    /// The redundancy version is above 3.
    RedundancyVersion(u8),
    /// G is no multiple of `q_m * n_layers`, above [`G_MAX`], or gives a code block no symbol.
    CodedBits(u32),
    /// TBS_LBRM leaves no circular buffer.
    LimitedBuffer(u32),
    /// No code block group is sent.
    BlockGroups,
    /// A slice has not the length that the parameters ask for.
    Length {
        /// Elements wanted.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// The soft buffer is too small for this transport block.
    SoftCapacity {
        /// Soft bits wanted.
        expected: usize,
        /// Soft bits there.
        found: usize,
    },
    /// A retransmission differs from what the soft buffer holds in size, base graph or circular buffer.
    SoftMismatch,
}

impl fmt::Display for SchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TbsBits(tbs) => {
                write!(f, "transport block size: expected whole bytes up to {TBS_BITS_MAX} bits, got {tbs}")
            }
            Self::CodeRate => write!(f, "code rate: expected 0 to 1024 (in 1/1024)"),
            Self::ModulationOrder(q_m) => write!(f, "modulation order: expected 1, 2, 4, 6, 8 or 10, got {q_m}"),
            Self::Layers(n) => write!(f, "layers: expected 1 to 8, got {n}"),
            Self::RedundancyVersion(rv) => write!(f, "redundancy version: expected 0 to 3, got {rv}"),
            Self::CodedBits(g) => {
                write!(f, "coded bits: expected a multiple of q_m * n_layers with a symbol for each block, got {g}")
            }
            Self::BlockGroups => write!(f, "code block groups: none is sent (TS 38.214 §5.1.7, §6.1.5)"),
            Self::LimitedBuffer(tbs) => write!(f, "TBS_LBRM {tbs} leaves no circular buffer"),
            Self::Length { expected, found } => write!(f, "slice length: expected {expected}, got {found}"),
            Self::SoftCapacity { expected, found } => {
                write!(f, "soft buffer: expected {expected} soft bits, has {found}")
            }
            Self::SoftMismatch => write!(f, "retransmission does not match the soft buffer"),
        }
    }
}

impl std::error::Error for SchError {}

fn check_len(expected: usize, found: usize) -> Result<(), SchError> {
    if expected == found { Ok(()) } else { Err(SchError::Length { expected, found }) }
}
