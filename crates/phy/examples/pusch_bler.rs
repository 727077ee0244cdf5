//! Block error rate of PUSCH over flat and echoing channels: `cargo run --release -p phy --example pusch_bler`.
//!
//! Each line: allocation, coding, channel, then the SNR and the share of blocks lost at first transmission. A channel is drawn
//! anew for every slot from an exponential delay profile with Jakes fading.

use dsp::noise::Gaussian;
use dsp::{Cf32, Cf64, Isa, unit_phasor};
use fapi::{Coding, DmrsPdu, MappingType, McsTable, PuschPdu, RbAllocation, Span, UciOnPusch};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;
use phy::pusch::{PuschReceiver, PuschTransmitter};

struct Case {
    n_rb: u16,
    q_m: u8,
    rate: f32,
    tbs: u32,
    spread_s: f64,
    doppler_hz: f64,
    snr_db: [f32; 4],
}

fn pdu(c: &Case) -> PuschPdu {
    PuschPdu {
        rnti: Rnti(1),
        harq: HarqId::new(0).unwrap(),
        new_data: true,
        rbs: RbAllocation::Contiguous { start: 0, n_rb: c.n_rb },
        start_symbol: 0,
        n_symbols: 14,
        mapping: MappingType::A,
        dmrs: DmrsPdu {
            symbols: 1 << 2 | 1 << 11,
            config_type: 1,
            n_id: 1,
            n_scid: 0,
            ports: 1,
            n_cdm_groups_without_data: 2,
            reference_rb: 0,
        },
        n_id: 1,
        n_layers: 1,
        second_hop_rb: None,
        precoding: Default::default(),
        transform_precoding: None,
        ptrs: None,
        cbg: None,
        coding: Coding {
            q_m: c.q_m,
            rate_x1024: c.rate,
            mcs: 0,
            mcs_table: McsTable::Qam64,
            rv: 0,
            tbs_bytes: c.tbs,
            tbs_lbrm: 0,
        },
        uci: UciOnPusch::default(),
        tb: Span::default(),
    }
}

/// Channel of subcarrier `k` in symbol `l`: sixteen taps of an exponential profile, each turning at its own Doppler shift.
struct Taps(Vec<(Cf32, f64, f64)>);

impl Taps {
    fn draw(c: &Case, noise: &mut Gaussian, round: u64) -> Taps {
        if c.spread_s == 0.0 {
            return Taps(vec![(Cf32::new(1.0, 0.0), 0.3e-6, 50.0)]);
        }
        let mut gains = [Cf32::default(); 16];
        noise.fill(&mut gains, 1.0);
        let weight = |i: usize| (-(i as f64) * 0.4).exp();
        let total: f64 = (0..16).map(weight).sum();
        let taps = gains.iter().enumerate().map(|(i, g)| {
            let angle = ((round * 16 + i as u64) as f64 * 0.754_877_666).fract();
            let doppler = c.doppler_hz * unit_phasor(angle).re;
            (g * (weight(i) / total).sqrt() as f32, i as f64 * 0.4 * c.spread_s, doppler)
        });
        Taps(taps.collect())
    }

    fn apply(&self, l: usize, row: &mut [Cf32]) {
        let t = l as f64 * 35.7e-6;
        for (k, x) in row.iter_mut().enumerate() {
            let mut h = Cf64::new(0.0, 0.0);
            for (g, delay, doppler) in &self.0 {
                h += unit_phasor(doppler * t - delay * 30e3 * k as f64) * Cf64::new(g.re as f64, g.im as f64);
            }
            *x *= Cf32::new(h.re as f32, h.im as f32);
        }
    }
}

fn main() {
    let flat = |n_rb, q_m, rate, tbs, snr_db| Case { n_rb, q_m, rate, tbs, spread_s: 0.0, doppler_hz: 0.0, snr_db };
    let cases = [
        flat(1, 2, 120.0, 4, [-6.0, -4.0, -2.0, 0.0]),
        flat(51, 2, 120.0, 221, [-8.0, -7.0, -6.0, -5.0]),
        flat(51, 4, 490.0, 1801, [7.5, 8.0, 8.5, 9.0]),
        flat(51, 6, 719.0, 4013, [15.5, 16.0, 16.5, 17.0]),
        flat(51, 8, 948.0, 6794, [25.5, 26.0, 26.5, 27.0]),
        Case { spread_s: 300e-9, doppler_hz: 20.0, ..flat(51, 2, 308.0, 553, [-2.0, 1.0, 4.0, 7.0]) },
        Case { spread_s: 300e-9, doppler_hz: 20.0, ..flat(20, 6, 567.0, 1249, [16.0, 19.0, 22.0, 25.0]) },
        Case { spread_s: 1e-6, doppler_hz: 300.0, ..flat(51, 6, 567.0, 3189, [16.0, 19.0, 22.0, 25.0]) },
    ];
    let rounds = 300;
    for c in &cases {
        let p = pdu(c);
        let mut tx = PuschTransmitter::new(Isa::best(), 51, 1);
        let mut rx = PuschReceiver::new(Isa::best(), 51, 1, 1);
        let mut soft = SoftBuffer::new(c.tbs * 8);
        let mut noise = Gaussian::new(7, Isa::best());
        let tb: Vec<u8> = (0..c.tbs).map(|i| (i * 31 + 7) as u8).collect();
        let slot = SlotPoint::new(Numerology::KHZ30, 0, 4);
        let mut clean = Grid::new(1, 612);
        tx.transmit(&p, &tb, &[], &[], slot, &mut clean).unwrap();
        print!("{} RB Q_m {} R {} spread {} ns Doppler {} Hz:", c.n_rb, c.q_m, c.rate, c.spread_s * 1e9, c.doppler_hz);
        for snr_db in c.snr_db {
            let (mut lost, mut sinr) = (0, 0.0);
            for round in 0..rounds {
                let taps = Taps::draw(c, &mut noise, round);
                let mut grid = clean.clone();
                for l in 0..14 {
                    let row = &mut grid.symbol_mut(0, l)[..c.n_rb as usize * 12];
                    taps.apply(l, row);
                    noise.add(row, 10f32.powf(-snr_db / 10.0));
                }
                let control = rx.receive_control(&grid, &p, slot).unwrap();
                sinr += control.sinr_db / rounds as f32;
                let mut out = vec![0; tb.len()];
                lost += u32::from(!rx.decode_data(&p, &mut soft, 10, &mut out).unwrap().crc_ok);
            }
            print!("  {snr_db} dB {:.3} (SINR {sinr:.1})", lost as f32 / rounds as f32);
        }
        println!();
    }
}
