//! Once warm, a slot through modulation, the channel both ways and demodulation allocates nothing.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use air::mimo::{ChannelModel, Correlation, MimoChannel, MimoConfig};
use air::{Air, LinkConfig, Profile, Tuning};
use common::*;
use dsp::{Cf32, Isa};
use ofdm::{Carrier, Demodulator, Grid, Modulator, Numerology, SlotPoint};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test] // Spec: none (house rule: no allocation in a slot)
fn a_slot_allocates_nothing() {
    let carrier = Carrier::new(Numerology::KHZ30, 51, CENTRE).unwrap();
    let mut air = Air::new(cell(), Isa::best(), 1).unwrap();
    for profile in [Profile::Awgn, Profile::TdlC] {
        air.add_link(LinkConfig { profile, start_s: 0.0, ..link() }, tuning()).unwrap();
    }
    let other = Tuning { rate_hz: 7_680_000, ..tuning() };
    air.add_link(LinkConfig { profile: Profile::TdlA, ..link() }, other).unwrap();
    let mut modulator = Modulator::new(carrier, Isa::best()).unwrap();
    let mut demodulator = Demodulator::new(carrier, Isa::best()).unwrap();
    let mut grid = Grid::new(1, carrier.n_subcarriers());
    let mut samples = vec![Cf32::new(0.0, 0.0); carrier.slot_len_max()];
    let mut out = samples.clone();
    let mut before = 0;
    for n in 0..200 {
        if n == 120 {
            before = COUNT.load(Ordering::Relaxed);
        }
        let slot = SlotPoint::new(Numerology::KHZ30, n / 20, n % 20);
        grid.clear();
        grid.symbol_mut(0, (n % 14) as usize).fill(Cf32::new(1.0, 0.0));
        let samples = &mut samples[..carrier.slot_len(slot)];
        modulator.modulate(slot, &grid, 0, samples).unwrap();
        air.push_downlink(samples);
        for ue in 0..3 {
            let n = air.ue_available(ue).min(out.len());
            air.pull_ue(ue, &mut out[..n]).unwrap();
            let at = air.link(ue).unwrap().next_sample() + 40_000;
            air.link_mut(ue).unwrap().push_burst(at, &samples[..4000]);
        }
        air.pull_uplink(&mut out[..samples.len()]);
        demodulator.demodulate(slot, &out[..samples.len()], 20 + n as usize % 2, &mut grid, 0).unwrap();
    }
    assert_eq!(COUNT.load(Ordering::Relaxed) - before, 0);
    several_antennas_allocate_nothing();
}

/// A block of a link-level simulation: a new seed, then slots.
fn several_antennas_allocate_nothing() {
    let (model, doppler_hz) = ChannelModel::from_name("TDLB100-400").unwrap();
    let correlation = Correlation::Medium;
    let config = MimoConfig { model, n_tx: 2, n_rx: 4, doppler_hz, correlation, ..MimoConfig::default() };
    let mut channel = MimoChannel::new(config, Isa::best()).unwrap();
    let sent = vec![vec![Cf32::new(1.0, 0.0); 5000]; 2];
    let mut heard = vec![vec![Cf32::new(0.0, 0.0); 5000]; 4];
    let mut before = 0;
    for seed in 0..6 {
        if seed == 2 {
            before = COUNT.load(Ordering::Relaxed);
        }
        channel.reseed(seed);
        channel.process(5000, &sent, &mut heard).unwrap();
        channel.burst(4000, &sent, &mut heard).unwrap();
        channel.skip(100_000);
    }
    assert_eq!(COUNT.load(Ordering::Relaxed) - before, 0);
}
