//! Reads bits, most significant first.

use crate::{BitString, DecodeError, DecodeErrorKind, Stop, width};

/// A cursor over the bits of one message.
///
/// Every method returns an error at the end of the data, moves on otherwise, and allocates no more than the octets that are there.
#[derive(Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
    pos: usize,
    within: &'static str,
    error: Option<DecodeError>,
}

type Result<T> = core::result::Result<T, Stop>;

impl<'a> Reader<'a> {
    /// Starts at the first bit of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, pos: 0, within: "", error: None }
    }

    /// Bits read so far.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Bits that are left.
    pub fn remaining(&self) -> usize {
        self.data.len() * 8 - self.pos
    }

    /// Names the ASN.1 type that begins here, for errors.
    #[inline]
    pub fn enter(&mut self, name: &'static str) {
        self.within = name;
    }

    /// Stops with an error of this kind, here.
    #[cold]
    pub fn stop(&mut self, kind: DecodeErrorKind) -> Stop {
        self.error = Some(DecodeError { bit: self.pos, within: self.within, kind });
        Stop
    }

    /// Why reading stopped.
    pub fn error(&self) -> DecodeError {
        let end = DecodeError { bit: self.pos, within: self.within, kind: DecodeErrorKind::EndOfData };
        self.error.unwrap_or(end)
    }

    /// Reads one value from `octets`, an open type of this message; an error in it is an error of the message.
    pub(crate) fn within_octets<T>(
        &mut self,
        octets: &[u8],
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut inner = Reader { data: octets, pos: 0, within: self.within, error: None };
        let value = read(&mut inner);
        self.error = inner.error;
        value
    }

    /// Moves to `pos`, which has been passed before.
    pub(crate) fn rewind(&mut self, pos: usize) {
        self.pos = pos.min(self.pos);
    }

    /// The bit at `pos`, which has been passed before.
    pub(crate) fn bit_at(&self, pos: usize) -> bool {
        self.peek(pos, 1) != 0
    }

    /// Moves on by `n` bits.
    pub fn skip(&mut self, n: usize) -> Result<()> {
        if n > self.remaining() {
            return Err(self.stop(DecodeErrorKind::EndOfData));
        }
        self.pos += n;
        Ok(())
    }

    /// The next `n` <= 64 bits as an unsigned number.
    #[inline(never)]
    pub fn bits(&mut self, n: u32) -> Result<u64> {
        debug_assert!(n <= 64);
        if n as usize > self.remaining() {
            return Err(self.stop(DecodeErrorKind::EndOfData));
        }
        let value = self.peek(self.pos, n);
        self.pos += n as usize;
        Ok(value)
    }

    /// The `n` <= 64 bits at `pos`, which are there.
    #[inline]
    fn peek(&self, pos: usize, n: u32) -> u64 {
        if n == 0 {
            return 0;
        }
        let (byte, shift) = (pos / 8, (pos % 8) as u32);
        let tail = &self.data[byte.min(self.data.len())..];
        let mut window = match tail.first_chunk::<8>() {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => {
                let mut chunk = [0; 8];
                chunk[..tail.len()].copy_from_slice(tail);
                u64::from_be_bytes(chunk)
            }
        } << shift;
        if n + shift > 64
            && let Some(ninth) = tail.get(8)
        {
            window |= u64::from(*ninth) >> (8 - shift);
        }
        window >> (64 - n)
    }

    /// The next bit.
    #[inline(never)]
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.bits(1)? != 0)
    }

    /// A number of 0..=`max` in the fewest bits, at most 64.
    ///
    /// Spec: ITU-T X.691 §11.5.6
    #[inline(never)]
    pub fn index(&mut self, max: u64) -> Result<u64> {
        let found = self.bits(width(max))?;
        if found > max {
            return Err(self.stop(DecodeErrorKind::OutOfRange { found, max }));
        }
        Ok(found)
    }

    /// INTEGER (`min`..`max`).
    ///
    /// Spec: ITU-T X.691 §13.2
    #[inline(never)]
    pub fn int(&mut self, min: i64, max: i64) -> Result<i64> {
        Ok(min.wrapping_add(self.index(max.wrapping_sub(min) as u64)? as i64))
    }

    /// INTEGER without a range, of at most 8 octets.
    ///
    /// Spec: ITU-T X.691 §13.2.6
    pub fn unbounded_int(&mut self) -> Result<i64> {
        let octets = self.bits(8)? as u32;
        if octets == 0 || octets > 8 {
            return Err(self.stop(DecodeErrorKind::IntegerTooLong));
        }
        let value = self.bits(8 * octets)?;
        let unused = 64 - 8 * octets;
        Ok(((value << unused) as i64) >> unused)
    }

    /// A normally small non-negative whole number.
    ///
    /// Spec: ITU-T X.691 §11.6
    pub fn small(&mut self) -> Result<u64> {
        if !self.bool()? {
            return self.bits(6);
        }
        let octets = self.bits(8)? as u32;
        if octets == 0 || octets > 4 {
            return Err(self.stop(DecodeErrorKind::IntegerTooLong));
        }
        self.bits(8 * octets)
    }

    /// A normally small length: the number of extension additions, 1..=16383.
    ///
    /// Spec: ITU-T X.691 §11.9.3.4
    pub fn small_length(&mut self) -> Result<usize> {
        if !self.bool()? {
            return Ok(self.bits(6)? as usize + 1);
        }
        match self.length()? {
            (n, false) if n > 0 => Ok(n),
            _ => Err(self.stop(DecodeErrorKind::BadLength)),
        }
    }

    /// A length determinant: the units of this fragment, and whether another fragment follows.
    ///
    /// Spec: ITU-T X.691 §11.9.3.6 to §11.9.3.8
    pub fn length(&mut self) -> Result<(usize, bool)> {
        if !self.bool()? {
            return Ok((self.bits(7)? as usize, false));
        }
        if !self.bool()? {
            return Ok((self.bits(14)? as usize, false));
        }
        match self.bits(6)? as usize {
            n @ 1..=4 => Ok((n * 16384, true)),
            _ => Err(self.stop(DecodeErrorKind::BadLength)),
        }
    }

    /// Calls `unit` with the number of units of each fragment of a list or string of `min`..=`max` units (`max` = `usize::MAX`:
    /// no upper bound).
    ///
    /// Spec: ITU-T X.691 §11.9.4
    pub fn fragments(
        &mut self,
        min: usize,
        max: usize,
        mut unit: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        if max < 65536 {
            let n = min + self.index((max - min) as u64)? as usize;
            return unit(self, n);
        }
        let mut total = 0usize;
        loop {
            let (n, more) = self.length()?;
            total += n;
            if total > max || (!more && total < min) {
                return Err(self.stop(DecodeErrorKind::OutOfRange { found: total as u64, max: max as u64 }));
            }
            unit(self, n)?;
            if !more {
                return Ok(());
            }
        }
    }

    /// SEQUENCE (SIZE (`min`..`max`)) OF. The vector grows as elements are found.
    ///
    /// Spec: ITU-T X.691 §20
    pub fn list<T>(&mut self, min: usize, max: usize, element: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut list = Vec::new();
        self.fragments(min, max, |r, n| {
            for _ in 0..n {
                list.push(element(r)?);
            }
            Ok(())
        })?;
        Ok(list)
    }

    /// OCTET STRING (SIZE (`min`..`max`)).
    ///
    /// Spec: ITU-T X.691 §17
    pub fn octets(&mut self, min: usize, max: usize) -> Result<Vec<u8>> {
        let mut octets = Vec::new();
        self.fragments(min, max, |r, n| r.append_bits(&mut octets, n * 8))?;
        Ok(octets)
    }

    /// BIT STRING (SIZE (`min`..`max`)).
    ///
    /// Spec: ITU-T X.691 §16
    pub fn bit_string(&mut self, min: usize, max: usize) -> Result<BitString> {
        let (mut octets, mut len) = (Vec::new(), 0);
        self.fragments(min, max, |r, n| {
            len += n;
            r.append_bits(&mut octets, n)
        })?;
        Ok(BitString::new(octets, len).unwrap_or_default())
    }

    /// The next `n` bits, left-aligned in octets.
    pub fn take_bits(&mut self, n: usize) -> Result<BitString> {
        let mut octets = Vec::new();
        self.append_bits(&mut octets, n)?;
        Ok(BitString::new(octets, n).unwrap_or_default())
    }

    /// Appends the next `n` bits to `octets`, which end on an octet.
    fn append_bits(&mut self, octets: &mut Vec<u8>, n: usize) -> Result<()> {
        if n > self.remaining() {
            return Err(self.stop(DecodeErrorKind::EndOfData));
        }
        octets.reserve(n.div_ceil(8));
        if self.pos.is_multiple_of(8) {
            octets.extend_from_slice(&self.data[self.pos / 8..self.pos / 8 + n / 8]);
            self.pos += n / 8 * 8;
        } else {
            for _ in 0..n / 64 {
                octets.extend_from_slice(&self.bits(64)?.to_be_bytes());
            }
            for _ in 0..n % 64 / 8 {
                octets.push(self.bits(8)? as u8);
            }
        }
        let last = (n % 8) as u32;
        if last > 0 {
            octets.push((self.bits(last)? << (8 - last)) as u8);
        }
        Ok(())
    }
}
