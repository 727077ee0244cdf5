//! PDU headers. Spec: TS 38.322 §6.2.2

use crate::reassembly::Segment;

/// Segmentation info. Spec: TS 38.322 §6.2.3.4
pub(crate) fn si(first: bool, last: bool) -> u8 {
    match (first, last) {
        (true, true) => 0b00,
        (true, false) => 0b01,
        (false, true) => 0b10,
        (false, false) => 0b11,
    }
}

/// The space of sequence numbers of an entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SnSpace {
    pub(crate) bits: u8,
}

impl SnSpace {
    pub(crate) fn modulus(self) -> u32 {
        1 << self.bits
    }
    /// UM_Window_Size or AM_Window_Size: half the numbers. Spec: TS 38.322 §7.2
    pub(crate) fn window(self) -> u32 {
        1 << (self.bits - 1)
    }
    /// How far `sn` lies above `base`.
    pub(crate) fn offset(self, sn: u32, base: u32) -> u32 {
        sn.wrapping_sub(base) & (self.modulus() - 1)
    }
    pub(crate) fn add(self, sn: u32, n: u32) -> u32 {
        sn.wrapping_add(n) & (self.modulus() - 1)
    }
}

/// A UMD PDU. Spec: TS 38.322 §6.2.2.3
pub(crate) struct Umd<'a> {
    /// `None`: a whole SDU.
    pub(crate) sn: Option<u32>,
    pub(crate) segment: Segment<'a>,
}

impl<'a> Umd<'a> {
    pub(crate) fn decode(pdu: &'a [u8], space: SnSpace) -> Option<Umd<'a>> {
        let (&b0, rest) = pdu.split_first()?;
        let si = b0 >> 6;
        if si == 0 {
            let segment = Segment { start: 0, last: true, data: rest };
            return (!rest.is_empty()).then_some(Umd { sn: None, segment });
        }
        let (sn, rest) = if space.bits == 6 {
            (u32::from(b0 & 0x3f), rest)
        } else {
            let (&b1, rest) = rest.split_first()?;
            (u32::from(b0 & 0x0f) << 8 | u32::from(b1), rest)
        };
        Some(Umd { sn: Some(sn), segment: segment(si, rest)? })
    }
    /// Header length of a segment with or without SO.
    pub(crate) fn header_len(space: SnSpace, first: bool) -> usize {
        usize::from(space.bits > 6) + 1 + if first { 0 } else { 2 }
    }
    pub(crate) fn encode_header(space: SnSpace, sn: u32, start: usize, last: bool, out: &mut [u8]) -> usize {
        let si = si(start == 0, last) << 6;
        let n = if space.bits == 6 {
            out[0] = si | (sn as u8 & 0x3f);
            1
        } else {
            out[0] = si | ((sn >> 8) as u8 & 0x0f);
            out[1] = sn as u8;
            2
        };
        put_so(start, &mut out[n..]) + n
    }
}

/// An AMD PDU. Spec: TS 38.322 §6.2.2.4
pub(crate) struct Amd<'a> {
    pub(crate) poll: bool,
    pub(crate) sn: u32,
    pub(crate) segment: Segment<'a>,
}

impl<'a> Amd<'a> {
    pub(crate) fn decode(pdu: &'a [u8], space: SnSpace) -> Option<Amd<'a>> {
        let (&[b0, b1], rest) = pdu.split_first_chunk::<2>()?;
        let (sn, rest) = if space.bits == 12 {
            (u32::from(b0 & 0x0f) << 8 | u32::from(b1), rest)
        } else {
            let (&b2, rest) = rest.split_first()?;
            (u32::from(b0 & 0x03) << 16 | u32::from(b1) << 8 | u32::from(b2), rest)
        };
        Some(Amd { poll: b0 & 0x40 != 0, sn, segment: segment(b0 >> 4 & 3, rest)? })
    }
    pub(crate) fn header_len(space: SnSpace, first: bool) -> usize {
        (if space.bits == 12 { 2 } else { 3 }) + if first { 0 } else { 2 }
    }
    pub(crate) fn encode_header(
        space: SnSpace,
        poll: bool,
        sn: u32,
        start: usize,
        last: bool,
        out: &mut [u8],
    ) -> usize {
        let b0 = 0x80 | u8::from(poll) << 6 | si(start == 0, last) << 4;
        let n = if space.bits == 12 {
            out[..2].copy_from_slice(&[b0 | ((sn >> 8) as u8 & 0x0f), sn as u8]);
            2
        } else {
            out[..3].copy_from_slice(&[b0 | ((sn >> 16) as u8 & 0x03), (sn >> 8) as u8, sn as u8]);
            3
        };
        put_so(start, &mut out[n..]) + n
    }
}

fn put_so(start: usize, out: &mut [u8]) -> usize {
    if start == 0 {
        return 0;
    }
    out[..2].copy_from_slice(&(start as u16).to_be_bytes());
    2
}

fn segment(si: u8, rest: &[u8]) -> Option<Segment<'_>> {
    let first = si & 2 == 0;
    let last = si & 1 == 0;
    let (start, data) = if first {
        (0, rest)
    } else {
        let (so, data) = rest.split_first_chunk::<2>()?;
        (usize::from(u16::from_be_bytes(*so)), data)
    };
    // A later segment at offset 0 is a contradiction, and so is an SDU beyond what SO can address.
    (!data.is_empty() && (first || start > 0) && start + data.len() <= 0xffff).then_some(Segment { start, last, data })
}

