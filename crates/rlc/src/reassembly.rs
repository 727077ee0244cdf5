//! SDUs that are there in part, and the buffers they are built in.

use std::collections::VecDeque;

/// Buffers kept at most.
const POOL_MAX: usize = 1024;
/// A buffer that grew beyond this is not kept.
const POOL_CAPACITY_MAX: usize = 16 << 10;
/// Capacity of a new buffer: an IP packet of 1500 bytes with all headers does not make it grow.
const BUFFER_CAPACITY: usize = 1536;
/// Disjoint pieces of an SDU kept at most.
const PIECES_MAX: usize = 512;

/// Empty buffers with memory.
#[derive(Debug, Default)]
pub(crate) struct Pool(Vec<Vec<u8>>);

impl Pool {
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER_CAPACITY))
    }
    pub(crate) fn give(&mut self, mut buffer: Vec<u8>) {
        // Small ones are left: they would have to grow in some later slot.
        if self.0.len() < POOL_MAX && (BUFFER_CAPACITY..=POOL_CAPACITY_MAX).contains(&buffer.capacity()) {
            buffer.clear();
            self.0.push(buffer);
        }
    }
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.extend_from_slice(bytes);
        buffer
    }
}

/// A segment of an SDU as a PDU brought it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) start: usize,
    pub(crate) last: bool,
    pub(crate) data: &'a [u8],
}

/// An SDU of which some bytes are there.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    data: Vec<u8>,
    /// Sorted, disjoint, not touching.
    pieces: Vec<(usize, usize)>,
    total: Option<usize>,
}

impl Partial {
    /// Puts `segment` in its place; `false` if it brings nothing new, contradicts what is there, or is a piece too many.
    fn insert(&mut self, segment: Segment) -> bool {
        let (start, end) = (segment.start, segment.start + segment.data.len());
        let known_end = self.pieces.last().map_or(0, |p| p.1);
        if self.total.is_some_and(|t| end > t || (segment.last && end != t)) || (segment.last && end < known_end) {
            return false;
        }
        // The pieces that touch or overlap the segment become one with it.
        let first = self.pieces.partition_point(|p| p.1 < start);
        let after = self.pieces.partition_point(|p| p.0 <= end);
        if first < after && self.pieces[first].0 <= start && self.pieces[first].1 >= end {
            return segment.last && self.total.replace(end).is_none();
        }
        if first == after && self.pieces.len() >= PIECES_MAX {
            return false;
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[start..end].copy_from_slice(segment.data);
        let merged = self.pieces[first..after].iter().fold((start, end), |m, p| (m.0.min(p.0), m.1.max(p.1)));
        if first == after {
            self.pieces.insert(first, merged);
        } else {
            self.pieces[first] = merged;
            self.pieces.drain(first + 1..after);
        }
        if segment.last {
            self.total = Some(end);
        }
        true
    }
    fn is_complete(&self) -> bool {
        matches!((self.total, self.pieces.as_slice()), (Some(t), &[(0, end)]) if end == t)
    }
    /// A byte is missing before the last one that is there.
    pub(crate) fn has_gap(&self) -> bool {
        self.pieces.len() != 1 || self.pieces[0].0 > 0
    }
    /// The stretches that are missing: first byte, and the byte after the last, `None` for "to the end".
    pub(crate) fn missing(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        let starts = std::iter::once(0).chain(self.pieces.iter().map(|p| p.1));
        let ends = self.pieces.iter().map(|p| Some(p.0)).chain(std::iter::once(self.total));
        starts.zip(ends).filter(|(s, e)| e.is_none_or(|e| e > *s)).map(|(s, e)| match self.total {
            Some(t) if e == Some(t) => (s, None),
            _ => (s, e),
        })
    }
    pub(crate) fn n_missing(&self) -> usize {
        self.pieces.len() + 1
    }
}

/// State of one sequence number in a [`Window`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    /// Nothing of it has come.
    Missing,
    /// All of it has come.
    Complete,
    /// Part of it has come.
    Partial(u32),
}

/// What a segment did.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    /// Nothing new, contradictory, or beyond the limit.
    Refused,
    /// A part.
    Part,
    /// The SDU is complete.
    Complete(Vec<u8>),
}

