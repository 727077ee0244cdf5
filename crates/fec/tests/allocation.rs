//! Nothing allocates once the sizes in use have been seen: a counting allocator says so.

mod common;

use common::Rng;
use fec::polar::PolarCodec;
use fec::sch::{SchDecoder, SchEncoder, SchParams, SoftBuffer};
use fec::{Isa, dci, pbch, uci};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations of this thread; the test harness has others.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// Safety: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // Safety: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // Safety: the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test] // Spec: TS 38.212 §5.3, §6.3, §7.3 (no allocation in a slot)
fn a_slot_allocates_nothing() {
    let mut rng = Rng(1);
    let (mut encoder, mut decoder) = (SchEncoder::new(Isa::best()), SchDecoder::new(Isa::best()));
    let (mut soft, mut codec) = (SoftBuffer::new(30_000), PolarCodec::new(8));
    let blocks = [(24u32, 120.0, 240u32), (25_104, 550.0, 46_746), (8456, 700.0, 12_372)];
    let mut tbs: Vec<_> =
        blocks.iter().map(|&(bits, _, g)| (rng.bytes(bits as usize / 8), vec![0; g.div_ceil(8) as usize])).collect();
    let llrs: Vec<_> = blocks.iter().map(|&(_, _, g)| rng.llrs(g as usize)).collect();
    let noise = rng.llrs(8192);
    let mut coded = vec![0; 4500];
    let mut slot = |n: usize| {
        for ((&(tbs_bits, code_rate_x1024, g), (tb, out)), llrs) in blocks.iter().zip(&mut tbs).zip(&llrs) {
            let params =
                SchParams { tbs_bits, code_rate_x1024, q_m: 2, n_layers: 1, rv: (n % 4) as u8, g, tbs_lbrm: None };
            encoder.encode(&params, tb, out).unwrap();
            decoder.decode(&params, llrs, &mut soft, true, 2, tb).unwrap();
        }
        for (a, e) in [(1, 24), (2, 36), (7, 64), (14, 100), (40, 300 + n), (1706, 4500)] {
            uci::encode(&mut codec, &[1; 1706][..a], 2, &mut coded[..e]).unwrap();
            let mut payload = [0; 1706];
            uci::decode(&mut codec, &noise[..e], 2, &mut payload[..a]).unwrap();
        }
        for e in [108, 216, 432, 864, 1728] {
            dci::decode(&mut codec, &noise[..e], &[1, 2], &mut [0; 44]).unwrap();
            dci::encode(&mut codec, &[1; 44], 3, &mut coded[..e]).unwrap();
        }
        let block = pbch::encode(&mut codec, &[1; 32]).unwrap();
        pbch::decode(&mut codec, &noise[..block.len()]).unwrap();
    };
    slot(0);
    let before = CALLS.get();
    (1..60).for_each(&mut slot);
    assert_eq!(CALLS.get(), before);
}
