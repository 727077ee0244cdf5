//! What the peer sends: which TSNs came, fragments put together, streams put in order, what the user has not taken yet.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | Cumulative TSN | [`Incoming::cumulative`] | all up to it came, in 64 bits so that it never wraps |
//! | Gap Ack Blocks | [`Incoming::ranges`] | what came above it |
//! | a_rwnd | [`Incoming::a_rwnd`] | what may still come |
//!
//! Spec: RFC 9260 §6.2, §6.5, §6.6, §6.7, §6.9

use std::collections::{BTreeMap, VecDeque};

use crate::Message;
use crate::wire::Data;

/// Gaps that are kept; DATA that would make another one is dropped.
const RANGES_MAX: usize = 1024;
/// Duplicates that one SACK reports.
const DUPLICATES_MAX: usize = 16;
/// What each chunk held costs beside its octets.
const CHUNK_COST: usize = 32;
/// How far a TSN may be above the cumulative one: gap ack blocks say no more.
const AHEAD_MAX: u64 = u16::MAX as u64;

/// A broken rule, and its clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub what: &'static str,
    pub clause: &'static str,
}

const fn violation(what: &'static str, clause: &'static str) -> Violation {
    Violation { what, clause }
}

/// What became of a DATA chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is new, and counted as received.
    New,
    /// It came before.
    Duplicate,
    /// There is no room: as if it had been lost.
    NoRoom,
    /// It is new, but its stream does not exist: counted as received, not delivered.
    InvalidStream,
}

/// Consecutive fragments of one message.
#[derive(Debug)]
struct Run {
    pieces: VecDeque<Vec<u8>>,
    octets: usize,
    begin: bool,
    end: bool,
    stream: u16,
    ssn: u16,
    unordered: bool,
    ppid: u32,
}

impl Run {
    fn is_of(&self, d: &Data<'_>) -> bool {
        self.stream == d.stream && self.unordered == d.unordered && (d.unordered || self.ssn == d.ssn)
    }
}

/// The order within one stream; the next SSN in 64 bits.
#[derive(Debug, Default)]
struct Stream {
    next: u64,
    waiting: BTreeMap<u64, Message>,
}

/// All that came in one association.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub cumulative: u64,
    /// First and last TSN, in order, apart from one another.
    ranges: VecDeque<(u64, u64)>,
    pub duplicates: Vec<u32>,
    runs: BTreeMap<u64, Run>,
    streams: Vec<Stream>,
    ready: VecDeque<Message>,
    held: usize,
    buffer: usize,
    message_max: usize,
}

impl Incoming {
    /// Nothing came yet; the peer begins with `tsn` on `n_streams` streams.
    pub fn new(tsn: u32, n_streams: u16, buffer: u32, message_max: usize) -> Incoming {
        Incoming {
            cumulative: (1 << 32) + u64::from(tsn) - 1,
            ranges: VecDeque::new(),
            duplicates: Vec::new(),
            runs: BTreeMap::new(),
            streams: (0..n_streams).map(|_| Stream::default()).collect(),
            ready: VecDeque::new(),
            held: 0,
            buffer: buffer as usize,
            message_max,
        }
    }

    pub fn n_streams(&self) -> u16 {
        self.streams.len() as u16
    }

    /// The window to advertise, octets.
    pub fn a_rwnd(&self) -> u32 {
        self.buffer.saturating_sub(self.held) as u32
    }

