//! Two entities and a link that loses, delays and reorders, from a seed.

use super::{am, um};
use crate::{Limits, Rlc, RlcConfig, RlcEvent};
use node::{Outbox, Rng};
use nr::Tc;

struct World {
    rng: Rng,
    now: Tc,
    ends: [Rlc; 2],
    loss: f64,
    jitter: u32,
    air: Vec<(Tc, usize, Vec<u8>)>,
    got: [Vec<u32>; 2],
    delivered: [Vec<u32>; 2],
    max_retx: bool,
}

fn sdu(n: u32, len: usize) -> Vec<u8> {
    let mut v = n.to_be_bytes().to_vec();
    v.extend((4..len).map(|i| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(n) as u8));
    v.truncate(len.max(4));
    v
}

impl World {
    fn new(config: &RlcConfig, seed: u64, loss: f64, jitter: u32) -> World {
        World {
            rng: Rng::from_lab_seed(seed),
            now: Tc::ZERO,
            ends: [Rlc::new(config, Limits::default()), Rlc::new(config, Limits::default())],
            loss,
            jitter,
            air: Vec::new(),
            got: Default::default(),
            delivered: Default::default(),
            max_retx: false,
        }
    }
    fn slot(&mut self) {
        self.now += Tc::from_us(500);
        let mut block = vec![0; 4000];
        for end in 0..2 {
            let mut room = self.rng.below(4000) as usize;
            while room > 0 {
                let n = self.ends[end].pull(self.now, &mut block[..room]);
                if n == 0 {
                    break;
                }
                room -= n;
                if self.rng.unit() >= self.loss {
                    let at = self.now + Tc::from_us(500 * i64::from(1 + self.rng.below(self.jitter)));
                    self.air.push((at, 1 - end, block[..n].to_vec()));
                }
            }
        }
        let mut out = Outbox::default();
        let due: Vec<_> = self.air.extract_if(.., |(at, ..)| *at <= self.now).collect();
        for (_, end, pdu) in due {
            self.ends[end].receive(self.now, &pdu, &mut out);
            self.take(end, &mut out);
        }
        for end in 0..2 {
            if self.ends[end].deadline().is_some_and(|t| t <= self.now) {
                self.ends[end].timeout(self.now, &mut out);
                self.take(end, &mut out);
            }
        }
    }
    fn take(&mut self, end: usize, out: &mut Outbox<RlcEvent>) {
        while let Some(event) = out.pop() {
            match event {
                RlcEvent::Sdu(s) => {
                    let n = u32::from_be_bytes(s[..4].try_into().unwrap());
                    assert_eq!(s, sdu(n, s.len()), "seed's SDU {n}");
                    self.got[end].push(n);
                    self.ends[end].recycle(s);
                }
                RlcEvent::Delivered { tag } => self.delivered[end].push(tag),
                RlcEvent::MaxRetx => self.max_retx = true,
            }
        }
    }
    fn push(&mut self, end: usize, n: u32, len: usize) {
        self.ends[end].push_sdu(self.now, sdu(n, len), n).unwrap();
    }
}

#[test] // Spec: TS 38.322 §5.2.3 (every SDU arrives once, whatever the link does)
fn am_delivers_everything_once_over_a_lossy_reordering_link() {
    for (seed, bits, loss, jitter) in
        [(1, 12, 0.0, 1), (2, 12, 0.1, 4), (3, 18, 0.3, 8), (4, 12, 0.5, 2), (5, 18, 0.02, 16)]
    {
        let mut w = World::new(&am(bits), seed, loss, jitter);
        let n = 3000;
        let mut next = 0;
        for _ in 0..200_000 {
            for _ in 0..w.rng.below(4) {
                if next < n {
                    let len = [4, 40, 200, 1500, 9000][w.rng.below(5) as usize];
                    w.push(0, next, len);
                    w.push(1, next, 60);
                    next += 1;
                }
            }
            w.slot();
            if w.delivered.iter().all(|d| d.len() == n as usize) {
                break;
            }
        }
        for end in 0..2 {
            let mut got = w.got[end].clone();
            got.sort_unstable();
            assert_eq!(got, (0..n).collect::<Vec<_>>(), "seed {seed}");
            let mut done = w.delivered[end].clone();
            done.sort_unstable();
            assert_eq!(done, got, "seed {seed}");
            assert_eq!(w.ends[end].held_bytes(), 0);
            let status = w.ends[end].buffer_status();
            assert_eq!((status.new, status.retx), (0, 0), "seed {seed}");
        }
        assert!(!w.max_retx);
    }
}

