//! Primary and secondary synchronisation signals. Spec: TS 38.211 §7.4.2
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | N_ID^(2) | `n_id_2` | identity in the group | 0..=2 |
//! | N_ID^(1) | `n_id_1` | group | 0..=335 |
//! | d_PSS(n) | [`pss`] | BPSK m-sequence | +-1 |
//! | d_SSS(n) | [`sss`] | BPSK product of two m-sequences | +-1 |

/// Length of both sequences.
pub const SYNC_LEN: usize = 127;

/// An m-sequence of length 127 with x(i+7) = x(i+tap) + x(i) and bit i of `init` = x(i).
const fn m_sequence(tap: usize, init: u8) -> [u8; SYNC_LEN] {
    let mut x = [0; SYNC_LEN];
    let mut i = 0;
    while i < 7 {
        x[i] = init >> i & 1;
        i += 1;
    }
    while i < SYNC_LEN {
        x[i] = x[i - 7 + tap] ^ x[i - 7];
        i += 1;
    }
    x
}

const PSS_X: [u8; SYNC_LEN] = m_sequence(4, 0b111_0110);
const SSS_X0: [u8; SYNC_LEN] = m_sequence(4, 1);
const SSS_X1: [u8; SYNC_LEN] = m_sequence(1, 1);

fn bpsk(bit: u8) -> f32 {
    1.0 - 2.0 * f32::from(bit)
}

/// d_PSS(n), +-1. Spec: TS 38.211 §7.4.2.2
pub fn pss(n_id_2: u16) -> [f32; SYNC_LEN] {
    core::array::from_fn(|n| bpsk(PSS_X[(n + 43 * usize::from(n_id_2 % 3)) % SYNC_LEN]))
}

/// d_SSS(n), +-1. Spec: TS 38.211 §7.4.2.3
pub fn sss(n_id_1: u16, n_id_2: u16) -> [f32; SYNC_LEN] {
    let (n_id_1, n_id_2) = (usize::from(n_id_1), usize::from(n_id_2));
    let m0 = 15 * (n_id_1 / 112) + 5 * n_id_2;
    let m1 = n_id_1 % 112;
    core::array::from_fn(|n| bpsk(SSS_X0[(n + m0) % SYNC_LEN]) * bpsk(SSS_X1[(n + m1) % SYNC_LEN]))
}