/// SOend that means "to the last byte". Spec: TS 38.322 §6.2.3.16
pub(crate) const SO_END: u16 = 0xffff;

/// One negative acknowledgement. Spec: TS 38.322 §6.2.2.5
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Nack {
    pub(crate) sn: u32,
    /// Consecutive SDUs, 1 at least.
    pub(crate) n_sdus: u32,
    /// First byte in the first SDU, and last byte in the last one.
    pub(crate) so: Option<(u16, u16)>,
}

/// Reads a STATUS PDU: ACK_SN, then the NACKs in order until the E1 bits or the bytes end. `None` if it is not one.
pub(crate) fn decode_status(pdu: &[u8], space: SnSpace) -> Option<(u32, NackReader<'_>)> {
    let (&[b0, b1, b2], rest) = pdu.split_first_chunk::<3>()?;
    if b0 & 0xf0 != 0 {
        return None;
    }
    let (ack, e1) = if space.bits == 12 {
        (u32::from(b0 & 15) << 8 | u32::from(b1), b2 & 0x80 != 0)
    } else {
        (u32::from(b0 & 15) << 14 | u32::from(b1) << 6 | u32::from(b2 >> 2), b2 & 2 != 0)
    };
    Some((ack, NackReader { rest, space, more: e1 }))
}

pub(crate) struct NackReader<'a> {
    rest: &'a [u8],
    space: SnSpace,
    more: bool,
}

impl NackReader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }
}

impl Iterator for NackReader<'_> {
    type Item = Nack;
    fn next(&mut self) -> Option<Nack> {
        if !self.more {
            return None;
        }
        let (sn, flags) = if self.space.bits == 12 {
            let [a, b] = self.take()?;
            (u32::from(a) << 4 | u32::from(b >> 4), b << 4)
        } else {
            let [a, b, c] = self.take()?;
            (u32::from(a) << 10 | u32::from(b) << 2 | u32::from(c >> 6), c << 2)
        };
        self.more = flags & 0x80 != 0;
        let so = if flags & 0x40 != 0 {
            let [a, b, c, d] = self.take()?;
            Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
        } else {
            None
        };
        let n_sdus = if flags & 0x20 != 0 { u32::from(self.take::<1>()?[0]).max(1) } else { 1 };
        Some(Nack { sn, n_sdus, so })
    }
}

/// Writes a STATUS PDU into a buffer.
pub(crate) struct StatusWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    space: SnSpace,
    /// Byte and bit of the last E1 field.
    e1: (usize, u8),
}

/// A place to which a [`StatusWriter`] can go back.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    e1: (usize, u8),
}

impl<'a> StatusWriter<'a> {
    /// `None` if `out` has no room for a STATUS PDU without NACKs.
    pub(crate) fn new(out: &'a mut [u8], space: SnSpace) -> Option<Self> {
        out.get_mut(..3)?.fill(0);
        let bit = if space.bits == 12 { 0x80 } else { 0x02 };
        Some(StatusWriter { out, at: 3, space, e1: (2, bit) })
    }
    /// Adds a NACK; `false` if it has no room.
    pub(crate) fn nack(&mut self, nack: Nack) -> bool {
        let sn_len = if self.space.bits == 12 { 2 } else { 3 };
        let len = nack_len(self.space, nack.so.is_some(), nack.n_sdus > 1);
        let Some(room) = self.out.get_mut(self.at..self.at + len) else { return false };
        let flags = u8::from(nack.so.is_some()) << 2 | u8::from(nack.n_sdus > 1) << 1;
        if self.space.bits == 12 {
            room[..2].copy_from_slice(&[(nack.sn >> 4) as u8, (nack.sn as u8) << 4 | flags]);
        } else {
            room[..3].copy_from_slice(&[
                (nack.sn >> 10) as u8,
                (nack.sn >> 2) as u8,
                (nack.sn as u8) << 6 | flags << 2,
            ]);
        }
        let mut n = sn_len;
        if let Some((start, end)) = nack.so {
            room[n..n + 2].copy_from_slice(&start.to_be_bytes());
            room[n + 2..n + 4].copy_from_slice(&end.to_be_bytes());
            n += 4;
        }
        if nack.n_sdus > 1 {
            room[n] = nack.n_sdus.min(255) as u8;
        }
        self.out[self.e1.0] |= self.e1.1;
        self.e1 = (self.at + sn_len - 1, if self.space.bits == 12 { 0x08 } else { 0x20 });
        self.at += len;
        true
    }
    pub(crate) fn mark(&self) -> Mark {
        Mark { at: self.at, e1: self.e1 }
    }
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.at = mark.at;
        self.e1 = mark.e1;
        self.out[self.e1.0] &= !self.e1.1;
    }
    /// Sets ACK_SN and returns the length.
    pub(crate) fn finish(self, ack_sn: u32) -> usize {
        if self.space.bits == 12 {
            self.out[0] = (ack_sn >> 8) as u8 & 15;
            self.out[1] = ack_sn as u8;
        } else {
            self.out[0] = (ack_sn >> 14) as u8 & 15;
            self.out[1] = (ack_sn >> 6) as u8;
            self.out[2] |= (ack_sn as u8) << 2;
        }
        self.at
    }
}

/// Bytes of one NACK.
pub(crate) fn nack_len(space: SnSpace, so: bool, range: bool) -> usize {
    (if space.bits == 12 { 2 } else { 3 }) + if so { 4 } else { 0 } + usize::from(range)
}
