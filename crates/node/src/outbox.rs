use std::collections::VecDeque;

/// The ordered answers of a node, with a bound: what does not fit is dropped and counted.
#[derive(Debug)]
pub struct Outbox<T> {
    queue: VecDeque<T>,
    capacity: usize,
    dropped: u64,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self::with_capacity(65_536)
    }
}

impl<T> Outbox<T> {
    /// An outbox that holds at most `capacity` entries. Memory grows as it is used, and stays.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { queue: VecDeque::new(), capacity, dropped: 0 }
    }
    /// Appends `item`, or drops and counts it when the outbox is full.
    pub fn push(&mut self, item: T) {
        if self.queue.len() < self.capacity {
            self.queue.push_back(item);
        } else {
            self.dropped += 1;
        }
    }
    /// Takes the oldest entry.
    pub fn pop(&mut self) -> Option<T> {
        self.queue.pop_front()
    }
    /// Takes all entries in order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.queue.drain(..)
    }
    /// Entries waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }
    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
    /// Entries lost to the bound so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}
