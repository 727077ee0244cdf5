//! The slots of a known cell in a recording that holds no block of it: by the DM-RS of its CORESETs.
//!
//! Their sequence depends on the slot's number in the frame, so both are found at once: where a slot begins, and which it is. The frame's
//! number is not.
//!
//! Spec: TS 38.211 §7.4.1.3

use dsp::correlate::Correlator;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use fapi::resolve::occasion_symbols;
use fapi::{CellConfig, CoresetConfig, DedicatedConfig};
use nr::SlotPoint;
use ofdm::{Carrier, Grid, Modulator};
use phy::sequences::Gold;

use super::Hypothesis;
use crate::lab::recording::{Recording, resample};
use crate::lab::slots::{Timing, Turning, carrier_for};

/// As much of a recording as is looked at.
const LOOKED_AT_S: f64 = 0.005;
/// Places that are tried.
const PLACES_MAX: usize = 8;
/// Share of a symbol's power that correlates, over what noise does on average, below which nothing is there.
const STANDS_OUT: f32 = 12.0;

/// Share of the loudest symbol's power that counts as silence.
const SILENCE: f64 = 0.01;

/// A place where DM-RS of a slot stand out.
#[derive(Clone, Copy)]
struct Place {
    metric: f32,
    slot: u32,
    /// First sample of the slot, at the carrier's rate.
    start: f64,
}

/// The likeliest ways in which the recording's slots can lie.
pub fn hunt(recording: &Recording, cell: &CellConfig, own: &DedicatedConfig, isa: Isa) -> Vec<Hypothesis> {
    let numerology = cell.dl.numerology;
    let scs = f64::from(numerology.scs_hz());
    let Some(carrier) = carrier_for(numerology, usize::from(cell.dl.n_rb), recording.rate_hz) else {
        return Vec::new();
    };
    let apart_hz = recording.centre_hz.map_or(0.0, |c| cell.dl.centre_hz() - c);
    if apart_hz.abs() + 6.0 * f64::from(cell.dl.n_rb) * scs > recording.rate_hz / 2.0 {
        return Vec::new();
    }
    let rate_hz = f64::from(carrier.sample_rate_hz());
    let n = recording.samples.len().min((LOOKED_AT_S * recording.rate_hz) as usize);
    let mut x = recording.samples[..n].to_vec();
    Nco::new(-apart_hz / recording.rate_hz).mix(isa, &mut x);
    let x = resample(&x, recording.rate_hz, rate_hz);
    let of = |p: Place| {
        let slot = SlotPoint::new(numerology, 0, p.slot);
        let cfo_hz = offset_by_prefix(&x, carrier, slot, p.start) * scs;
        let start = p.start - carrier.slot_start_in_frame(slot) as f64;
        // Search spaces with a period of two frames: even or odd, that is open.
        (0..2).map(move |sfn| Hypothesis {
            cell: cell.clone(),
            carrier,
            timing: Timing { sfn, frame_start: start * recording.rate_hz / rate_hz, offset_hz: apart_hz + cfo_hz },
            turning: Turning::of_frequency(cell.dl.centre_hz(), numerology),
            whole: true,
        })
    };
    let places = places(&x, cell, own, carrier, isa);
    places.into_iter().flat_map(of).collect()
}

/// Carrier offset in subcarriers, within a half: a prefix is the end of its symbol.
fn offset_by_prefix(x: &[Cf32], carrier: Carrier, slot: SlotPoint, start: f64) -> f64 {
    let at = |i: f64| if i >= 0.0 { x.get(i as usize).copied().unwrap_or_default() } else { Cf32::default() };
    let mut sum = Cf32::default();
    for l in 0..14 {
        let first = start + carrier.symbol_start(slot, l) as f64;
        for i in 0..carrier.cp_len(slot, l) {
            let i = first + i as f64;
            sum += at(i + carrier.fft_len() as f64) * at(i).conj();
        }
    }
    let turns = f64::from(sum.im.atan2(sum.re)) / std::f64::consts::TAU;
    if turns.is_finite() { turns } else { 0.0 }
}

