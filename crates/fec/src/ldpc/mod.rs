//! The LDPC code of the shared channels. Spec: TS 38.212 §5.3.2
//!
//! | in the specification | here | meaning | range |
//! | --- | --- | --- | --- |
//! | Z_c | `z` | lifting size | 2..=384, table 5.3.2-1 |
//! | K_b | `k_cols` | systematic columns of the base graph | 22, 10 |
//! | N | `n_tx_cols * z` | coded bits before rate matching | 66 Z_c, 50 Z_c |
//! | V_i,j | `Edge::shift` | circulant shift, modulo Z_c | 0..Z_c |

mod batch;
mod decoder;
mod encoder;
mod graph;
mod kernel;
mod tables;

pub use decoder::{Block, Check, LdpcDecoder, Outcome};
pub use encoder::LdpcEncoder;
pub use graph::{BaseGraph, Edge, Graph, LIFTING_SIZES, Z_MAX};
