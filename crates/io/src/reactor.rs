//! One thread's loop: what is ready, what is due, who called.
//!
//! A process of the network is nodes, which have no sockets and no clock, and one loop around them:
//!
//! ```no_run
//! use io::reactor::{Interest, Reactor};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut reactor = Reactor::new()?;
//! let socket = std::net::UdpSocket::bind("127.0.0.1:8805")?;
//! socket.set_nonblocking(true)?;
//! let n4 = reactor.add(&socket, Interest::READ)?;
//! let mut ready = Vec::new();
//! loop {
//!     reactor.wait(&mut ready)?;
//!     for r in &ready {
//!         if r.token == n4 && r.readable { /* read until nothing is left, hand it to the node */ }
//!         if r.token == n4 && r.due { /* node.timeout(reactor.now(), ..) */ }
//!     }
//!     // At the end of a round: reactor.arm(n4, node.deadline());
//! }
//! # }
//! ```
//!
//! - A [`Token`] stands for a source (a socket, a TUN interface), for a timer alone ([`Reactor::timer`]), or for a [`Waker`], by which
//!   another thread calls. Each has one timer beside it ([`Reactor::arm`]): a node's `deadline`.
//! - Sources are level-triggered: whatever is left unread is reported again, so that a handler may stop after its share.
//! - Time is what nodes are handed: [`Reactor::now`], T_c since the reactor began, never backwards.
//! - Nothing is called back: whoever owns the loop sees the order of things. What is due comes in order of time, sources in order of token.
//!
//! The reactor keeps a duplicate of each source's descriptor, so that none can be reused under its hands: a source that is dropped stays
//! open until [`Reactor::remove`].

use std::collections::BTreeSet;
use std::io::Result;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nr::Tc;
use polling::{Event, Events, PollMode, Poller};

/// Sources that one call reports at most; the others come with the next.
const EVENTS_MAX: usize = 256;

/// What a reactor reports on: a source, a timer, a waker. Given again once it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(usize);

/// What a source is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Something to read, or the end.
    pub read: bool,
    /// Room to write, or an error.
    pub write: bool,
}

impl Interest {
    /// Neither.
    pub const NONE: Interest = Interest { read: false, write: false };
    /// Reading.
    pub const READ: Interest = Interest { read: true, write: false };
    /// Both.
    pub const BOTH: Interest = Interest { read: true, write: true };
}

/// What is up with a token; at least one of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Whose.
    pub token: Token,
    /// Something can be read.
    pub readable: bool,
    /// Something can be written.
    pub writable: bool,
    /// Its timer expired; it runs no longer.
    pub due: bool,
    /// Its waker was used, once or more often.
    pub woken: bool,
}

#[derive(Debug, Default)]
struct Slot {
    used: bool,
    source: Option<OwnedFd>,
    timer: Option<Tc>,
}

/// The loop's heart. See the module's page.
#[derive(Debug)]
pub struct Reactor {
    poller: Arc<Poller>,
    events: Events,
    slots: Vec<Slot>,
    timers: BTreeSet<(Tc, Token)>,
    woken: Arc<Mutex<BTreeSet<Token>>>,
    start: Instant,
}

impl Reactor {
    /// A reactor without sources; its time begins at one millisecond. Errors: those of the operating system.
    pub fn new() -> Result<Reactor> {
        let capacity = core::num::NonZeroUsize::new(EVENTS_MAX).unwrap_or(core::num::NonZeroUsize::MIN);
        Ok(Reactor {
            poller: Arc::new(Poller::new()?),
            events: Events::with_capacity(capacity),
            slots: Vec::new(),
            timers: BTreeSet::new(),
            woken: Arc::default(),
            start: Instant::now(),
        })
    }

    /// The time that nodes are handed.
    pub fn now(&self) -> Tc {
        let t = i128::try_from(self.start.elapsed().as_nanos()).unwrap_or(i128::MAX);
        Tc::MS
            + Tc(i64::try_from(t.saturating_mul(Tc::PER_SECOND.into()) / 1_000_000_000).unwrap_or(i64::MAX - Tc::MS.0))
    }

