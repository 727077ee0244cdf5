//! Fields to bits and back: one description of a format serves for writing, reading and measuring it.

use super::DciError;
use crate::pdu::{DCI_BITS_MAX, DciBits};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Read,
    Count,
}

/// A cursor over the bits of a DCI, most significant bit of each field first.
pub(super) struct Fields {
    bits: [u8; DCI_BITS_MAX],
    at: usize,
    mode: Mode,
    error: Option<DciError>,
}

impl Fields {
    /// Writes fields.
    pub fn writer() -> Self {
        Self { bits: [0; DCI_BITS_MAX], at: 0, mode: Mode::Write, error: None }
    }
    /// Counts bits.
    pub fn counter() -> Self {
        Self { mode: Mode::Count, ..Self::writer() }
    }
    /// Reads fields out of `bits`; what lies past their end is zero.
    pub fn reader(bits: &[u8]) -> Self {
        let mut f = Self { mode: Mode::Read, ..Self::writer() };
        f.bits.iter_mut().zip(bits).for_each(|(to, from)| *to = from & 1);
        f
    }
    /// Bits so far.
    pub fn len(&self) -> usize {
        self.at
    }
    /// A field of `bits` bits, 32 at most.
    pub fn u32(&mut self, field: &'static str, value: &mut u32, bits: u8) {
        let range = self.at..self.at + usize::from(bits);
        self.at = range.end;
        match self.mode {
            Mode::Count => {}
            Mode::Write => {
                if bits < 32 && *value >> bits != 0 {
                    self.error = self.error.or(Some(DciError::FieldOverflow { field, bits, value: *value }));
                }
                let Some(out) = self.bits.get_mut(range) else { return };
                for (i, b) in out.iter_mut().rev().enumerate() {
                    *b = (*value >> i & 1) as u8;
                }
            }
            Mode::Read => *value = self.bits.get(range).unwrap_or(&[]).iter().fold(0, |v, b| v << 1 | u32::from(*b)),
        }
    }
    /// The same for a smaller number.
    pub fn u8(&mut self, field: &'static str, value: &mut u8, bits: u8) {
        let mut v = u32::from(*value);
        self.u32(field, &mut v, bits);
        *value = v as u8;
    }
    /// The same for a smaller number.
    pub fn u16(&mut self, field: &'static str, value: &mut u16, bits: u8) {
        let mut v = u32::from(*value);
        self.u32(field, &mut v, bits);
        *value = v as u16;
    }
    /// A bit, where `there`; else false.
    pub fn flag(&mut self, field: &'static str, value: &mut bool, there: bool) {
        let mut v = u32::from(*value);
        self.u32(field, &mut v, u8::from(there));
        *value = v == 1;
    }
    /// A redundancy version of 0, 1 (0 or 3) or 2 bits. Spec: TS 38.212 table 7.3.1.2.3-1
    pub fn rv(&mut self, value: &mut u8, bits: u8) {
        if bits != 1 {
            return self.u8("rv", value, bits);
        }
        let mut v = match (*value, self.mode) {
            (0, _) => 0,
            (3, _) => 1,
            (other, _) => other.max(2),
        };
        self.u8("rv", &mut v, 1);
        *value = if v == 0 { 0 } else { 3 };
    }
    /// The identifier: false uplink, true downlink. Reading puts nothing into effect: the caller knows it.
    pub fn identifier(&mut self, downlink: bool) {
        let mut v = downlink;
        self.flag("identifier", &mut v, true);
    }
    /// What was written, padded with zeros to `size` bits. Errors: a field that overflowed, or more bits than `size`.
    pub fn finish(self, size: u8) -> Result<DciBits, DciError> {
        if let Some(e) = self.error {
            return Err(e);
        }
        let fits = self.at <= usize::from(size);
        let bits = self.bits.get(..usize::from(size)).filter(|_| fits).and_then(DciBits::new);
        bits.ok_or(DciError::Length { expected: size, got: self.at.min(255) as u8 })
    }
}
