//! Shared channels against a second derivation: every element sent, and receivers on signals that are not ours.

use crate::pdsch::{PdschReceiver, PdschTransmitter};
use crate::pusch::{PuschReceiver, PuschTransmitter};
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use fapi::*;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::Grid;
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../../../../vectors/shared_channels.txt");
const N_RB: usize = 12;

/// One vector of the file.
struct Vector {
    values: BTreeMap<&'static str, f64>,
    matrices: Vec<PrecodingMatrix>,
    coded: Vec<u8>,
    /// Elements of each port: `(symbol, RB, twelve values)`.
    ports: Vec<Vec<Cf32>>,
}

impl Vector {
    fn n(&self, key: &str) -> i64 {
        self.values[key] as i64
    }
    fn slot(&self) -> SlotPoint {
        SlotPoint::new(Numerology::KHZ30, 2, self.n("slot") as u32)
    }
    fn dmrs(&self) -> DmrsPdu {
        DmrsPdu {
            symbols: self.n("dmrs") as u16,
            config_type: self.n("type") as u8,
            n_id: self.n("dmrs_id") as u16,
            n_scid: self.n("scid") as u8,
            ports: self.n("ports") as u16,
            n_cdm_groups_without_data: self.n("groups") as u8,
            reference_rb: self.n("reference") as i32,
        }
    }
    fn ptrs(&self) -> Option<PtrsPdu> {
        (self.n("ptrs_l") > 0).then(|| PtrsPdu {
            time_density: self.n("ptrs_l") as u8,
            frequency_density: self.n("ptrs_k") as u8,
            re_offset: self.n("ptrs_offset") as u8,
            dmrs_ports: self.n("ptrs_ports") as u16,
            power_offset_db: self.values["ptrs_db"] as f32,
        })
    }
    fn coding(&self) -> Coding {
        Coding {
            q_m: self.n("q_m") as u8,
            rate_x1024: 400.0,
            mcs: 9,
            mcs_table: McsTable::Qam64,
            rv: 0,
            tbs_bytes: 30,
            tbs_lbrm: 0,
        }
    }
    fn contiguous(&self) -> RbAllocation {
        let bits = self.n("rbs") as u64;
        RbAllocation::Contiguous { start: bits.trailing_zeros() as u16, n_rb: bits.count_ones() as u16 }
    }
    fn pdsch(&self) -> PdschPdu {
        PdschPdu {
            rnti: Rnti(self.n("rnti") as u16),
            harq: HarqId::new(0).unwrap(),
            new_data: true,
            rbs: RbAllocation::Bitmap([self.n("rbs") as u64, 0, 0, 0, 0]),
            vrb_interleaver: None,
            start_symbol: self.n("start") as u8,
            n_symbols: self.n("n") as u8,
            mapping: MappingType::A,
            dmrs: self.dmrs(),
            n_id: self.n("n_id") as u16,
            n_layers: self.n("n_layers") as u8,
            coding: self.coding(),
            reserved: [None; 2],
            reserved_re: [0; 14],
            power_offset_db: 0.0,
            precoding: match self.n("prg") {
                0 => DlPrecoding::Identity,
                size => DlPrecoding::Matrices {
                    prg_size: size as u8,
                    matrices: Span { start: 0, len: self.matrices.len() as u32 },
                },
            },
            ptrs: self.ptrs(),
            cbg: None,
            tb: Span::default(),
        }
    }
    fn pusch(&self) -> PuschPdu {
        let groups = (self.n("group_l") > 0).then(|| PtrsGroups {
            n_groups: self.n("group_n") as u8,
            n_samples: self.n("group_s") as u8,
            time_density: self.n("group_l") as u8,
            n_id: self.n("group_id") as u16,
            beta: self.values["group_beta"] as f32,
        });
        PuschPdu {
            rnti: Rnti(self.n("rnti") as u16),
            harq: HarqId::new(0).unwrap(),
            new_data: true,
            rbs: self.contiguous(),
            second_hop_rb: u16::try_from(self.n("hop")).ok(),
            start_symbol: self.n("start") as u8,
            n_symbols: self.n("n") as u8,
            mapping: MappingType::A,
            dmrs: self.dmrs(),
            n_id: self.n("n_id") as u16,
            n_layers: self.n("n_layers") as u8,
            precoding: match self.n("w_ports") {
                0 => UlPrecoding::Identity,
                n => UlPrecoding::Codebook { n_ports: n as u8, tpmi: self.n("tpmi") as u8 },
            },
            transform_precoding: (self.n("transform") == 1).then(|| TransformPrecoding {
                n_id_rs: self.n("id_rs") as u16,
                hopping: self.n("hopping") as u8,
                low_papr_type2: self.n("papr2") == 1,
                ptrs: groups,
            }),
            ptrs: self.ptrs(),
            cbg: None,
            coding: self.coding(),
            uci: UciOnPusch::default(),
            tb: Span::default(),
        }
    }
    /// The vector's elements in a grid of one port for each of its own.
    fn grid(&self) -> Grid {
        let mut grid = Grid::new(self.ports.len(), 12 * N_RB);
        for (port, elements) in self.ports.iter().enumerate() {
            let mut elements = elements.iter();
            self.for_cells(|l, k| grid.symbol_mut(port, l)[k] = *elements.next().unwrap());
        }
        grid
    }
    fn for_cells(&self, mut f: impl FnMut(usize, usize)) {
        let (start, n) = (self.n("start") as usize, self.n("n") as usize);
        let rbs = self.n("rbs") as u64;
        for l in start..start + n {
            let hops = self.n("hop") >= 0 && l >= start + n / 2;
            let shift = if hops { self.n("hop") - i64::from(rbs.trailing_zeros()) } else { 0 };
            for rb in (0..N_RB).filter(|rb| rbs >> rb & 1 == 1) {
                (0..12).for_each(|k| f(l, (12 * (rb as i64 + shift)) as usize + k));
            }
        }
    }
}

