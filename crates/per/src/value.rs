//! Values that are carried as the bits that came.

use crate::{Codec, EncodeErrorKind, Reader, Stop, Writer};
use core::fmt;

/// A string of bits: the first bit is the most significant bit of the first octet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BitString {
    octets: Vec<u8>,
    len: usize,
}

impl BitString {
    /// `len` bits of `octets`; bits behind them become zero. None if `octets` has not just the octets that `len` bits need.
    pub fn new(mut octets: Vec<u8>, len: usize) -> Option<Self> {
        if octets.len() != len.div_ceil(8) {
            return None;
        }
        if let (Some(last), rest @ 1..) = (octets.last_mut(), len % 8) {
            *last &= 0xffu8 << (8 - rest);
        }
        Some(Self { octets, len })
    }

    /// The low `len` <= 64 bits of `value`, most significant first.
    pub fn from_number(value: u64, len: u32) -> Self {
        let mut w = Writer::new();
        w.bits(value, len.min(64));
        let len = len.min(64) as usize;
        let mut octets = w.finish();
        octets.truncate(len.div_ceil(8));
        Self { octets, len }
    }

    /// The bits as a number, most significant first; None if there are more than 64.
    pub fn to_number(&self) -> Option<u64> {
        Reader::new(&self.octets).bits(u32::try_from(self.len).ok().filter(|n| *n <= 64)?).ok()
    }

    /// The octets that hold the bits.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no bit.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bit `i`, counted from the first; None behind the last.
    pub fn get(&self, i: usize) -> Option<bool> {
        (i < self.len).then(|| self.octets[i / 8] >> (7 - i % 8) & 1 != 0)
    }
}

impl fmt::Debug for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'", self.len)?;
        self.octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A part of a message that is not typed: the bits that came, written again as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opaque(pub BitString);

impl Opaque {
    /// Writes the bits. Errors: `Missing` if there is none, for no part that is kept opaque is empty.
    pub fn encode(&self, w: &mut Writer) -> Result<(), Stop> {
        if self.0.is_empty() {
            return Err(w.stop(EncodeErrorKind::Missing));
        }
        w.raw(&self.0);
        Ok(())
    }
}

/// What stands behind the last part of a message that this release knows: extensions of later releases, and padding.
///
/// A message of our own has an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail(pub BitString);

impl Codec for Tail {
    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), Stop> {
        self.0 = r.take_bits(r.remaining())?;
        Ok(())
    }

    fn encode(&self, w: &mut Writer) -> Result<(), Stop> {
        w.raw(&self.0);
        Ok(())
    }
}

/// An alternative behind the extension marker of a CHOICE that is not typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownAlternative {
    /// Number of the alternative, counted from the extension marker.
    pub index: u32,
    /// The encoding of its value.
    pub octets: Vec<u8>,
}

impl UnknownAlternative {
    /// Reads what follows a set extension bit.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, Stop> {
        Ok(Self { index: r.small()? as u32, octets: r.octets(0, usize::MAX)? })
    }

    /// Writes what follows a set extension bit.
    pub fn encode(&self, w: &mut Writer) -> Result<(), Stop> {
        w.small(u64::from(self.index));
        w.octets(0, usize::MAX, &self.octets)
    }
}

/// The extension additions of a SEQUENCE that are not typed, with the number of additions that the sender knows.
///
/// Spec: ITU-T X.691 §19.7 to §19.9
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Option<Box<Inner>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Inner {
    count: usize,
    additions: Vec<(usize, Vec<u8>)>,
}

impl Extensions {
    /// Reads the additions, if the extension bit `present` says that there are any.
    pub fn decode(r: &mut Reader<'_>, present: bool) -> Result<Self, Stop> {
        if !present {
            return Ok(Self(None));
        }
        let count = r.small_length()?;
        let bitmap = r.position();
        r.skip(count)?;
        let mut additions = Vec::new();
        for i in 0..count {
            if r.bit_at(bitmap + i) {
                additions.push((i, r.octets(0, usize::MAX)?));
            }
        }
        Ok(Self(Some(Box::new(Inner { count, additions }))))
    }

    /// Takes addition `index` (0 is the first) out, and decodes it; `r` learns of an error in it.
    pub fn take<T: Codec>(&mut self, r: &mut Reader<'_>, index: usize) -> Result<Option<T>, Stop> {
        self.take_with(r, index, T::decode)
    }

    /// As `take`, for a value that `decode` reads.
    pub fn take_with<T>(
        &mut self,
        r: &mut Reader<'_>,
        index: usize,
        decode: impl Fn(&mut Reader<'_>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        let Some(inner) = &mut self.0 else { return Ok(None) };
        let Some(at) = inner.additions.iter().position(|(i, _)| *i == index) else { return Ok(None) };
        let (_, octets) = inner.additions.remove(at);
        r.within_octets(&octets, decode).map(Some)
    }

    /// The encoding of untyped addition `index` (0 is the first).
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.0.as_ref()?.additions.iter().find(|(i, _)| *i == index).map(|(_, octets)| octets.as_slice())
    }
}

/// The extension additions of a SEQUENCE while it is encoded.
pub struct Additions<'a> {
    raw: &'a Extensions,
    known: usize,
    typed: Vec<(usize, Vec<u8>)>,
}

impl<'a> Additions<'a> {
    /// Starts with the untyped additions; `known` is the number that this release defines.
    pub fn new(raw: &'a Extensions, known: usize) -> Self {
        Self { raw, known, typed: Vec::new() }
    }

    /// Adds addition `index`, if there is one; called in the order of `index`. `w` learns of an error in it.
    pub fn put<T: Codec>(&mut self, w: &mut Writer, index: usize, value: &Option<T>) -> Result<(), Stop> {
        self.put_with(w, index, value, |w, v| v.encode(w))
    }

    /// As `put`, for a value that `encode` writes.
    pub fn put_with<T>(
        &mut self,
        w: &mut Writer,
        index: usize,
        value: &Option<T>,
        encode: impl Fn(&mut Writer, &T) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if let Some(value) = value {
            let octets = w.open_type(|w| encode(w, value))?;
            self.typed.push((index, octets));
        }
        Ok(())
    }

    /// The extension bit.
    pub fn present(&self) -> bool {
        self.raw.0.is_some() || !self.typed.is_empty()
    }

    /// Writes the additions, behind the root.
    pub fn finish(mut self, w: &mut Writer) -> Result<(), Stop> {
        if !self.present() {
            return Ok(());
        }
        let mut count = self.known;
        if let Some(inner) = &self.raw.0 {
            count = inner.count;
            self.typed.extend(inner.additions.iter().cloned());
            self.typed.sort_by_key(|(index, _)| *index);
        }
        let highest = self.typed.last().map_or(0, |(index, _)| index + 1);
        let count = count.max(highest).max(1);
        w.small_length(count);
        let mut next = self.typed.iter().peekable();
        for i in 0..count {
            w.bool(next.next_if(|(index, _)| *index == i).is_some());
        }
        self.typed.iter().try_for_each(|(_, octets)| w.octets(0, usize::MAX, octets))
    }
}
