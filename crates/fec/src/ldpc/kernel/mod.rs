//! One layer of the layered offset min-sum decoder, on groups of 64 lanes, and what goes before and after the layers.
//!
//! A check knows less than the least magnitude of its inputs says: an offset is taken off. It is larger if the second least magnitude is near
//! the least, as the sum-product rule has it.
//!
//! All instruction sets give the same bits: every lane is plain 8-bit integer arithmetic.  Spec: TS 38.212 §5.3.2 (the graph; the algorithm is ours)

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::{Isa, Llr};

/// The most circulants in a row of either base graph.
pub const DEGREE_MAX: usize = 19;

/// Lanes are processed in groups of this many.
pub const GROUP: usize = 64;

/// Magnitudes that differ by less are near each other.
const NEAR: u8 = 4;

/// The largest magnitude of a channel value within the decoder.
const CHANNEL_MAX: i16 = 100;

/// What a check makes of its inputs does not exceed this. A column whose sum has reached the limit of a lane must keep a large value when a
/// message is taken out of it again; else blocks fail at any signal-to-noise ratio.
const CHECK_MAX: i8 = 52;

/// Where one circulant of a row is found.
#[derive(Clone, Copy)]
pub struct Port {
    /// First lane of the column.
    pub column: *mut i8,
    /// The lane that the row's first lane meets: the row reads the column from here, and writes it in its own order.
    pub turn: usize,
}

/// What is taken off magnitudes.
#[derive(Clone, Copy)]
pub struct Offsets {
    /// Off the second least, and off the least if the second least is near.
    pub near: u8,
    /// Off the least otherwise.
    pub far: u8,
}

/// The extent of a layer.
#[derive(Clone, Copy)]
pub struct Extent {
    /// Lanes of a column.
    pub z: usize,
    /// The messages of this layer are zero, whatever memory holds.
    pub first: bool,
    /// What a check takes off.
    pub offsets: Offsets,
}

/// Updates one layer.
///
/// Safety: the column of every port can be read and written for `z + turn` lanes rounded up to groups, plus one group; `messages` for
/// `ports.len()` times `z` rounded up to groups; turns are below `z`; the columns of the ports are distinct; there are 1 to [`DEGREE_MAX`] ports.
pub type Layer = unsafe fn(ports: &[Port], messages: *mut i8, extent: Extent);

/// Multiplies by a gain in 1/64, rounds and limits to [`CHANNEL_MAX`]; as many values as the shorter slice has.
///
/// Safety: none beyond the instruction set.
pub type Scale = unsafe fn(llrs: &[Llr], gain: i16, out: &mut [i8]);

/// The sum of all magnitudes, and how many are not 0.
///
/// Safety: none beyond the instruction set.
pub type Measure = unsafe fn(llrs: &[Llr]) -> (u32, u32);

/// The signs of a column seen from lane `turn` on, packed, the first lane most significant; overwrites what lies behind lane `z`.
///
/// Safety: as for [`Layer`]; `signs` takes `z` rounded up to groups.
pub type Signs = unsafe fn(port: Port, z: usize, signs: &mut [[u8; 8]]);

/// Adds (modulo 2) the sign of a column seen from lane `turn` on to every sum; overwrites what lies behind lane `z`.
///
/// Safety: as for [`Layer`]; `sums` has `z` rounded up to groups.
pub type Parity = unsafe fn(port: Port, z: usize, sums: &mut [i8]);

/// The kernels of an instruction set.
#[derive(Clone, Copy)]
pub struct Kernels {
    /// Updates one layer.
    pub layer: Layer,
    /// Scales channel values.
    pub scale: Scale,
    /// Measures channel values.
    pub measure: Measure,
    /// Packs signs.
    pub signs: Signs,
    /// Sums signs up.
    pub parity: Parity,
}

/// The kernels of an instruction set; scalar ones if this machine lacks it.
pub fn kernels(isa: Isa) -> Kernels {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.is_available() => avx2::KERNELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.is_available() => avx512::KERNELS,
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => neon::KERNELS,
        _ => scalar::KERNELS,
    }
}