    /// Watches a source, which must not block. Errors: those of the operating system.
    pub fn add(&mut self, source: &impl AsFd, interest: Interest) -> Result<Token> {
        let own = source.as_fd().try_clone_to_owned()?;
        let token = self.timer();
        let event = event(token, interest);
        // Safety: the descriptor is taken off the poller in `release`, before it is closed.
        let added = unsafe { self.poller.add_with_mode(&own, event, PollMode::Level) };
        if let Err(e) = added {
            self.remove(token);
            return Err(e);
        }
        self.slots[token.0].source = Some(own);
        Ok(token)
    }

    /// Watches a source for something else from now on. Errors: no such source; those of the operating system.
    pub fn set(&mut self, token: Token, interest: Interest) -> Result<()> {
        match self.slots.get(token.0).and_then(|s| s.source.as_ref()) {
            Some(own) => self.poller.modify_with_mode(own, event(token, interest), PollMode::Level),
            None => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    /// A token with nothing but a timer, see [`Reactor::arm`].
    pub fn timer(&mut self) -> Token {
        let i = self.slots.iter().position(|s| !s.used).unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        self.slots[i].used = true;
        Token(i)
    }

    /// A token for calls from other threads.
    pub fn waker(&mut self) -> (Token, Waker) {
        let token = self.timer();
        (token, Waker { poller: self.poller.clone(), woken: self.woken.clone(), token })
    }

    /// Sets a token's timer, or stops it: a node's `deadline` goes here as it is. One that is past is due at once.
    pub fn arm(&mut self, token: Token, at: Option<Tc>) {
        let Some(slot) = self.slots.get_mut(token.0).filter(|s| s.used && s.timer != at) else { return };
        if let Some(before) = core::mem::replace(&mut slot.timer, at) {
            self.timers.remove(&(before, token));
        }
        if let Some(at) = at {
            self.timers.insert((at, token));
        }
    }

    /// Forgets a token: its source, timer and waker.
    pub fn remove(&mut self, token: Token) {
        self.arm(token, None);
        self.lock().remove(&token);
        if let Some(slot) = self.slots.get_mut(token.0) {
            release(&self.poller, core::mem::take(slot));
        }
    }

    /// Waits until something is ready, due or called, and says what, into `ready`, which it clears. Errors: those of the operating system.
    pub fn wait(&mut self, ready: &mut Vec<Ready>) -> Result<()> {
        ready.clear();
        let first = self.timers.first().map(|(at, _)| *at);
        let rest = first.map(|at| duration((at - self.now()).max(Tc::ZERO)));
        let rest = if self.lock().is_empty() { rest } else { Some(Duration::ZERO) };
        self.events.clear();
        match self.poller.wait(&mut self.events, rest) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => drop(other?),
        }
        let now = self.now();
        while let Some((_, token)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.arm(token, None);
            ready.push(Ready { due: true, ..nothing(token) });
        }
        let n_due = ready.len();
        for token in core::mem::take(&mut *self.lock()) {
            ready.push(Ready { woken: true, ..nothing(token) });
        }
        for e in self.events.iter() {
            ready.push(Ready { readable: e.readable, writable: e.writable, ..nothing(Token(e.key)) });
        }
        ready[n_due..].sort_by_key(|r| r.token);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Token>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.slots.drain(..).for_each(|slot| release(&self.poller, slot));
    }
}

fn release(poller: &Poller, slot: Slot) {
    if let Some(own) = slot.source {
        // It can only be unknown to the poller, which is what is wanted.
        let _ = poller.delete(&own);
    }
}

const fn nothing(token: Token) -> Ready {
    Ready { token, readable: false, writable: false, due: false, woken: false }
}

fn event(token: Token, interest: Interest) -> Event {
    Event::new(token.0, interest.read, interest.write)
}

/// Not shorter than `t`, so that what is waited for is due afterwards.
fn duration(t: Tc) -> Duration {
    let nanos = (i128::from(t.0) * 1_000_000_000).div_euclid(i128::from(Tc::PER_SECOND)) + 1;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Calls a reactor from another thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker {
    poller: Arc<Poller>,
    woken: Arc<Mutex<BTreeSet<Token>>>,
    token: Token,
}

impl Waker {
    /// Has [`Reactor::wait`] report the waker's token, once for any number of calls in between. Errors: those of the operating system.
    pub fn wake(&self) -> Result<()> {
        let new = self.woken.lock().unwrap_or_else(PoisonError::into_inner).insert(self.token);
        if new { self.poller.notify() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn socket() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("not blocking");
        socket
    }

    fn wait(reactor: &mut Reactor) -> Vec<Ready> {
        let mut ready = Vec::new();
        reactor.wait(&mut ready).expect("a wait");
        ready
    }

    #[test] // Spec: ironcell issue §1 (one loop carries every interface: what is unread is reported until it is read)
    fn sources_are_reported_while_there_is_something() {
        let mut reactor = Reactor::new().expect("a reactor");
        let (a, b) = (socket(), socket());
        let (ta, tb) = (reactor.add(&a, Interest::READ).expect("a"), reactor.add(&b, Interest::READ).expect("b"));
        let poll = reactor.timer();
        b.send_to(b"1", a.local_addr().expect("an address")).expect("sent");
        b.send_to(b"2", a.local_addr().expect("an address")).expect("sent");
        let mut octets = [0; 9];
        for _ in 0..2 {
            let ready = wait(&mut reactor);
            assert_eq!(ready, [Ready { readable: true, ..nothing(ta) }]);
            a.recv(&mut octets).expect("a datagram");
        }
        let now = reactor.now();
        reactor.arm(poll, Some(now));
        assert_eq!(wait(&mut reactor), [Ready { due: true, ..nothing(poll) }]);
        reactor.set(tb, Interest::BOTH).expect("set");
        assert_eq!(wait(&mut reactor), [Ready { writable: true, ..nothing(tb) }]);
        reactor.remove(tb);
        assert!(reactor.set(tb, Interest::READ).is_err());
        assert_eq!(reactor.timer(), tb, "a token is given again");
        let again = reactor.add(&b, Interest::BOTH).expect("again");
        assert_eq!(wait(&mut reactor)[0].token, again);
    }

    #[test] // Spec: ironcell issue §1 (deadlines of nodes: in order, none early, none twice)
    fn timers_are_due_in_order_and_not_early() {
        let mut reactor = Reactor::new().expect("a reactor");
        let tokens: Vec<Token> = (0..4).map(|_| reactor.timer()).collect();
        let now = reactor.now();
        for (token, us) in tokens.iter().zip([3000, 1000, 2000, 1000]) {
            reactor.arm(*token, Some(now + Tc::from_us(us)));
        }
        reactor.arm(tokens[2], None);
        let mut due = Vec::new();
        while due.len() < 3 {
            for r in wait(&mut reactor) {
                assert!(r.due && reactor.now() >= now + Tc::from_us([3000, 1000, 2000, 1000][r.token.0]));
                due.push(r.token);
            }
        }
        assert_eq!(due, [tokens[1], tokens[3], tokens[0]]);
    }

    #[test] // Spec: ironcell issue §1 (another thread calls)
    fn wakers_call_from_other_threads() {
        let mut reactor = Reactor::new().expect("a reactor");
        let (token, waker) = reactor.waker();
        let other = std::thread::spawn(move || (0..3).try_for_each(|_| waker.wake()));
        other.join().expect("no panic").expect("woken");
        assert_eq!(wait(&mut reactor), [Ready { woken: true, ..nothing(token) }]);
    }
}
