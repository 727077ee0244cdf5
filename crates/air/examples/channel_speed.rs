//! Prints nanoseconds per sample of the channel on every instruction set of this machine.

use std::hint::black_box;
use std::time::Instant;

use air::{Air, CellConfig, LinkConfig, Profile, Tuning};
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};

const CENTRE: f64 = 3.5e9;

fn main() {
    for isa in Isa::available() {
        println!("{isa}: ns per sample, downlink of one UE and uplink of a cell with one UE that sends all the time");
        for (rate, ue_rate) in [(23_040_000, 23_040_000), (122_880_000, 122_880_000), (122_880_000, 23_040_000)] {
            for (profile, spread) in
                [(Profile::Awgn, 0.0), (Profile::TdlA, 30.0), (Profile::TdlA, 100.0), (Profile::TdlC, 300.0)]
            {
                let (down, up) = measure(isa, rate, ue_rate, profile, spread);
                let mhz = (f64::from(rate) / 1e6, f64::from(ue_rate) / 1e6);
                println!(
                    "  {:6.2} to {:6.2} Msps, {profile:5} {spread:3} ns: down {down:6.2}, up {up:6.2}",
                    mhz.0, mhz.1
                );
            }
        }
    }
}

/// Best of ten slots, per output sample of each way.
fn measure(isa: Isa, rate_hz: u32, ue_rate: u32, profile: Profile, delay_spread_ns: f64) -> (f64, f64) {
    let cell = CellConfig {
        rate_hz,
        dl_centre_hz: CENTRE,
        ul_centre_hz: CENTRE,
        ppm: 0.05,
        noise_figure_db: 5.0,
        history_s: 0.01,
        n_antennas: 1,
    };
    let mut air = Air::new(cell, isa, 1).expect("a legal cell");
    let config = LinkConfig { profile, delay_spread_ns, ppm: 1.8, start_s: -2e-3, ..LinkConfig::default() };
    let tuning = Tuning { rate_hz: ue_rate, dl_centre_hz: CENTRE, ul_centre_hz: CENTRE };
    air.add_link(config, tuning).expect("a legal link");
    let slot_len = rate_hz as usize / 2000;
    let ue_slot_len = ue_rate as usize / 2000;
    let mut slot = vec![Cf32::new(0.0, 0.0); slot_len];
    Gaussian::new(1, isa).fill(&mut slot, 1.0);
    let mut out = vec![Cf32::new(0.0, 0.0); slot_len.max(ue_slot_len)];
    let (mut down, mut up) = (f64::INFINITY, f64::INFINITY);
    let mut ue_sends_at = 0;
    while ue_sends_at < 10 * ue_slot_len as i64 {
        air.link_mut(0).expect("added above").push_burst(ue_sends_at, &slot[..ue_slot_len.min(slot_len)]);
        ue_sends_at += ue_slot_len as i64;
    }
    for n in 0..30 {
        air.push_downlink(&slot);
        let n_ue = air.ue_available(0).min(ue_slot_len);
        let start = Instant::now();
        air.pull_ue(0, black_box(&mut out[..n_ue])).expect("no more than is available");
        let took = start.elapsed().as_secs_f64() * 1e9 / n_ue.max(1) as f64;
        air.link_mut(0).expect("added above").push_burst(ue_sends_at, &slot[..ue_slot_len.min(slot_len)]);
        ue_sends_at += ue_slot_len as i64;
        let start = Instant::now();
        air.pull_uplink(black_box(&mut out[..slot_len]));
        let took_up = start.elapsed().as_secs_f64() * 1e9 / slot_len as f64;
        if n >= 10 {
            down = down.min(took);
            up = up.min(took_up);
        }
    }
    (down, up)
}
