use nr::Tc;

/// A small set of named timers. `K` is the node's own enum of timer names (with their identifiers).
#[derive(Clone, Debug)]
pub struct Timers<K> {
    running: Vec<(Tc, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { running: Vec::new() }
    }
}

impl<K: PartialEq + Copy> Timers<K> {
    /// Starts `timer`, or restarts it, to expire at `at`.
    pub fn start(&mut self, timer: K, at: Tc) {
        self.stop(timer);
        let i = self.running.partition_point(|(t, _)| *t <= at);
        self.running.insert(i, (at, timer));
    }
    /// Stops `timer`; says whether it was running.
    pub fn stop(&mut self, timer: K) -> bool {
        let before = self.running.len();
        self.running.retain(|(_, k)| *k != timer);
        before != self.running.len()
    }
    /// Stops every timer for which `which` holds.
    pub fn stop_where(&mut self, which: impl Fn(&K) -> bool) {
        self.running.retain(|(_, k)| !which(k));
    }
    /// Whether `timer` runs.
    pub fn is_running(&self, timer: K) -> bool {
        self.running.iter().any(|(_, k)| *k == timer)
    }
    /// The earliest expiry.
    pub fn next(&self) -> Option<Tc> {
        self.running.first().map(|(t, _)| *t)
    }
    /// Takes one timer that is due at `now`, earliest first; equal ones in the order they were started.
    pub fn expired(&mut self, now: Tc) -> Option<K> {
        match self.running.first() {
            Some((t, _)) if *t <= now => Some(self.running.remove(0).1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell ARCHITECTURE §nodes
    fn timers_expire_in_order_and_restart() {
        let mut t = Timers::default();
        t.start('a', Tc(5));
        t.start('b', Tc(3));
        t.start('a', Tc(2));
        assert_eq!(t.next(), Some(Tc(2)));
        assert_eq!(t.expired(Tc(4)), Some('a'));
        assert_eq!(t.expired(Tc(4)), Some('b'));
        assert_eq!(t.expired(Tc(4)), None);
        assert!(!t.is_running('a'));
    }
}
