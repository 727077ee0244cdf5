//! TUAK, the authentication functions built on Keccak. Spec: TS 35.231
//!
//! | in the specification | here        | meaning                                         | range            |
//! |----------------------|-------------|-------------------------------------------------|------------------|
//! | K                    | `k`         | subscriber key                                  | 16 or 32 bytes   |
//! | TOP_C                | `topc`      | operator variant, derived for this subscriber   | 32 bytes         |
//! | INSTANCE             | `instance`  | which function, and the lengths of its outputs  | 1 byte           |
//! | Π                    | `keccak_f1600` | the permutation, `iterations` times over     | 1 by default     |
//!
//! A field that the specification numbers from its most significant bit enters the state last byte first, for the state
//! numbers its bits from the least significant one.

/// TUAK of one subscriber, with the sizes of 5G AKA: MAC, RES 64 bits (RES may be 128 or 256), CK and IK 128 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Tuak {
    k: [u8; 32],
    k_len: usize,
    topc: [u8; 32],
    iterations: u32,
}

/// The outputs of f2 to f5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct F2345 {
    /// RES of 64 bits.
    pub res: [u8; 8],
    /// CK.
    pub ck: [u8; 16],
    /// IK.
    pub ik: [u8; 16],
    /// AK.
    pub ak: [u8; 6],
}

impl std::fmt::Debug for Tuak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tuak(..)")
    }
}

const INSTANCE_K_256: u8 = 0x01;
const INSTANCE_64: u8 = 0x08;
const INSTANCE_F1_STAR: u8 = 0x80;
const INSTANCE_F2345: u8 = 0x40;
const INSTANCE_F5_STAR: u8 = 0xc0;

const OUT_RES: usize = 0;
const OUT_CK: usize = 32;
const OUT_IK: usize = 64;
const OUT_AK: usize = 96;

impl Tuak {
    /// TUAK with a TOP_C that is known; `None` unless `k` has 16 or 32 bytes and `iterations` is 1 or more.
    pub fn with_topc(k: &[u8], topc: [u8; 32], iterations: u32) -> Option<Self> {
        if !(k.len() == 16 || k.len() == 32) || iterations == 0 {
            return None;
        }
        let mut padded = [0; 32];
        padded[..k.len()].copy_from_slice(k);
        Some(Self { k: padded, k_len: k.len(), topc, iterations })
    }

    /// TUAK of a K of 128 bits with a TOP_C that is known, and one iteration.
    pub fn new_128(k: &[u8; 16], topc: [u8; 32]) -> Self {
        let mut padded = [0; 32];
        padded[..16].copy_from_slice(k);
        Self { k: padded, k_len: 16, topc, iterations: 1 }
    }

    /// TUAK with the operator's TOP, from which TOP_C is derived; `None` as [`Tuak::with_topc`].
    ///
    /// Spec: TS 35.231 §6.1
    pub fn with_top(k: &[u8], top: [u8; 32], iterations: u32) -> Option<Self> {
        let mut tuak = Self::with_topc(k, top, iterations)?;
        let out = tuak.permute(0, None);
        tuak.topc = field(&out, 0);
        Some(tuak)
    }

    /// TOP_C.
    pub fn topc(&self) -> &[u8; 32] {
        &self.topc
    }

    /// f1: MAC-A of 64 bits. Spec: TS 35.231 §6.2
    pub fn f1(&self, rand: &[u8; 16], sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        field(&self.permute(INSTANCE_64, Some((rand, amf, sqn))), OUT_RES)
    }

    /// f1*: MAC-S of 64 bits. Spec: TS 35.231 §6.3
    pub fn f1_star(&self, rand: &[u8; 16], sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        field(&self.permute(INSTANCE_F1_STAR | INSTANCE_64, Some((rand, amf, sqn))), OUT_RES)
    }

    /// f2 to f5 with RES of 64 bits. Spec: TS 35.231 §6.4
    pub fn f2345(&self, rand: &[u8; 16]) -> F2345 {
        let out = self.permute(INSTANCE_F2345 | INSTANCE_64, Some((rand, &[0; 2], &[0; 6])));
        F2345 { res: field(&out, OUT_RES), ck: field(&out, OUT_CK), ik: field(&out, OUT_IK), ak: field(&out, OUT_AK) }
    }

    /// f5*: AK for resynchronisation. Spec: TS 35.231 §6.5
    pub fn f5_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        field(&self.permute(INSTANCE_F5_STAR, Some((rand, &[0; 2], &[0; 6]))), OUT_AK)
    }

    fn permute(&self, instance: u8, inputs: Option<(&[u8; 16], &[u8; 2], &[u8; 6])>) -> [u8; 200] {
        let mut state = [0u8; 200];
        put(&mut state[0..32], &self.topc);
        state[32] = instance | if self.k_len == 32 { INSTANCE_K_256 } else { 0 };
        put(&mut state[33..40], b"TUAK1.0");
        if let Some((rand, amf, sqn)) = inputs {
            put(&mut state[40..56], rand);
            put(&mut state[56..58], amf);
            put(&mut state[58..64], sqn);
        }
        put(&mut state[64..64 + self.k_len], &self.k[..self.k_len]);
        state[96] = 0x1f;
        state[135] = 0x80;
        for _ in 0..self.iterations {
            keccak_f1600_bytes(&mut state);
        }
        state
    }
}

fn put(state: &mut [u8], field: &[u8]) {
    for (to, from) in state.iter_mut().zip(field.iter().rev()) {
        *to = *from;
    }
}

