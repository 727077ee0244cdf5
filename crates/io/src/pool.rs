//! Threads that stay, for pieces of a slot's work: no thread is started and nothing allocated when work is forked.
//!
//! Who forks writes where the second piece is into one of a few places and runs the first. An idle thread takes what it finds there; if
//! none did, who forked takes it back. While it waits for a piece that was taken it runs others that wait. An idle thread looks for work for
//! a while, since work comes every few microseconds within a slot, then sleeps.

use node::Fork;
use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pieces that may wait at once; one more is run by who has it.
const PLACES: usize = 64;
/// Looks between two looks at the clock.
const LOOKS: u32 = 64;

/// Nothing there.
const EMPTY: u32 = 0;
/// Somebody writes or reads the piece.
const HELD: u32 = 1;
/// A piece waits.
const WAITING: u32 = 2;
/// A thread runs it.
const TAKEN: u32 = 3;
/// It is done.
const DONE: u32 = 4;

type Piece = dyn FnMut() + Send;
type Panic = Box<dyn Any + Send>;

#[derive(Default)]
struct Place {
    state: AtomicU32,
    piece: UnsafeCell<Option<*mut Piece>>,
    panic: UnsafeCell<Option<Panic>>,
}

// SAFETY: `piece` and `panic` are touched only by who changed `state` to HELD or TAKEN, and by who posted once it is DONE.
unsafe impl Sync for Place {}
// SAFETY: the piece behind the pointer is `Send`.
unsafe impl Send for Place {}

struct Shared {
    places: [Place; PLACES],
    waiting: AtomicUsize,
    sleepers: AtomicUsize,
    stop: AtomicBool,
    bed: Mutex<()>,
    wake: Condvar,
    patience: Duration,
}

/// A pool; who forks is one of its threads.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    width: usize,
}

