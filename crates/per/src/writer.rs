//! Writes bits, most significant first.

use crate::{BitString, EncodeError, EncodeErrorKind, Stop, width};

/// Collects the bits of one message.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    octets: Vec<u8>,
    /// Bits that do not fill an octet yet, in the low `pending` bits.
    window: u64,
    pending: u32,
    within: &'static str,
    error: Option<EncodeError>,
}

type Result<T> = core::result::Result<T, Stop>;

impl Writer {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bits written so far.
    pub fn position(&self) -> usize {
        self.octets.len() * 8 + self.pending as usize
    }

    /// Names the ASN.1 type that begins here, for errors.
    #[inline]
    pub fn enter(&mut self, name: &'static str) {
        self.within = name;
    }

    /// Stops with an error of this kind, here.
    #[cold]
    pub fn stop(&mut self, kind: EncodeErrorKind) -> Stop {
        self.error = Some(EncodeError { within: self.within, kind });
        Stop
    }

    /// Why writing stopped.
    pub fn error(&self) -> EncodeError {
        self.error.unwrap_or(EncodeError { within: self.within, kind: EncodeErrorKind::Missing })
    }

    /// The octets of one value, an open type of this message; an error in it is an error of the message.
    pub(crate) fn open_type(&mut self, write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<Vec<u8>> {
        let mut inner = Writer { within: self.within, ..Writer::default() };
        let written = write(&mut inner);
        self.error = inner.error;
        written?;
        Ok(inner.finish())
    }

    /// The complete encoding: zero bits up to an octet, and at least one octet.
    ///
    /// Spec: ITU-T X.691 §11.1.3
    pub fn finish(mut self) -> Vec<u8> {
        if self.pending > 0 {
            self.octets.push((self.window << (8 - self.pending)) as u8);
        }
        if self.octets.is_empty() {
            self.octets.push(0);
        }
        self.octets
    }

    /// Writes the low `n` <= 64 bits of `value`.
    #[inline(never)]
    pub fn bits(&mut self, value: u64, n: u32) {
        debug_assert!(n <= 64);
        if n > 32 {
            self.bits_short(value >> 32, n - 32);
            self.bits_short(value, 32);
        } else {
            self.bits_short(value, n);
        }
    }

    #[inline]
    fn bits_short(&mut self, value: u64, n: u32) {
        self.window = self.window << n | value & ((1 << n) - 1);
        self.pending += n;
        while self.pending >= 8 {
            self.pending -= 8;
            self.octets.push((self.window >> self.pending) as u8);
        }
    }

    /// Writes one bit.
    #[inline(never)]
    pub fn bool(&mut self, value: bool) {
        self.bits_short(u64::from(value), 1);
    }

    /// A number of 0..=`max` in the fewest bits.
    ///
    /// Spec: ITU-T X.691 §11.5.6
    #[inline(never)]
    pub fn index(&mut self, max: u64, value: u64) -> Result<()> {
        self.bits(value, width(max));
        if value > max {
            return Err(self.stop(EncodeErrorKind::Integer { value: value as i64, min: 0, max: max as i64 }));
        }
        Ok(())
    }

    /// INTEGER (`min`..`max`).
    ///
    /// Spec: ITU-T X.691 §13.2
    #[inline(never)]
    pub fn int(&mut self, min: i64, max: i64, value: i64) -> Result<()> {
        if value < min || value > max {
            return Err(self.stop(EncodeErrorKind::Integer { value, min, max }));
        }
        self.bits(value.wrapping_sub(min) as u64, width(max.wrapping_sub(min) as u64));
        Ok(())
    }

    /// INTEGER without a range.
    ///
    /// Spec: ITU-T X.691 §13.2.6
    pub fn unbounded_int(&mut self, value: i64) {
        let significant = 65 - if value < 0 { value.leading_ones() } else { value.leading_zeros() };
        let octets = significant.div_ceil(8);
        self.bits(u64::from(octets), 8);
        self.bits(value as u64, 8 * octets);
    }

    /// BIT STRING of `n` <= 64 bits as a number; bits above them are an error.
    ///
    /// Spec: ITU-T X.691 §16.10
    #[inline(never)]
    pub fn fixed_bits(&mut self, value: u64, n: u32) -> Result<()> {
        if n < 64 && value >> n != 0 {
            let max = (1i64 << n) - 1;
            return Err(self.stop(EncodeErrorKind::Integer { value: value as i64, min: 0, max }));
        }
        self.bits(value, n);
        Ok(())
    }

    /// A normally small non-negative whole number.
    ///
    /// Spec: ITU-T X.691 §11.6
    pub fn small(&mut self, value: u64) {
        if value < 64 {
            self.bits(value, 7);
        } else {
            let octets = width(value).div_ceil(8);
            self.bool(true);
            self.bits(u64::from(octets), 8);
            self.bits(value, 8 * octets);
        }
    }

    /// A normally small length, 1..=16383.
    ///
    /// Spec: ITU-T X.691 §11.9.3.4
    pub fn small_length(&mut self, n: usize) {
        if n <= 64 {
            self.bits(n as u64 - 1, 7);
        } else {
            self.bool(true);
            self.length(n);
        }
    }

    /// A length determinant for `n` units; returns the units that this fragment holds.
    fn length(&mut self, n: usize) -> usize {
        match n {
            0..128 => self.bits(n as u64, 8),
            128..16384 => self.bits(0x8000 | n as u64, 16),
            _ => {
                let blocks = (n / 16384).min(4);
                self.bits(0xc0 | blocks as u64, 8);
                return blocks * 16384;
            }
        }
        n
    }

    /// Writes the length of a list or string of `min`..=`max` units, and calls `unit` with the range of each fragment.
    ///
    /// Spec: ITU-T X.691 §11.9.4
    pub fn fragments(
        &mut self,
        min: usize,
        max: usize,
        len: usize,
        mut unit: impl FnMut(&mut Self, core::ops::Range<usize>) -> Result<()>,
    ) -> Result<()> {
        if len < min || len > max {
            return Err(self.stop(EncodeErrorKind::Length { len, min, max }));
        }
        if max < 65536 {
            self.bits((len - min) as u64, width((max - min) as u64));
            return unit(self, 0..len);
        }
        let mut done = 0;
        loop {
            let n = self.length(len - done);
            unit(self, done..done + n)?;
            done += n;
            if n < 16384 {
                return Ok(());
            }
        }
    }

    /// SEQUENCE (SIZE (`min`..`max`)) OF.
    ///
    /// Spec: ITU-T X.691 §20
    pub fn list<T>(
        &mut self,
        min: usize,
        max: usize,
        list: &[T],
        element: impl Fn(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        self.fragments(min, max, list.len(), |w, range| list[range].iter().try_for_each(|v| element(w, v)))
    }

    /// OCTET STRING (SIZE (`min`..`max`)).
    ///
    /// Spec: ITU-T X.691 §17
    pub fn octets(&mut self, min: usize, max: usize, octets: &[u8]) -> Result<()> {
        self.fragments(min, max, octets.len(), |w, range| {
            w.append(&octets[range]);
            Ok(())
        })
    }

    /// BIT STRING (SIZE (`min`..`max`)).
    ///
    /// Spec: ITU-T X.691 §16
    pub fn bit_string(&mut self, min: usize, max: usize, bits: &BitString) -> Result<()> {
        self.fragments(min, max, bits.len(), |w, range| {
            let end = range.end;
            w.append(&bits.octets()[range.start / 8..end / 8]);
            if !end.is_multiple_of(8) {
                w.bits(u64::from(bits.octets()[end / 8]) >> (8 - end % 8), (end % 8) as u32);
            }
            Ok(())
        })
    }

    /// Writes bits as they are, without a length.
    pub fn raw(&mut self, bits: &BitString) {
        let (whole, last) = (bits.len() / 8, bits.len() % 8);
        self.append(&bits.octets()[..whole]);
        if last > 0 {
            self.bits(u64::from(bits.octets()[whole]) >> (8 - last), last as u32);
        }
    }

    fn append(&mut self, octets: &[u8]) {
        if self.pending == 0 {
            self.octets.extend_from_slice(octets);
        } else {
            for octet in octets {
                self.bits_short(u64::from(*octet), 8);
            }
        }
    }
}