fn vectors() -> Vec<Vector> {
    let mut lines = VECTORS.lines();
    let mut out = Vec::new();
    while let Some(head) = lines.next() {
        let values: BTreeMap<&str, f64> =
            head.split(' ').map(|w| w.split_once('=').unwrap()).map(|(k, v)| (k, v.parse().unwrap())).collect();
        let layers = values["n_layers"] as usize;
        let matrices = lines.next().unwrap().split(';').filter(|m| !m.is_empty());
        let matrices = matrices.map(|m| {
            let numbers: Vec<f32> = m.split(',').map(|x| x.parse().unwrap()).collect();
            let mut w = PrecodingMatrix { n_ports: 3, w: [[(0.0, 0.0); 4]; 8] };
            for (i, pair) in numbers.chunks(2).enumerate() {
                w.w[i / layers][i % layers] = (pair[0], pair[1]);
            }
            w
        });
        let matrices = matrices.collect();
        let hex = lines.next().unwrap();
        let coded = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let part = |text: &str| {
            let v = i32::from_str_radix(text, 16).unwrap();
            (if v >= 2048 { v - 4096 } else { v }) as f32 / 512.0
        };
        let port = |line: &str| {
            (0..line.len() / 6)
                .map(|i| Cf32::new(part(&line[6 * i..6 * i + 3]), part(&line[6 * i + 3..6 * i + 6])))
                .collect()
        };
        let ports = (0..values["out"] as usize).map(|_| port(lines.next().unwrap())).collect();
        out.push(Vector { values, matrices, coded, ports });
    }
    assert_eq!(out.len(), 34);
    out
}