fn places(x: &[Cf32], cell: &CellConfig, own: &DedicatedConfig, carrier: Carrier, isa: Isa) -> Vec<Place> {
    let coresets = || own.coresets.iter().chain(&cell.coresets);
    let spaces = own.search_spaces.iter().chain(&cell.search_spaces);
    let mut sets: Vec<(CoresetConfig, u8)> = Vec::new();
    for space in spaces {
        let Some(coreset) = coresets().find(|c| c.id == space.coreset_id) else { continue };
        for l0 in occasion_symbols(space) {
            if !sets.contains(&(*coreset, l0)) {
                sets.push((*coreset, l0));
            }
        }
    }
    let n = carrier.fft_len();
    let power: Vec<f64> = std::iter::once(0.0)
        .chain(x.iter().scan(0.0, |sum, s| {
            *sum += f64::from(s.norm_sqr());
            Some(*sum)
        }))
        .collect();
    // Where there is silence, what rounding leaves correlates with anything.
    let loudest = power.windows(n + 1).map(|w| w[n] - w[0]).fold(0.0, f64::max);
    let mut best: Vec<Place> = Vec::new();
    let mut out = vec![Cf32::default(); x.len()];
    for slot in 0..carrier.numerology().slots_per_frame() {
        let point = SlotPoint::new(carrier.numerology(), 0, slot);
        for (coreset, l0) in &sets {
            let Some(reference) = reference(point, coreset, *l0, carrier, isa) else { continue };
            let Ok(mut correlator) = Correlator::new(&reference, (4 * n).next_power_of_two(), isa) else { continue };
            let energy: f32 = reference.iter().map(|s| s.norm_sqr()).sum();
            let n_lags = correlator.correlate(x, &mut out);
            let before =
                (carrier.symbol_start(point, usize::from(*l0)) + carrier.cp_len(point, usize::from(*l0))) as f64;
            for (lag, c) in out[..n_lags].iter().enumerate() {
                let there = (power[lag + n] - power[lag]).max(loudest * SILENCE) as f32;
                // For noise the mean of this is 1.
                let metric = c.norm_sqr() / (energy * there.max(f32::MIN_POSITIVE)) * n as f32;
                if metric > STANDS_OUT {
                    keep(&mut best, Place { metric, slot, start: lag as f64 - before });
                }
            }
        }
    }
    best
}

/// Keeps the best places, of neighbours the better.
fn keep(best: &mut Vec<Place>, place: Place) {
    if let Some(near) = best.iter_mut().find(|b| b.slot == place.slot && (b.start - place.start).abs() < 40.0) {
        if place.metric > near.metric {
            *near = place;
        }
    } else {
        best.push(place);
    }
    best.sort_by(|a, b| b.metric.total_cmp(&a.metric));
    best.truncate(PLACES_MAX);
}

/// The first symbol of a CORESET with all its DM-RS, without prefix. `None` if the CORESET does not fit the carrier.
fn reference(slot: SlotPoint, coreset: &CoresetConfig, l0: u8, carrier: Carrier, isa: Isa) -> Option<Vec<Cf32>> {
    let n_id = u64::from(coreset.dmrs_n_id);
    let position = 14 * u64::from(slot.slot()) + u64::from(l0) + 1;
    let c_init = (position * (2 * n_id + 1) << 17) + 2 * n_id;
    let rbs: Vec<u16> =
        (0..64u16).filter(|g| coreset.rb_groups >> g & 1 == 1).flat_map(|g| (0..6).map(move |i| 6 * g + i)).collect();
    let last = coreset.start_rb + rbs.last()?;
    let n_pilots = 3 * usize::try_from(i32::from(last) + 1 - coreset.dmrs_reference_rb).ok()?;
    let mut pilots = vec![Cf32::default(); n_pilots];
    Gold::new((c_init & 0x7fff_ffff) as u32).pilots(&mut pilots);
    let mut grid = Grid::new(1, carrier.n_subcarriers());
    let row = grid.symbol_mut(0, 0);
    for rb in rbs.iter().map(|rb| coreset.start_rb + rb) {
        let m = 3 * usize::try_from(i32::from(rb) - coreset.dmrs_reference_rb).ok()?;
        for j in 0..3 {
            *row.get_mut(12 * usize::from(rb) + 4 * j + 1)? = *pilots.get(m + j)?;
        }
    }
    let mut modulator = Modulator::new(carrier, isa).ok()?;
    let l = usize::from(l0);
    let mut samples = vec![Cf32::default(); carrier.symbol_len(slot, l)];
    modulator.modulate_symbol(slot, l, grid.symbol(0, 0), &mut samples).ok()?;
    Some(samples.split_off(carrier.cp_len(slot, l)))
}
