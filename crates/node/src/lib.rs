//! What every node is made of: the node's surface, its outbox, its timers, its generator, and the taps on what crosses;
//! [`Crew`], by which a node cuts its work into pieces; and [`Script`], by which fuzzers steer nodes.
//!
//! A node has state and nothing else: no sockets, threads, clock, callbacks, globals. It is handed the time with each
//! input, answers into an [`Outbox`], and says when it next wants to be woken. Whoever composes nodes moves values from
//! one outbox to the next inbox.

mod fork;
mod outbox;
mod rng;
mod script;
mod tap;
mod timers;

pub use fork::{Backwards, Crew, Fork, Inline};
pub use outbox::Outbox;
pub use rng::Rng;
pub use script::Script;
pub use tap::{Direction, Frame, MacKind, Tap};
pub use timers::Timers;

use nr::Tc;

/// A piece of the network with state.
pub trait Node {
    /// What it can be told.
    type Input;
    /// What it can answer.
    type Output;

    /// Takes one input at time `now` and puts what follows into `out`.
    ///
    /// Never panics and never blocks. Call [`Node::deadline`] afterwards: it may have changed.
    fn handle(&mut self, now: Tc, input: Self::Input, out: &mut Outbox<Self::Output>);

    /// Fires every timer that is due at `now`. Call it when [`Node::deadline`] has come; calling it early does nothing.
    fn timeout(&mut self, now: Tc, out: &mut Outbox<Self::Output>);

    /// When [`Node::timeout`] must be called next, or `None` while no timer runs.
    fn deadline(&self) -> Option<Tc>;
}
