//! PRACH detection and false alarm. Spec: TS 38.104 §8.4
//!
//! A detection is right if the preamble that was sent is found within the time error tolerance, and no other.
//!
//! Delays go from one burst to the next as a conformance tester's do: from half of N_CS (long formats) or from 0 (short ones) in
//! steps of 0.1 us up to 0.9 us (0.8 us), then again.

use dsp::{Cf32, Isa};
use fapi::{
    Bwp, CarrierConfig, CellConfig, DmrsConfig, Duplex, McsTable, PdschConfig, PrachOccasion, PucchConfig, PuschConfig,
    RachConfig, SsbCase, SsbConfig,
};
use nr::tables::prach::{PrachFormat, configuration};
use nr::{Numerology, Pci, SlotPoint};
use ofdm::Carrier;
use phy::prach::{PrachReceiver, PrachTransmitter};

use crate::LinkError;
use crate::count::{Link, Tally};
use crate::propagation::{Antennas, Correlation, Propagation, Radio};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Taps at either side of the filter that delays by a part of a sample.
const REACH: usize = 12;

/// A preamble and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PrachCase {
    /// Format.
    pub format: PrachFormat,
    /// Numerology of the carrier; short preambles have it too.
    pub numerology: Numerology,
    /// Resource blocks of the carrier.
    pub carrier_rb: u16,
    /// zeroCorrelationZoneConfig.
    pub zero_correlation_zone: u8,
    /// restrictedSetConfig: 0 none, 1 type A, 2 type B.
    pub restricted_set: u8,
    /// Logical root sequence index.
    pub root_sequence_index: u16,
    /// The preamble that is sent; `None` sends nothing and counts false alarms.
    pub preamble: Option<u8>,
    /// Carrier frequency offset, Hz.
    pub offset_hz: f64,
    /// Offset to either side that the cell's receiver is configured for, Hz.
    pub offset_max_hz: f64,
    /// Delay of the strongest path over the channel's first, seconds.
    pub strongest_path_s: f64,
    /// Greatest error of the delay, seconds.
    pub tolerance_s: f64,
    /// Receive antennas.
    pub n_rx: u8,
    /// The channel.
    pub propagation: Propagation,
}

/// A PRACH under simulation.
pub struct PrachLink {
    case: PrachCase,
    transmitter: PrachTransmitter,
    receiver: PrachReceiver,
    radio: Radio,
    occasion: PrachOccasion,
    slot: SlotPoint,
    preamble: Vec<Cf32>,
    /// What is sent: silence, the preamble late by the burst's delay, silence.
    sent: Vec<Cf32>,
    /// Noise of a sample for an SNR of 0 dB in the preamble's band.
    noise_of_unit_snr: f64,
    first_delay_s: f64,
    n_delays: u64,
    burst: u64,
    state: u64,
}

impl PrachLink {
    /// Plans for a case.
    ///
    /// Errors: a configuration that the tables of TS 38.211 §6.3.3 do not have, or what `phy::prach` leaves out.
    pub fn new(case: PrachCase, isa: Isa) -> Result<PrachLink, LinkError> {
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        let cell = cell(&case)?;
        let transmitter = PrachTransmitter::new(isa, &cell, carrier).map_err(LinkError::new)?;
        let receiver = PrachReceiver::with_offset(isa, &cell, carrier, case.offset_max_hz).map_err(LinkError::new)?;
        let geometry = receiver.geometry();
        let time = geometry.configuration();
        let occasion = PrachOccasion { start_symbol: time.start_symbol, t_id: 0, s_id: 0, f_id: 0 };
        let slot = SlotPoint::new(case.numerology, 0, 0);
        let long = case.format.is_long();
        let element_s = 1.0 / (geometry.l_ra() as f64 * f64::from(geometry.scs_hz()));
        let noise_of_unit_snr = geometry.sequence_len() as f64 / geometry.l_ra() as f64;
        let first_delay_s = if long { 0.5 * geometry.n_cs() as f64 * element_s } else { 0.0 };
        let antennas = Antennas { n_tx: 1, n_rx: case.n_rx, correlation: Correlation::Low };
        let radio = Radio::new(carrier, antennas, case.propagation, isa)?;
        Ok(PrachLink {
            transmitter,
            receiver,
            radio,
            occasion,
            slot,
            preamble: Vec::new(),
            sent: Vec::new(),
            noise_of_unit_snr,
            first_delay_s,
            n_delays: if long { 10 } else { 9 },
            burst: 0,
            state: 0,
            case,
        })
    }