    pub fn has_gaps(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// Gap ack blocks, the lowest first, as many as `max`.
    pub fn gaps(&self, max: usize) -> Vec<(u16, u16)> {
        let offset = |tsn: u64| (tsn - self.cumulative) as u16;
        self.ranges.iter().take(max).map(|(first, last)| (offset(*first), offset(*last))).collect()
    }

    pub fn is_readable(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The oldest message that the user has not taken.
    pub fn take(&mut self) -> Option<Message> {
        let message = self.ready.pop_front()?;
        self.held = self.held.saturating_sub(cost(message.data.len()));
        Some(message)
    }

    /// Takes over what its user has not taken from `before`, an association that begins anew.
    pub fn inherit(&mut self, before: &mut Incoming) {
        self.ready = core::mem::take(&mut before.ready);
        self.held = self.ready.iter().map(|m| cost(m.data.len())).sum();
    }

    /// Takes a DATA chunk that holds something.
    pub fn data(&mut self, d: &Data<'_>) -> Result<Taken, Violation> {
        let tsn = (self.cumulative as i64 + i64::from(d.tsn.wrapping_sub(self.cumulative as u32) as i32)) as u64;
        if tsn <= self.cumulative || self.has(tsn) {
            if self.duplicates.len() < DUPLICATES_MAX {
                self.duplicates.push(d.tsn);
            }
            return Ok(Taken::Duplicate);
        }
        // What fills a gap frees what waits behind it, so it is taken beyond the window, once more as much.
        let fills = self.ranges.back().is_some_and(|r| tsn < r.1);
        let room = if fills { self.held < 2 * self.buffer } else { self.held < self.buffer };
        if !room || tsn - self.cumulative > AHEAD_MAX || !self.mark(tsn) {
            return Ok(Taken::NoRoom);
        }
        if usize::from(d.stream) >= self.streams.len() {
            return Ok(Taken::InvalidStream);
        }
        if d.begin && d.end {
            self.check_neighbours(tsn)?;
            if d.payload.len() > self.message_max {
                return Err(violation("a message longer than taken here", "6.9"));
            }
            let message = Message { stream: d.stream, ppid: d.ppid, unordered: d.unordered, data: d.payload.to_vec() };
            self.held += cost(message.data.len());
            self.deliver(message, d.ssn)?;
        } else {
            self.fragment(tsn, d)?;
        }
        Ok(Taken::New)
    }

    fn has(&self, tsn: u64) -> bool {
        let i = self.ranges.partition_point(|r| r.1 < tsn);
        self.ranges.get(i).is_some_and(|r| r.0 <= tsn)
    }

    /// Counts `tsn`, which is new, as received; `false` where that would make one gap too many.
    fn mark(&mut self, tsn: u64) -> bool {
        if tsn == self.cumulative + 1 {
            self.cumulative = tsn;
            if let Some((first, last)) = self.ranges.front().copied()
                && first == tsn + 1
            {
                self.cumulative = last;
                self.ranges.pop_front();
            }
            return true;
        }
        let i = self.ranges.partition_point(|r| r.1 < tsn);
        let joins_left = i > 0 && self.ranges[i - 1].1 + 1 == tsn;
        let joins_right = self.ranges.get(i).is_some_and(|r| r.0 == tsn + 1);
        match (joins_left, joins_right) {
            (true, true) => {
                self.ranges[i - 1].1 = self.ranges[i].1;
                self.ranges.remove(i);
            }
            (true, false) => self.ranges[i - 1].1 = tsn,
            (false, true) => self.ranges[i].0 = tsn,
            (false, false) if self.ranges.len() >= RANGES_MAX => return false,
            (false, false) => self.ranges.insert(i, (tsn, tsn)),
        }
        true
    }

    /// The run that ends just before `tsn`.
    fn left_of(&self, tsn: u64) -> Option<(u64, &Run)> {
        let (first, run) = self.runs.range(..tsn).next_back()?;
        (first + run.pieces.len() as u64 == tsn).then_some((*first, run))
    }

    /// A whole message between fragments that want another fragment there breaks a rule.
    fn check_neighbours(&self, tsn: u64) -> Result<(), Violation> {
        if self.runs.is_empty() {
            return Ok(());
        }
        let open_left = self.left_of(tsn).is_some_and(|(_, run)| !run.end);
        let open_right = self.runs.get(&(tsn + 1)).is_some_and(|run| !run.begin);
        if open_left || open_right { Err(violation("a message amid the fragments of another", "6.9")) } else { Ok(()) }
    }

    fn fragment(&mut self, tsn: u64, d: &Data<'_>) -> Result<(), Violation> {
        let mixed = violation("fragments of two messages mixed", "6.9");
        let left = self.left_of(tsn).map(|(first, run)| (first, run.end, run.is_of(d)));
        let right = self.runs.get(&(tsn + 1)).map(|run| (run.begin, run.is_of(d)));
        let joins_left = match left {
            Some((_, end, _)) if end != d.begin => return Err(mixed),
            Some((_, false, false)) => return Err(mixed),
            Some((first, false, true)) => Some(first),
            _ => None,
        };
        let joins_right = match right {
            Some((begin, _)) if begin != d.end => return Err(mixed),
            Some((false, false)) => return Err(mixed),
            Some((begin, _)) => !begin,
            None => false,
        };
        self.held += cost(d.payload.len());
        let mut run = match joins_left.and_then(|first| self.runs.remove(&first)) {
            Some(run) => run,
            None => Run {
                pieces: VecDeque::new(),
                octets: 0,
                begin: d.begin,
                end: false,
                stream: d.stream,
                ssn: d.ssn,
                unordered: d.unordered,
                ppid: d.ppid,
            },
        };
        run.pieces.push_back(d.payload.to_vec());
        run.octets += d.payload.len();
        run.end = d.end;
        if joins_right && let Some(next) = self.runs.remove(&(tsn + 1)) {
            run = join(run, next);
        }
        if run.octets > self.message_max {
            return Err(violation("a message longer than taken here", "6.9"));
        }
        if run.begin && run.end {
            return self.complete(run);
        }
        self.runs.insert(joins_left.unwrap_or(tsn), run);
        Ok(())
    }

    fn complete(&mut self, run: Run) -> Result<(), Violation> {
        let mut data = Vec::with_capacity(run.octets);
        run.pieces.iter().for_each(|piece| data.extend_from_slice(piece));
        let fragments: usize = run.pieces.iter().map(|p| cost(p.len())).sum();
        self.held = self.held.saturating_sub(fragments) + cost(data.len());
        self.deliver(Message { stream: run.stream, ppid: run.ppid, unordered: run.unordered, data }, run.ssn)
    }

    fn deliver(&mut self, message: Message, ssn: u16) -> Result<(), Violation> {
        if message.unordered {
            self.ready.push_back(message);
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(usize::from(message.stream)) else { return Ok(()) };
        let ahead = ssn.wrapping_sub(stream.next as u16);
        if ahead == 0 {
            self.ready.push_back(message);
            stream.next += 1;
            while let Some(message) = stream.waiting.remove(&stream.next) {
                self.ready.push_back(message);
                stream.next += 1;
            }
            return Ok(());
        }
        if ahead >= 0x8000 || stream.waiting.insert(stream.next + u64::from(ahead), message).is_some() {
            return Err(violation("a stream sequence number used twice", "6.5"));
        }
        Ok(())
    }
}

fn cost(octets: usize) -> usize {
    octets + CHUNK_COST
}

/// Puts two runs together; the shorter is moved.
fn join(mut left: Run, mut right: Run) -> Run {
    let octets = left.octets + right.octets;
    if left.pieces.len() >= right.pieces.len() {
        left.pieces.append(&mut right.pieces);
        return Run { octets, end: right.end, ..left };
    }
    while let Some(piece) = left.pieces.pop_back() {
        right.pieces.push_front(piece);
    }
    Run { octets, begin: left.begin, ppid: left.ppid, ..right }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(tsn: u32, ssn: u16, flags: &str, payload: &[u8]) -> (u32, u16, String, Vec<u8>) {
        (tsn, ssn, flags.to_owned(), payload.to_vec())
    }

    fn put(rx: &mut Incoming, (tsn, ssn, flags, payload): &(u32, u16, String, Vec<u8>)) -> Result<Taken, Violation> {
        rx.data(&Data {
            immediate: false,
            unordered: flags.contains('U'),
            begin: flags.contains('B'),
            end: flags.contains('E'),
            tsn: *tsn,
            stream: 0,
            ssn: *ssn,
            ppid: 60,
            payload,
        })
    }

    fn texts(rx: &mut Incoming) -> Vec<String> {
        core::iter::from_fn(|| rx.take()).map(|m| String::from_utf8(m.data).expect("a text")).collect()
    }

    #[test] // Spec: RFC 9260 §6.6, §6.9 (ordered delivery and reassembly, whatever the order of arrival)
    fn every_order_of_arrival_gives_the_same_messages() {
        let base = u32::MAX - 1; // so that TSNs wrap
        let chunks = [
            data(base, 0, "BE", b"one"),
            data(base.wrapping_add(1), 1, "B", b"t"),
            data(base.wrapping_add(2), 1, "", b"w"),
            data(base.wrapping_add(3), 1, "E", b"o"),
            data(base.wrapping_add(4), 2, "BE", b"three"),
        ];
        let mut order = [0, 1, 2, 3, 4];
        let mut n = 0;
        permute(&mut order, 0, &mut |order| {
            let mut rx = Incoming::new(base, 1, 4096, 4096);
            for i in order {
                assert_eq!(put(&mut rx, &chunks[*i]), Ok(Taken::New));
                assert_eq!(put(&mut rx, &chunks[*i]), Ok(Taken::Duplicate));
            }
            assert_eq!(rx.cumulative as u32, base.wrapping_add(4));
            assert!(!rx.has_gaps());
            assert_eq!(texts(&mut rx), ["one", "two", "three"], "{order:?}");
            assert_eq!(rx.a_rwnd(), 4096);
            n += 1;
        });
        assert_eq!(n, 120);
    }

    fn permute(order: &mut [usize; 5], k: usize, f: &mut impl FnMut(&[usize; 5])) {
        if k == order.len() {
            return f(order);
        }
        for i in k..order.len() {
            order.swap(k, i);
            permute(order, k + 1, f);
            order.swap(k, i);
        }
    }

    #[test] // Spec: RFC 9260 §6.6 (unordered messages pass ordered ones that wait)
    fn unordered_messages_do_not_wait() {
        let mut rx = Incoming::new(10, 1, 4096, 4096);
        put(&mut rx, &data(11, 1, "BE", b"second")).expect("taken");
        put(&mut rx, &data(13, 0, "UE", b"de")).expect("taken");
        put(&mut rx, &data(12, 0, "UB", b"asi")).expect("taken");
        assert_eq!(texts(&mut rx), ["aside"]);
        assert_eq!(rx.gaps(9), [(2, 4)]);
        put(&mut rx, &data(10, 0, "BE", b"first")).expect("taken");
        assert_eq!(texts(&mut rx), ["first", "second"]);
    }

    #[test] // Spec: RFC 9260 §6.2 (DATA beyond the buffer is dropped, DATA that fills a gap is not)
    fn the_buffer_is_bounded() {
        let mut rx = Incoming::new(1, 1, 4096, 4096);
        let kilo = vec![0; 1000];
        for tsn in 2..6 {
            assert_eq!(put(&mut rx, &data(tsn, tsn as u16 - 1, "BE", &kilo)), Ok(Taken::New));
        }
        assert_eq!(rx.a_rwnd(), 0);
        assert_eq!(put(&mut rx, &data(6, 5, "BE", &kilo)), Ok(Taken::NoRoom));
        assert_eq!(put(&mut rx, &data(1, 0, "BE", &kilo)), Ok(Taken::New));
        assert_eq!(core::iter::from_fn(|| rx.take()).count(), 5);
        assert_eq!(rx.a_rwnd(), 4096);
        for tsn in (10..).step_by(2).take(RANGES_MAX) {
            let room = rx.a_rwnd() > 0;
            assert_eq!(put(&mut rx, &data(tsn, 0, "UBE", b"")), Ok(if room { Taken::New } else { Taken::NoRoom }));
        }
        assert_eq!(put(&mut rx, &data(80_000, 0, "UBE", b"")), Ok(Taken::NoRoom));
    }

    #[test] // Spec: RFC 9260 §6.5, §6.9 (fragments that contradict each other are a violation)
    fn contradictions_are_violations() {
        for (a, b) in [
            (data(1, 0, "B", b"x"), data(2, 0, "B", b"x")),
            (data(1, 0, "B", b"x"), data(2, 0, "BE", b"x")),
            (data(1, 0, "B", b"x"), data(2, 1, "E", b"x")),
            (data(2, 0, "E", b"x"), data(1, 0, "BE", b"x")),
            (data(2, 0, "E", b"x"), data(1, 0, "E", b"x")),
            (data(1, 0, "E", b"x"), data(2, 0, "E", b"x")),
            (data(1, 0, "BE", b"x"), data(2, 0, "BE", b"x")),
            (data(1, 5, "BE", b"x"), data(2, 5, "BE", b"x")),
            (data(1, 0, "B", &[0; 3000]), data(2, 0, "E", &[0; 3000])),
        ] {
            let mut rx = Incoming::new(1, 1, 65_536, 4096);
            assert_eq!(put(&mut rx, &a), Ok(Taken::New));
            assert!(put(&mut rx, &b).is_err(), "{a:?} {b:?}");
        }
    }
}