/// Calls `$layer::<D>` for the number of circulants D in a row, which its loops then know when they are compiled.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_degree {
    ($n:expr, $layer:ident($($argument:expr),*)) => {
        match $n {
            1 => $layer::<1>($($argument),*),
            2 => $layer::<2>($($argument),*),
            3 => $layer::<3>($($argument),*),
            4 => $layer::<4>($($argument),*),
            5 => $layer::<5>($($argument),*),
            6 => $layer::<6>($($argument),*),
            7 => $layer::<7>($($argument),*),
            8 => $layer::<8>($($argument),*),
            9 => $layer::<9>($($argument),*),
            10 => $layer::<10>($($argument),*),
            11 => $layer::<11>($($argument),*),
            12 => $layer::<12>($($argument),*),
            13 => $layer::<13>($($argument),*),
            14 => $layer::<14>($($argument),*),
            15 => $layer::<15>($($argument),*),
            16 => $layer::<16>($($argument),*),
            17 => $layer::<17>($($argument),*),
            18 => $layer::<18>($($argument),*),
            _ => $layer::<19>($($argument),*),
        }
    };
}
/// Repeats a statement for every circulant `$e` below `$n`, as a constant: what an index selects then stays in a register.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! each {
    ($n:ident, $e:ident => $body:block) => {
        each!(@ $n, $e, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)
    };
    (@ $n:ident, $e:ident, $body:block, $($i:literal)*) => {
        $(if $i < $n {
            const $e: usize = $i;
            $body
        })*
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use {by_degree, each};

#[inline(always)]
fn scale_body(llrs: &[Llr], gain: i16, out: &mut [i8]) {
    // Beyond this the product would not fit, and exceeds the limit anyway.
    let most = i16::MAX / gain.max(1) - 1;
    for (value, &llr) in out.iter_mut().zip(llrs) {
        let product = i16::from(llr).clamp(-most, most) * gain;
        *value = ((product + 32) >> 6).clamp(-CHANNEL_MAX, CHANNEL_MAX) as i8;
    }
}

/// In chunks, so that the sums of a chunk stay narrow.
#[inline(always)]
fn measure_body(llrs: &[Llr]) -> (u32, u32) {
    let (mut sum, mut n) = (0u32, 0u32);
    for chunk in llrs.chunks(128) {
        let (mut narrow, mut some) = (0u16, 0u16);
        for &llr in chunk {
            narrow += u16::from(llr.unsigned_abs());
            some += u16::from(llr != 0);
        }
        sum += u32::from(narrow);
        n += u32::from(some);
    }
    (sum, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.212 §5.3.2 (integer kernels agree bit for bit)
    fn layers_of_any_values_agree() {
        let mut state = 5u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as i8
        };
        let offsets = [Offsets { near: 3, far: 2 }, Offsets { near: 1, far: 9 }];
        for (degree, z) in (1..=DEGREE_MAX).flat_map(|degree| [2, 15, 64, 104, 128].map(|z| (degree, z))) {
            let offsets = offsets[degree % 2];
            let columns: Vec<i8> = (0..degree * 6 * GROUP).map(|_| random()).collect();
            let run = |isa: Isa| {
                let (mut columns, mut messages) = (columns.clone(), vec![0i8; degree * 2 * GROUP]);
                let port = |(e, column): (usize, &mut [i8])| Port { column: column.as_mut_ptr(), turn: e * 7 % z };
                let ports: Vec<Port> = columns.chunks_mut(6 * GROUP).enumerate().map(port).collect();
                // The order of messages in memory is the kernel's own, so the second pass starts from what the first left.
                let kernels = kernels(isa);
                let mut packed = vec![[0u8; 8]; 2];
                let mut sums = vec![0i8; 2 * GROUP];
                for first in [true, false] {
                    // Safety: columns of 6 groups hold twice 128 lanes and a group more; messages as the contract says.
                    unsafe { (kernels.layer)(&ports, messages.as_mut_ptr(), Extent { z, first, offsets }) };
                }
                let lanes: Vec<Vec<i8>> = columns.chunks(6 * GROUP).map(|column| column[..z].to_vec()).collect();
                for &port in &ports {
                    // Safety: as above.
                    unsafe { (kernels.parity)(port, z, &mut sums) };
                }
                // Safety: as above.
                unsafe { (kernels.signs)(ports[0], z, &mut packed) };
                let signs: Vec<bool> = (0..z).map(|i| packed[i / 64][i % 64 / 8] >> (7 - i % 8) & 1 == 1).collect();
                for (i, &sign) in signs.iter().enumerate() {
                    assert_eq!(sign, lanes[0][(i + ports[0].turn) % z] < 0);
                    let expected = lanes.iter().zip(&ports).fold(0, |s, (lane, p)| s ^ lane[(i + p.turn) % z]);
                    assert_eq!(sums[i] < 0, expected < 0);
                }
                lanes
            };
            for isa in Isa::available() {
                assert!(run(isa) == run(Isa::Scalar), "{isa} {degree} {z}");
            }
        }
    }

    #[test] // Spec: TS 38.212 §5.4.2 (soft bits)
    fn scaling_and_measuring_agree() {
        let llrs: Vec<Llr> = (0..1000).map(|i| (i * 37 % 256) as u8 as i8).collect();
        for isa in Isa::available() {
            let kernels = kernels(isa);
            for (from, gain) in [(0, 1), (1, 64), (3, 2048), (990, 77)] {
                let (mut found, mut expected) = (vec![0; 1000 - from], vec![0; 1000 - from]);
                // Safety: the kernels were chosen for this machine.
                let measured = unsafe { (kernels.measure)(&llrs[from..]) };
                assert_eq!(measured, measure_body(&llrs[from..]));
                // Safety: as above.
                unsafe { (kernels.scale)(&llrs[from..], gain, &mut found) };
                scale_body(&llrs[from..], gain, &mut expected);
                assert_eq!(found, expected);
            }
        }
    }
}