    /// Makes what is sent, `delay_s` late and off in frequency.
    fn send(&mut self, idx: u8, delay_s: f64, rate_hz: f64) -> Result<(), LinkError> {
        let made = self.transmitter.generate(idx, self.slot, &self.occasion, &mut self.preamble);
        made.map_err(LinkError::new)?;
        let delay = delay_s * rate_hz;
        let (whole, part) = (libm::floor(delay) as usize, delay - libm::floor(delay));
        let taps: [f32; 2 * REACH] = core::array::from_fn(|i| {
            let x = i as f64 - (REACH as f64 - 1.0) - part;
            let window = 0.5 + 0.5 * libm::cos(core::f64::consts::PI * x / (REACH as f64 + 1.0));
            let x = core::f64::consts::PI * x;
            (if x.abs() < 1e-9 { 1.0 } else { libm::sin(x) / x } * window) as f32
        });
        self.sent.fill(ZERO);
        let turn = self.case.offset_hz / rate_hz;
        for (n, out) in self.sent.iter_mut().enumerate() {
            // Tap i takes the sample of i - (REACH - 1) before.
            let from = n as i64 - whole as i64 + REACH as i64 - 1;
            let inside = |i: usize| usize::try_from(from - i as i64).ok().and_then(|at| self.preamble.get(at));
            let sum: Cf32 = taps.iter().enumerate().filter_map(|(i, t)| inside(i).map(|x| x * *t)).sum();
            let z = dsp::unit_phasor(turn * n as f64);
            *out = sum * Cf32::new(z.re as f32, z.im as f32);
        }
        Ok(())
    }
}

impl Link for PrachLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.burst = dsp::noise::split_mix_64(&mut self.state) % self.n_delays;
    }

    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        // Occasions lie far apart: each has a channel of its own.
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        let window = self.receiver.geometry().window(self.slot, &self.occasion).len();
        self.sent.resize(window, ZERO);
        let delay_s = self.first_delay_s + 1e-7 * (self.burst % self.n_delays) as f64;
        self.burst += 1;
        if let Some(idx) = self.case.preamble {
            let rate_hz = f64::from(self.radio.carrier().sample_rate_hz());
            self.send(idx, delay_s, rate_hz)?;
        }
        let noise = self.noise_of_unit_snr * libm::pow(10.0, -snr_db / 10.0);
        let received = self.radio.burst(&[&self.sent], noise)?;
        let mut samples: [&[Cf32]; 8] = [&[]; 8];
        for (s, r) in samples.iter_mut().zip(received) {
            *s = &r[..window];
        }
        let n_rx = usize::from(self.case.n_rx).min(samples.len());
        let (mut right, mut wrong) = (false, false);
        let case = &self.case;
        let expected = delay_s + case.strongest_path_s;
        let done = self.receiver.detect(&samples[..n_rx], self.slot, &self.occasion, |found| {
            let ours = Some(found.preamble) == case.preamble;
            let in_time = (found.delay_s - expected).abs() <= case.tolerance_s;
            right |= ours && in_time;
            wrong |= !(ours && in_time);
        });
        done.map_err(LinkError::new)?;
        let missed = case.preamble.is_some() && !right;
        Ok(Tally { blocks: 1, errors: u64::from(missed || wrong) })
    }
}

