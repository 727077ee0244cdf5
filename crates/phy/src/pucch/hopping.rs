//! Group, sequence and cyclic shift hopping of PUCCH. Spec: TS 38.211 §6.3.2.2

use crate::sequences::Gold;
use crate::sequences::low_papr::{group_hopping, sequence_hopping};

/// (u, v) for a slot and hop; `hopping` is pucch-GroupHopping: 0 neither, 1 enable, 2 disable.
///
/// Spec: TS 38.211 §6.3.2.2.1
pub fn group(hopping: u8, n_id: u16, n_s: u32, n_hop: u32) -> (u8, u8) {
    let n_id = n_id as u32;
    let f_ss = n_id % 30;
    match hopping {
        1 => {
            let f_gh = group_hopping(n_id / 30, (2 * n_s + n_hop) as usize);
            ((f_gh as u32 + f_ss) as u8 % 30, 0)
        }
        2 => {
            let c_init = 32 * (n_id / 30) + n_id % 30;
            (f_ss as u8, sequence_hopping(c_init, (2 * n_s + n_hop) as usize))
        }
        _ => (f_ss as u8, 0),
    }
}

/// n_cs of every symbol of a slot. Spec: TS 38.211 §6.3.2.2.2
pub fn cyclic_shifts(n_id: u16, n_s: u32) -> [u8; 14] {
    let mut gold = Gold::starting_at(n_id as u32, 8 * 14 * n_s as usize);
    core::array::from_fn(|_| gold.next(8) as u8)
}