fn field<const N: usize>(state: &[u8; 200], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    put(&mut out, &state[offset..offset + N]);
    out
}

fn keccak_f1600_bytes(state: &mut [u8; 200]) {
    let mut lanes = [0u64; 25];
    for (lane, bytes) in lanes.iter_mut().zip(state.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    keccak_f1600(&mut lanes);
    for (bytes, lane) in state.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
        *bytes = lane.to_le_bytes();
    }
}

/// Keccak-f\[1600\], lanes `x + 5 y`. Spec: FIPS 202 §3.3, which TS 35.231 §5.1 names Π
fn keccak_f1600(a: &mut [u64; 25]) {
    let mut lfsr = 1u8;
    for _ in 0..24 {
        let mut c = [0u64; 5];
        for x in 0..5 {
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        }
        for x in 0..5 {
            let d = c[(x + 4) % 5] ^ c[(x + 1) % 5].rotate_left(1);
            for y in 0..5 {
                a[x + 5 * y] ^= d;
            }
        }
        // rho and pi walk the same path: (x, y) -> (y, 2x + 3y), turned by the triangular numbers.
        let (mut x, mut y, mut carried) = (1usize, 0usize, a[1]);
        for t in 0..24u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let turned = carried.rotate_left((t + 1) * (t + 2) / 2 % 64);
            carried = std::mem::replace(&mut a[x + 5 * y], turned);
        }
        for y in 0..5 {
            let row = [a[5 * y], a[5 * y + 1], a[5 * y + 2], a[5 * y + 3], a[5 * y + 4]];
            for x in 0..5 {
                a[x + 5 * y] = row[x] ^ (!row[(x + 1) % 5] & row[(x + 2) % 5]);
            }
        }
        // iota: the round constant's bits 2^j - 1 come from the register x^8 + x^6 + x^5 + x^4 + 1.
        for j in 0..7 {
            if lfsr & 1 == 1 {
                a[0] ^= 1 << ((1u32 << j) - 1);
            }
            lfsr = (lfsr << 1) ^ if lfsr & 0x80 != 0 { 0x71 } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = include_str!("../../../vectors/security_published.txt");

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    /// The bits of INSTANCE for an output of this many octets (TS 35.231 §6.2, §6.4).
    fn length(octets: usize) -> u8 {
        match octets {
            4 => 0,
            8 => 0x08,
            16 => 0x10,
            _ => 0x20,
        }
    }

    fn bytes(state: &[u8; 200], offset: usize, len: usize) -> Vec<u8> {
        state[offset..offset + len].iter().rev().copied().collect()
    }

    #[test] // Spec: TS 35.231 §6; vectors: TS 35.233 §6.3 to §6.8 (every length of output, one and two iterations)
    fn tuak_has_the_published_values() {
        let mut sets = 0;
        for row in PUBLISHED.lines().filter(|line| line.starts_with("tuak ")) {
            let r: Vec<&str> = row.split(' ').collect();
            let (rand, sqn, amf) = (hex(r[2]).try_into().unwrap(), hex(r[3]).try_into().unwrap(), hex(r[4]));
            let amf: [u8; 2] = amf.try_into().unwrap();
            let tuak = Tuak::with_top(&hex(r[1]), hex(r[5]).try_into().unwrap(), r[6].parse().unwrap()).unwrap();
            assert_eq!(tuak.topc().to_vec(), hex(r[7]));
            let [f1, f1_star, res, ck, ik, ak, ak_star] = [8, 9, 10, 11, 12, 13, 14].map(|i| hex(r[i]));
            let mac = |instance| {
                bytes(&tuak.permute(instance | length(f1.len()), Some((&rand, &amf, &sqn))), OUT_RES, f1.len())
            };
            assert_eq!((mac(0), mac(INSTANCE_F1_STAR)), (f1.clone(), f1_star.clone()));
            let wide = |len: usize, bit: u8| if len == 32 { bit } else { 0 };
            let instance = INSTANCE_F2345 | length(res.len()) | wide(ck.len(), 4) | wide(ik.len(), 2);
            let out = tuak.permute(instance, Some((&rand, &[0; 2], &[0; 6])));
            assert_eq!(bytes(&out, OUT_RES, res.len()), res);
            assert_eq!((bytes(&out, OUT_CK, ck.len()), bytes(&out, OUT_IK, ik.len())), (ck.clone(), ik.clone()));
            assert_eq!(bytes(&out, OUT_AK, 6), ak);
            assert_eq!(tuak.f5_star(&rand).to_vec(), ak_star);
            if f1.len() == 8 {
                assert_eq!(
                    (tuak.f1(&rand, &sqn, &amf).to_vec(), tuak.f1_star(&rand, &sqn, &amf).to_vec()),
                    (f1, f1_star)
                );
            }
            if (res.len(), ck.len(), ik.len()) == (8, 16, 16) {
                let f = tuak.f2345(&rand);
                assert_eq!((f.res.to_vec(), f.ck.to_vec(), f.ik.to_vec(), f.ak.to_vec()), (res, ck, ik, ak));
            }
            sets += 1;
        }
        assert_eq!(sets, 6);
    }

    #[test] // Spec: TS 35.231 §5.1 (K has 128 or 256 bits)
    fn other_key_lengths_are_refused() {
        assert!(Tuak::with_topc(&[0; 24], [0; 32], 1).is_none());
        assert!(Tuak::with_topc(&[0; 16], [0; 32], 0).is_none());
        assert_eq!(Tuak::with_topc(&[5; 16], [6; 32], 1), Some(Tuak::new_128(&[5; 16], [6; 32])));
    }
}