#[test] // Spec: TS 38.322 §5.2.2 (nothing twice, and all of it where the link is clean)
fn um_delivers_at_most_once_and_all_on_a_clean_link() {
    for (seed, bits, loss, jitter) in [(1, 6, 0.0, 1), (2, 12, 0.0, 5), (3, 12, 0.2, 6), (4, 6, 0.2, 2)] {
        let mut w = World::new(&um(bits), seed, loss, jitter);
        let n = 4000;
        for i in 0..n {
            let len = [4, 40, 200, 1500, 9000][w.rng.below(5) as usize];
            w.push(0, i, len);
            for _ in 0..2 {
                w.slot();
            }
        }
        for _ in 0..5000 {
            w.slot();
        }
        let mut got = w.got[1].clone();
        got.sort_unstable();
        let len = got.len();
        got.dedup();
        assert_eq!(got.len(), len, "seed {seed}: twice");
        if loss == 0.0 {
            assert_eq!(len, n as usize, "seed {seed}");
        } else {
            assert!(len > n as usize / 2, "seed {seed}: {len}");
        }
        assert_eq!(w.ends[1].deadline(), None, "seed {seed}: no gap is left to wait for");
    }
}

#[test] // Spec: TS 38.322 §5.3.2 (maxRetxThreshold), §5.1.2
fn am_gives_up_after_max_retx_and_starts_anew() {
    let mut w = World::new(&am(12), 9, 1.0, 1);
    w.push(0, 1, 100);
    for _ in 0..3000 {
        w.slot();
    }
    assert!(w.max_retx);
    assert!(w.got[1].is_empty());
    w.ends.iter_mut().for_each(Rlc::reestablish);
    assert_eq!(w.ends[0].held_bytes(), 0);
    w.loss = 0.0;
    w.push(0, 2, 100);
    for _ in 0..10 {
        w.slot();
    }
    assert_eq!(w.got[1], [2]);
}

#[test] // Spec: TS 38.322 §5.2.3.2.2 (a peer cannot grow memory, whatever it sends)
fn mutated_pdus_neither_panic_nor_grow_memory() {
    for (seed, config) in [(1, am(12)), (2, am(18)), (3, um(6)), (4, um(12)), (5, RlcConfig::Tm)] {
        let mut rng = Rng::from_lab_seed(seed);
        let limits = Limits { queue_bytes: 1 << 20, reassembly_bytes: 1 << 16 };
        let mut ends = [Rlc::new(&config, limits), Rlc::new(&config, limits)];
        let mut out = Outbox::default();
        let mut now = Tc::ZERO;
        for i in 0..20_000u32 {
            now += Tc::from_us(300);
            let (from, to) = ((i & 1) as usize, 1 - (i & 1) as usize);
            let _ = ends[from].push_sdu(now, sdu(i, rng.below(400) as usize), i);
            let mut block = [0; 300];
            let room = rng.below(300) as usize;
            let n = ends[from].pull(now, &mut block[..room]);
            let mut pdu = block[..n].to_vec();
            match rng.below(4) {
                0 => pdu.truncate(rng.below(8) as usize),
                1 if n > 0 => pdu[rng.below(n.min(6) as u32) as usize] ^= 1 << rng.below(8),
                2 => rng.fill(&mut pdu),
                _ => {}
            }
            ends[to].receive(now, &pdu, &mut out);
            ends[to].timeout(now, &mut out);
            ends[to].buffer_status();
            out.drain().for_each(drop);
            assert!(ends[to].held_bytes() <= 1 << 20);
        }
        let mut data = vec![0; 4000];
        rng.fill(&mut data);
        crate::fuzz_one(&data);
    }
}
