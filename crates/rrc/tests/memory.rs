//! Memory that hostile octets can claim.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system allocator's own, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn peak<T: rrc::Codec>(octets: &[u8]) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let _ = rrc::decode::<T>(octets);
    PEAK.load(Relaxed) - before
}

// Spec: TS 38.323 §4.3.1 (a message is at most 9000 octets)
#[test]
fn a_message_claims_no_more_than_its_octets_warrant() {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    let mut worst = 0;
    for run in 0..400u32 {
        let mut octets = vec![run as u8; 9000];
        if run >= 256 {
            let keep = run - 255;
            octets
                .iter_mut()
                .for_each(|o| *o = if u32::from(random()) < keep { random() } else { 0xff * (run as u8 & 1) });
        }
        worst = worst.max(peak::<rrc::UlDcchMessage>(&octets)).max(peak::<rrc::DlDcchMessage>(&octets));
        worst = worst.max(peak::<rrc::UeNrCapability>(&octets)).max(peak::<rrc::CellGroupConfig>(&octets));
        worst = worst.max(peak::<rrc::MeasConfig>(&octets)).max(peak::<rrc::RfParameters>(&octets));
        worst = worst.max(peak::<rrc::FeatureSets>(&octets)).max(peak::<rrc::CsiMeasConfig>(&octets));
    }
    assert!(worst <= 100 * 9000, "{worst} octets");
}