impl Pool {
    /// A pool in which `width` pieces run at once: it starts one thread less. An idle thread looks for work for `patience` before
    /// it sleeps.
    ///
    /// Errors: the operating system gives no thread.
    pub fn new(width: usize, patience: Duration) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            places: std::array::from_fn(|_| Place::default()),
            waiting: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            bed: Mutex::new(()),
            wake: Condvar::new(),
            patience,
        });
        let mut pool = Pool { shared, threads: Vec::new(), width: width.max(1) };
        for i in 1..pool.width {
            let shared = pool.shared.clone();
            let named = std::thread::Builder::new().name(format!("l1-{i}"));
            pool.threads.push(named.spawn(move || shared.work())?);
        }
        Ok(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let bed = self.shared.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.wake.notify_all();
        drop(bed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Fork for Pool {
    fn width(&self) -> usize {
        self.width
    }

    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        let Some(place) = self.shared.post(b) else {
            a();
            b();
            return;
        };
        let first = catch_unwind(AssertUnwindSafe(&mut *a));
        if place.state.compare_exchange(WAITING, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            place.state.store(EMPTY, Ordering::Release);
            match first {
                Ok(()) => return b(),
                Err(panic) => resume_unwind(panic),
            }
        }
        self.shared.await_done(place);
        // SAFETY: the state is DONE, and only who posted goes on from there.
        let second = unsafe { (*place.panic.get()).take() };
        place.state.store(EMPTY, Ordering::Release);
        if let Some(panic) = first.err().or(second) {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// Lets `piece` wait for a thread; none if there is no thread or no place for it.
    fn post(&self, piece: &mut (dyn FnMut() + Send)) -> Option<&Place> {
        let free = |p: &&Place| p.state.compare_exchange(EMPTY, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok();
        let place = self.places.iter().find(free)?;
        // SAFETY: only the lifetime is lost. `join` returns, by any way, after the piece was taken back or is done, so it is not
        // called later than the borrow lasts.
        let piece = unsafe { std::mem::transmute::<*mut (dyn FnMut() + Send + '_), *mut Piece>(piece) };
        // SAFETY: the place is held by us.
        unsafe { *place.piece.get() = Some(piece) };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        place.state.store(WAITING, Ordering::Release);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
            self.wake.notify_one();
            drop(bed);
        }
        Some(place)
    }

    /// Runs a piece that waits, if there is one.
    fn run_one(&self) -> bool {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let waits = |p: &&Place| {
            p.state.load(Ordering::Relaxed) == WAITING
                && p.state.compare_exchange(WAITING, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let Some(place) = self.places.iter().find(waits) else { return false };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: taken by us, and who posted it waits, so what it borrows is alive and nobody else touches it.
        let piece = unsafe { (*place.piece.get()).take().map(|p| &mut *p) };
        if let Some(piece) = piece
            && let Err(panic) = catch_unwind(AssertUnwindSafe(piece))
        {
            // SAFETY: the place is ours until the state is DONE.
            unsafe { *place.panic.get() = Some(panic) };
        }
        place.state.store(DONE, Ordering::Release);
        true
    }

    fn await_done(&self, place: &Place) {
        let mut looks = 0u32;
        while place.state.load(Ordering::Acquire) != DONE {
            if self.run_one() {
                looks = 0;
                continue;
            }
            looks += 1;
            // The thread that has it may not be running.
            if looks.is_multiple_of(16 * LOOKS) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    fn work(&self) {
        let mut idle_since = None;
        let mut looks = 0u32;
        while !self.stop.load(Ordering::Relaxed) {
            if self.run_one() {
                idle_since = None;
                continue;
            }
            std::hint::spin_loop();
            looks = looks.wrapping_add(1);
            if !looks.is_multiple_of(LOOKS) {
                continue;
            }
            let since = *idle_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.patience {
                self.sleep();
                idle_since = None;
            }
        }
    }

    fn sleep(&self) {
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.waiting.load(Ordering::SeqCst) == 0 && !self.stop.load(Ordering::SeqCst) {
            bed = self.wake.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        drop(bed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::Crew;

    fn pool(width: usize) -> Crew {
        Crew::new(Arc::new(Pool::new(width, Duration::from_micros(20)).unwrap()))
    }

    fn sum(crew: &Crew, x: &[u64]) -> u64 {
        if x.len() < 3 {
            return x.iter().sum();
        }
        let (left, right) = x.split_at(x.len() / 2);
        let (mut a, mut b) = (0, 0);
        crew.join(|| a = sum(crew, left), || b = sum(crew, right));
        a + b
    }

    #[test] // Spec: ironcell issue §3 (the same bits on any number of threads)
    fn pieces_within_pieces_all_run_once() {
        let x: Vec<u64> = (0..3000).collect();
        for width in [1, 2, 3, 5] {
            let crew = pool(width);
            for round in 0..200 {
                assert_eq!(sum(&crew, &x), 2999 * 3000 / 2, "{width} {round}");
            }
            let mut counts = vec![0u32; 100];
            crew.each(&mut counts, &|i, n| *n += i as u32);
            assert!(counts.iter().enumerate().all(|(i, n)| i as u32 == *n), "{width}");
            // Long enough for every thread to fall asleep.
            std::thread::sleep(Duration::from_millis(2));
            assert_eq!(sum(&crew, &x), 2999 * 3000 / 2, "{width} after a pause");
        }
    }

    #[test] // Spec: ironcell issue §3 (a piece that fails does not take the others' memory with it)
    fn a_panic_goes_on_at_the_fork_after_the_other_piece_is_done() {
        let crew = pool(2);
        for round in 0..50 {
            let mut b = 0;
            let both = catch_unwind(AssertUnwindSafe(|| crew.join(|| panic!("first"), || b += 1)));
            assert!(both.is_err());
            assert!(b <= 1, "{round}");
            let mut a = 0;
            let both = catch_unwind(AssertUnwindSafe(|| crew.join(|| a += 1, || panic!("second"))));
            assert!(both.is_err());
            assert_eq!(a, 1);
            assert_eq!(sum(&crew, &[1; 40]), 40);
        }
    }
}
