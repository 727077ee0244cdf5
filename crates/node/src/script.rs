//! A fuzzer's octets as a script: operations, each with its operands.

use nr::Tc;

/// Reads operations and operands off what a fuzzer gives; after the end come zeros.
///
/// For the `fuzz_one` of nodes: octets that steer a node through its states.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    /// A script of these octets.
    pub fn new(octets: &'a [u8]) -> Script<'a> {
        Script { rest: octets }
    }
    /// The next operation's octet; `None` at the end.
    pub fn op(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
    /// An octet.
    pub fn u8(&mut self) -> u8 {
        self.op().unwrap_or(0)
    }
    /// Two octets, the first most significant.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }
    /// Four octets, the first most significant.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }
    /// Whether the next octet is odd.
    pub fn bit(&mut self) -> bool {
        self.u8() & 1 != 0
    }
    /// A number below `n`, 1..=256, out of one octet.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.u8()) % n.max(1)
    }
    /// One of `all`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
    /// Octets with their length before them: one octet, or 255 and two more. Fewer where the script ends.
    pub fn bytes(&mut self) -> &'a [u8] {
        let n = match self.u8() {
            255 => self.u16().into(),
            n => usize::from(n),
        };
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }
    /// An octet's worth of time: none, milliseconds, 16 ms or seconds, up to 63 of them.
    pub fn time(&mut self) -> Tc {
        let n = self.u8();
        Tc::from_ms(i64::from(n & 63) * [0, 1, 16, 1000][usize::from(n >> 6)])
    }
    /// `bytes` with up to three changes. Most values of the first octet leave them as they are.
    pub fn changed(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.u8().saturating_sub(252) {
            let (at, kind, value) = (usize::from(self.u16()), self.u8(), self.u8());
            match (at.checked_rem(bytes.len()), kind & 3) {
                (None, _) => bytes.push(value),
                (Some(at), 0) => bytes.truncate(at),
                (Some(at), 1) => bytes.insert(at, value),
                (Some(at), 2) => bytes[at] = value,
                (Some(at), _) => bytes[at] ^= 1 << (value & 7),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §7 (fuzz targets of nodes read their operations from octets, whichever they are)
    fn scripts_end_in_zeros() {
        let mut s = Script::new(&[7, 2, 0xaa, 0xbb, 255, 0, 1, 0xcc, 9]);
        assert_eq!((s.op(), s.bytes(), s.bytes()), (Some(7), &[0xaa, 0xbb][..], &[0xcc][..]));
        assert_eq!((s.u16(), s.op(), s.u32(), s.bytes()), (0x900, None, 0, &[][..]));
        assert_eq!(Script::new(&[64 | 5, 128 | 5, 192 | 5]).time(), Tc::from_ms(5));
        assert_eq!(Script::new(&[3, 9]).changed(vec![1, 2]), [1, 2]);
        assert_eq!(Script::new(&[253, 0, 3, 2, 9]).changed(vec![1, 2]), [1, 9]);
        assert_eq!(Script::new(&[254, 0, 0, 0, 0, 0, 0, 2, 7]).changed(vec![1, 2]), [7]);
    }
}