#[test] // Spec: TS 38.211 §5.1.7, §6.3.1.4, §6.3.1.5, §6.4.1.1, §6.4.1.2, §7.3.1, §7.4.1.1, §7.4.1.2; vectors: vectors/shared_channels.txt (second derivation)
fn elements_equal_the_second_derivation() {
    let mut dl = PdschTransmitter::new(Isa::best(), N_RB, 4);
    let mut ul = PuschTransmitter::new(Isa::best(), N_RB, 4);
    for (i, v) in vectors().iter().enumerate() {
        let expected = v.grid();
        let mut grid = Grid::new(v.ports.len(), 12 * N_RB);
        if v.n("ul") == 0 {
            dl.transmit_coded(&v.pdsch(), &v.coded, &v.matrices, v.slot(), &mut grid).unwrap();
        } else {
            ul.transmit_coded(&v.pusch(), &v.coded, v.slot(), &mut grid).unwrap();
        }
        for port in 0..v.ports.len() {
            for l in 0..14 {
                for k in 0..12 * N_RB {
                    let (found, expected) = (grid.symbol(port, l)[k], expected.symbol(port, l)[k]);
                    let near = (found - expected).norm() < 2.5e-3;
                    assert!(near, "vector {i} port {port} l {l} k {k}: {found} {expected}\n{:?}", v.values);
                }
            }
        }
    }
}

/// The vector's ports over a random channel to `n_rx` antennas, with a phase that changes from symbol to symbol if `drift`.
fn through_air(v: &Vector, n_rx: usize, noise_var: f32, drift: bool, seed: u64) -> Grid {
    let sent = v.grid();
    let mut noise = Gaussian::new(seed, Isa::Scalar);
    let mut out = Grid::new(n_rx, 12 * N_RB);
    let mut phases = [0.0f64; 14];
    for l in 1..14 {
        let mut step = [Cf32::default()];
        noise.fill(&mut step, 1.0);
        phases[l] = phases[l - 1] + if drift { 0.02 * f64::from(step[0].re) } else { 0.0 };
    }
    for rx in 0..n_rx {
        let mut gains = [Cf32::default(); 4];
        noise.fill(&mut gains, 1.0);
        for l in 0..14 {
            for (port, gain) in gains.iter().enumerate().take(v.ports.len()) {
                let from = sent.symbol(port, l).to_vec();
                for (k, (z, x)) in out.symbol_mut(rx, l).iter_mut().zip(&from).enumerate() {
                    let p = dsp::unit_phasor(0.002 * k as f64 * (1 + rx) as f64 + phases[l]);
                    *z += x * gain * Cf32::new(p.re as f32, p.im as f32);
                }
            }
            noise.add(out.symbol_mut(rx, l), noise_var);
        }
    }
    out
}

/// Share of soft bits that point the wrong way.
fn wrong(coded: &[u8], llrs: &[fec::Llr]) -> f64 {
    let bad = llrs.iter().enumerate().filter(|(i, x)| (coded[i / 8] >> (7 - i % 8) & 1 == 1) != (**x < 0)).count();
    bad as f64 / llrs.len() as f64
}

#[test] // Spec: TS 38.211 §6.3.1, §6.4.1.1, §6.4.1.2, §7.3.1, §7.4.1.1, §7.4.1.2 (inverse); vectors: vectors/shared_channels.txt
fn receivers_read_signals_that_are_not_ours() {
    let n_rx = 6;
    let mut dl = PdschReceiver::new(Isa::best(), N_RB, n_rx, 4);
    let mut ul = PuschReceiver::new(Isa::best(), N_RB, n_rx, 4);
    for (i, v) in vectors().iter().enumerate() {
        let tracked = v.n("ptrs_l") > 0 || v.n("group_l") > 0;
        let noise_var = if v.n("q_m") == 10 { 2e-5 } else { 1e-3 };
        let grid = through_air(v, n_rx, noise_var, tracked, 7 + i as u64);
        let llrs = match v.n("ul") {
            0 => dl.receive_soft(&v.pdsch(), v.slot(), &grid).unwrap(),
            _ => ul.receive_soft(&v.pusch(), v.slot(), &grid).unwrap(),
        };
        let share = wrong(&v.coded, llrs);
        assert!(share < 1e-2, "vector {i}: {share}\n{:?}", v.values);
    }
}