/// The sequence numbers from a moving lower edge on, and what is there of their SDUs.
#[derive(Debug, Default)]
pub(crate) struct Window {
    slots: VecDeque<Slot>,
    partials: Vec<Partial>,
    free: Vec<u32>,
    bytes: usize,
}

impl Window {
    /// State of the SDU `offset` above the lower edge.
    pub(crate) fn slot(&self, offset: usize) -> Slot {
        self.slots.get(offset).copied().unwrap_or(Slot::Missing)
    }
    pub(crate) fn partial(&self, offset: usize) -> Option<&Partial> {
        match self.slot(offset) {
            Slot::Partial(i) => self.partials.get(i as usize),
            _ => None,
        }
    }
    pub(crate) fn is_complete(&self, offset: usize) -> bool {
        self.slot(offset) == Slot::Complete
    }
    /// The first offset from `from` on that is not complete.
    pub(crate) fn first_incomplete(&self, from: usize) -> usize {
        (from..self.slots.len()).find(|i| self.slots[*i] != Slot::Complete).unwrap_or(from.max(self.slots.len()))
    }
    /// Places a segment (or a whole SDU) at `offset`; holds at most `limit` bytes of unfinished SDUs.
    pub(crate) fn place(&mut self, offset: usize, segment: Segment, limit: usize, pool: &mut Pool) -> Placed {
        if self.slots.len() <= offset {
            self.slots.resize(offset + 1, Slot::Missing);
        }
        if segment.start == 0 && segment.last && self.slots[offset] == Slot::Missing {
            self.slots[offset] = Slot::Complete;
            return Placed::Complete(pool.copy(segment.data));
        }
        let index = match self.slots[offset] {
            Slot::Complete => return Placed::Refused,
            Slot::Partial(i) => i as usize,
            Slot::Missing => match self.allocate(pool) {
                Some(i) => {
                    self.slots[offset] = Slot::Partial(i as u32);
                    i
                }
                None => return Placed::Refused,
            },
        };
        let partial = &mut self.partials[index];
        let before = partial.data.len();
        let growth = (segment.start + segment.data.len()).saturating_sub(before);
        let placed = self.bytes + growth <= limit && partial.insert(segment);
        self.bytes += partial.data.len() - before;
        if partial.is_complete() {
            let data = std::mem::take(&mut partial.data);
            self.bytes -= data.len();
            self.release(index, pool);
            self.slots[offset] = Slot::Complete;
            return Placed::Complete(data);
        }
        if partial.pieces.is_empty() {
            self.release(index, pool);
            self.slots[offset] = Slot::Missing;
        }
        if placed { Placed::Part } else { Placed::Refused }
    }
    /// Moves the lower edge up by `n`, dropping what is below it.
    pub(crate) fn advance(&mut self, n: usize, pool: &mut Pool) {
        for _ in 0..n.min(self.slots.len()) {
            if let Some(Slot::Partial(i)) = self.slots.pop_front() {
                self.release(i as usize, pool);
            }
        }
    }
    /// Drops the parts of SDUs below `offset`, whose slots count as complete from now on.
    pub(crate) fn give_up_below(&mut self, offset: usize, pool: &mut Pool) {
        for i in 0..offset {
            if i >= self.slots.len() {
                self.slots.push_back(Slot::Complete);
            } else if let Slot::Partial(p) = std::mem::replace(&mut self.slots[i], Slot::Complete) {
                self.release(p as usize, pool);
            }
        }
    }
    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        self.advance(self.slots.len(), pool);
    }
    fn allocate(&mut self, pool: &mut Pool) -> Option<usize> {
        let index = match self.free.pop() {
            Some(i) => i as usize,
            None => {
                self.partials.push(Partial::default());
                self.partials.len() - 1
            }
        };
        self.partials[index].data = pool.take();
        Some(index)
    }
    fn release(&mut self, index: usize, pool: &mut Pool) {
        let Some(partial) = self.partials.get_mut(index) else { return };
        self.bytes -= partial.data.len();
        pool.give(std::mem::take(&mut partial.data));
        partial.pieces.clear();
        partial.total = None;
        self.free.push(index as u32);
    }
}