/// A cell that has nothing but random access.
fn cell(case: &PrachCase) -> Result<CellConfig, LinkError> {
    let of_format =
        |i: &u16| configuration(true, *i).is_some_and(|c| (c.format, c.last_format) == (case.format, case.format));
    let configuration_index = (0..256).find(of_format).ok_or_else(|| {
        LinkError::new(format!("no configuration of format {:?} alone (TS 38.211 §6.3.3.2)", case.format))
    })?;
    let rach = RachConfig {
        configuration_index,
        msg1_fdm: 1,
        msg1_frequency_start: 0,
        zero_correlation_zone: case.zero_correlation_zone,
        root_sequence_index: case.root_sequence_index,
        long_sequence: case.format.is_long(),
        msg1_numerology: case.numerology,
        restricted_set: case.restricted_set,
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 2,
        preamble_trans_max: 10,
        ra_response_window_slots: 10,
        contention_resolution_timer_ms: 64,
        n_preambles: 64,
        cb_preambles_per_ssb: 64,
        rsrp_threshold_dbm: None,
    };
    let carrier =
        CarrierConfig { numerology: case.numerology, n_rb: case.carrier_rb, point_a_hz: 0.0, offset_to_carrier: 0 };
    let bwp = Bwp { id: 0, start_rb: 0, n_rb: case.carrier_rb };
    let dmrs =
        DmrsConfig { config_type: 1, type_a_position: 2, additional_position: 0, max_length: 1, scrambling_id: [0, 0] };
    Ok(CellConfig {
        pci: Pci::new(0).ok_or_else(|| LinkError::new("physical cell identity"))?,
        dl: carrier,
        ul: carrier,
        duplex: Duplex::Fdd,
        ssb: SsbConfig {
            numerology: case.numerology,
            case: SsbCase::A,
            l_max: 4,
            positions_in_burst: 1,
            period_ms: 20,
            offset_to_point_a: 0,
            k_ssb: 0,
            frequency_hz: 0.0,
            block_power_dbm: 0,
        },
        initial_dl_bwp: bwp,
        coreset0_bwp: bwp,
        coreset0_pattern: 1,
        initial_ul_bwp: bwp,
        coresets: Vec::new(),
        search_spaces: Vec::new(),
        ss_sib1: 0,
        ss_ra: 1,
        paging: None,
        pdsch: PdschConfig {
            time_allocations: Vec::new(),
            dmrs,
            n_id: 0,
            mcs_table: McsTable::Qam64,
            rbg_config2: false,
            resource_allocation: Default::default(),
            vrb_interleaver: None,
            x_overhead: 0,
            options: Default::default(),
            max_layers: 1,
        },
        pusch: PuschConfig {
            time_allocations: Vec::new(),
            dmrs,
            n_id: 0,
            mcs_table: McsTable::Qam64,
            transform_precoding: false,
            resource_allocation: Default::default(),
            x_overhead: 0,
            options: Default::default(),
            max_layers: 1,
            beta_offset_ack: [9; 3],
            beta_offset_csi1: [6; 2],
            beta_offset_csi2: [6; 2],
            uci_scaling: 1.0,
            p0_dbm: -90,
            alpha: 1.0,
            msg3_delta_preamble_db: 0,
        },
        pucch: PucchConfig::default(),
        rach,
        n_ta_offset_tc: 0,
        p_max_dbm: 23,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{Effort, Runner};

    fn rate(case: PrachCase, snr_db: f64, blocks_max: u64) -> f64 {
        let effort = Effort { errors: 100, blocks_max, batch: 20, threads: 2 };
        let make = || Ok(Box::new(PrachLink::new(case, Isa::best())?) as Box<dyn Link>);
        Runner::new(make, effort, 1).unwrap().measure(snr_db, &|_| {}).unwrap().rate()
    }

    fn a1() -> PrachCase {
        PrachCase {
            format: PrachFormat::A1,
            numerology: Numerology::KHZ15,
            carrier_rb: 25,
            zero_correlation_zone: 11,
            restricted_set: 0,
            root_sequence_index: 0,
            preamble: Some(0),
            offset_hz: 0.0,
            offset_max_hz: 0.0,
            strongest_path_s: 0.0,
            tolerance_s: 0.52e-6,
            n_rx: 2,
            propagation: Propagation::AWGN,
        }
    }

    #[test] // Spec: TS 38.104 §8.4.1.2, §8.4.2.2 (table 8.4.2.2-2, format A1 on two antennas)
    fn a_preamble_is_found_in_time_and_noise_is_none() {
        assert!(rate(a1(), -9.3, 1000) <= 0.01);
        assert!(rate(a1(), -16.0, 200) > 0.2);
        assert!(rate(PrachCase { preamble: None, ..a1() }, 0.0, 3000) <= 0.002);
    }

    #[test] // Spec: TS 38.104 §8.4.2.1 (another preamble, another time: errors)
    fn another_preamble_or_another_time_is_an_error() {
        let off = PrachCase { strongest_path_s: 1.2e-6, ..a1() };
        assert_eq!(rate(off, 10.0, 40), 1.0);
        assert_eq!(rate(a1(), 10.0, 40), 0.0);
    }

    #[test] // Spec: TS 38.211 §6.3.3.1 (formats by their own configurations)
    fn every_format_of_the_requirements_has_a_configuration() {
        use PrachFormat::*;
        for format in [F0, F1, A1, A2, A3, B4, C0, C2] {
            let case = PrachCase { format, zero_correlation_zone: 1, ..a1() };
            assert!(PrachLink::new(case, Isa::best()).is_ok(), "{format:?}");
        }
    }
}
