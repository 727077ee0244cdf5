use super::*;
use crate::csi_rs::CsiRsChannel;
use dsp::Cf32;
use fapi::McsTable;
use fapi::csi::{Codebook, CsiContent, CsiQuantity, CsiValues};

fn channel(h: &[Cf32], n_rx: usize, n_ports: usize, n_rb: usize, noise_var: f32) -> CsiRsChannel {
    CsiRsChannel { h: h.repeat(n_rb), n_rb, n_rx, n_ports, noise_var, ..CsiRsChannel::default() }
}

fn content(codebook: Codebook, ranks: u8) -> CsiContent {
    CsiContent {
        quantity: CsiQuantity::Pmi { li: false },
        codebook,
        ranks,
        n_resources: 1,
        cqi_subbands: 0,
        pmi_subbands: 0,
    }
}

/// log2 det(I + W^H H^H H W / noise) of what was chosen, up to rank 2 by hand, else by the diagonal of a QR.
fn capacity(h: &[Cf32], n_rx: usize, codebook: Codebook, v: &CsiValues, noise: f32) -> f64 {
    let (n, rank) = (usize::from(codebook.n_ports()), usize::from(v.rank));
    let w = |p: usize, l: usize| {
        let (re, im) = codebook.weight(v.rank, &v.pmi, p as u8, l as u8).unwrap();
        Cf32::new(re, im)
    };
    // Columns of [I; H W / sqrt(noise)], made orthogonal one after another: the determinant is the product of what is left.
    let mut columns: Vec<Vec<Cf32>> = (0..rank)
        .map(|l| {
            let unit = (0..rank).map(|i| Cf32::new(f32::from(u8::from(i == l)), 0.0));
            let heard = (0..n_rx).map(|x| (0..n).map(|p| h[x * n + p] * w(p, l)).sum::<Cf32>() / noise.sqrt());
            unit.chain(heard).collect()
        })
        .collect();
    let mut log2 = 0.0;
    for l in 0..rank {
        for k in 0..l {
            let power: f32 = columns[k].iter().map(|z| z.norm_sqr()).sum();
            let part: Cf32 = columns[l].iter().zip(&columns[k]).map(|(a, b)| a * b.conj()).sum::<Cf32>() / power;
            let other = columns[k].clone();
            columns[l].iter_mut().zip(other).for_each(|(a, b)| *a -= b * part);
        }
        log2 += f64::from(columns[l].iter().map(|z| z.norm_sqr()).sum::<f32>()).log2();
    }
    log2
}

#[test] // Spec: TS 38.214 §5.2.2.2.1; vectors: vectors/csi_best.txt (every precoder tried by an independent model)
fn the_best_precoder_of_each_rank_is_found() {
    let mut computer = CsiComputer::new();
    for line in include_str!("../../../../vectors/csi_best.txt").lines() {
        let f: Vec<&str> = line.split(' ').collect();
        let n = |i: usize| f[i].parse::<u8>().unwrap();
        let codebook = match n(0) {
            0 => Codebook::TwoPorts,
            n1 => Codebook::SinglePanel { n1, n2: n(1), mode: n(2) },
        };
        let (n_rx, noise) = (usize::from(n(3)), f[4].parse::<f32>().unwrap());
        let h: Vec<Cf32> = f[6..]
            .iter()
            .map(|z| z.split_once(',').map(|(re, im)| Cf32::new(re.parse().unwrap(), im.parse().unwrap())).unwrap())
            .collect();
        let ch = channel(&h, n_rx, usize::from(codebook.n_ports()), 4, noise);
        for (i, best) in f[5].split(',').enumerate() {
            let best: f64 = best.parse().unwrap();
            let c = content(codebook, 1 << i);
            let v = computer.compute(&ch, None, &c, McsTable::Qam256, 0.0, 0).unwrap();
            let got = capacity(&h, n_rx, codebook, &v, noise);
            assert!((got - best).abs() < 2e-3 * best.max(1.0), "rank {} of {codebook:?}: {got} against {best}", i + 1);
        }
    }
}

#[test] // Spec: TS 38.214 §5.2.2.1, §5.2.2.2.1
fn rank_and_quality_follow_the_channel() {
    let mut computer = CsiComputer::new();
    let both = content(Codebook::TwoPorts, 0b11);
    let (one, zero) = (Cf32::new(1.0, 0.0), Cf32::new(0.0, 0.0));
    let mut of = |h: [Cf32; 4], noise: f32| {
        computer.compute(&channel(&h, 2, 2, 6, noise), None, &both, McsTable::Qam256, 0.0, 0).unwrap()
    };
    // A rank-one channel stays rank one, whatever the SNR; ports in phase want index 0, in opposition 2.
    assert_eq!((of([one; 4], 1e-4).rank, of([one; 4], 1e-4).pmi.i2), (1, 0));
    assert_eq!((of([one, -one, one, -one], 1e-4).rank, of([one, -one, one, -one], 1e-4).pmi.i2), (1, 2));
    // Orthogonal ports carry two layers; ports that are much alike carry one at low SNR.
    let (high, low) = (of([one, zero, zero, one], 1e-3), of([one, one * 0.8, one * 0.8, one], 3.0));
    assert_eq!((high.rank, low.rank), (2, 1));
    assert!(high.cqi >= 13 && low.cqi <= 3, "{} {}", high.cqi, low.cqi);
    let cqi = |computer: &mut CsiComputer, snr_db: f32| {
        let ch = channel(&[one], 1, 1, 6, libm::powf(10.0, -snr_db / 10.0));
        computer.compute(&ch, None, &CsiContent::CQI, McsTable::Qam256, 0.0, 0).unwrap().cqi
    };
    let list: Vec<u8> = (-10..35).map(|snr| cqi(&mut computer, snr as f32)).collect();
    assert!(list.windows(2).all(|w| w[0] <= w[1]) && list[0] == 0 && list[44] == 15, "{list:?}");
}

#[test] // Spec: TS 38.214 §5.2.2.2.1, §5.2.2.1 (subbands), §5.2.2.4
fn subbands_and_interference() {
    let mut computer = CsiComputer::new();
    let one = Cf32::new(1.0, 0.0);
    // The second half of the band has its ports in opposition and is weaker.
    let mut ch = channel(&[one; 4], 2, 2, 8, 0.01);
    for rb in 4..8 {
        for rx in 0..2 {
            ch.h[(rb * 2 + rx) * 2] = one * 0.3;
            ch.h[(rb * 2 + rx) * 2 + 1] = -one * 0.3;
        }
    }
    let c = CsiContent { cqi_subbands: 2, pmi_subbands: 2, ..content(Codebook::TwoPorts, 1) };
    let v = computer.compute(&ch, None, &c, McsTable::Qam256, 0.0, 4).unwrap();
    assert_eq!((v.i2[0], v.i2[1]), (0, 2));
    assert_eq!((v.cqi_difference[0], v.cqi_difference[1]), (2, 3));
    // An interferer that is alike at both antennas leaves their difference clean.
    let h = [one, one * 0.0, -one, one * 0.0];
    let ch = channel(&h, 2, 2, 4, 1.0);
    let mut i = crate::csi_rs::Interference {
        n_rx: 2,
        power: [1.01; crate::estimate::RX_MAX],
        covariance: [[Cf32::default(); crate::estimate::RX_MAX]; crate::estimate::RX_MAX],
    };
    for a in 0..2 {
        for b in 0..2 {
            i.covariance[a][b] = if a == b { one * 1.01 } else { one };
        }
    }
    let c = content(Codebook::TwoPorts, 1);
    let with = computer.compute(&ch, Some(&i), &c, McsTable::Qam256, 0.0, 0).unwrap().cqi;
    let without = computer.compute(&ch, None, &c, McsTable::Qam256, 0.0, 0).unwrap().cqi;
    assert!(with >= without + 8, "{with} {without}");
    assert!(computer.compute(&ch, None, &CsiContent::CQI, McsTable::Qam256, 0.0, 0).is_err());
}

#[test] // Spec: TS 38.214 §5.2.2.2.1 (twoTX-CodebookSubsetRestriction)
fn precoders_outside_the_subset_are_not_reported() {
    let h = [Cf32::new(1.0, 0.0), Cf32::new(0.0, 1.0), Cf32::new(1.0, 0.0), Cf32::new(0.0, -1.0)];
    let channel = channel(&h, 2, 2, 8, 0.01);
    let mut computer = CsiComputer::new();
    for (subset, rank, i2) in [(0b00_0001, 1, 0), (0b00_1000, 1, 3), (0b01_0000, 2, 0), (0b10_0000, 2, 1)] {
        computer.set_two_port_subset(subset);
        let v = computer.compute(&channel, None, &content(Codebook::TwoPorts, 3), McsTable::Qam256, 0.0, 0).unwrap();
        assert_eq!((v.rank, v.pmi.i2), (rank, i2), "{subset:06b}");
    }
    computer.set_two_port_subset(0);
    assert!(computer.compute(&channel, None, &content(Codebook::TwoPorts, 3), McsTable::Qam256, 0.0, 0).is_err());
}

#[test] // Spec: TS 38.214 §5.2.2.1 (noise is no channel)
fn noise_of_estimates_is_not_taken_for_a_second_layer() {
    // The second antenna's ports hear what the first hears, but for the noise of the estimate: 0.19 of an element's.
    let e = 0.43 * 0.1;
    let h = [Cf32::new(1.0, e), Cf32::new(1.0, -e), Cf32::new(1.0, -e), Cf32::new(1.0, e)];
    let mut channel = channel(&h, 2, 2, 8, 0.01);
    let mut computer = CsiComputer::new();
    let mut quality = |channel: &CsiRsChannel| {
        let report = content(Codebook::TwoPorts, 2);
        computer.compute(channel, None, &report, McsTable::Qam256, 0.0, 0).unwrap().cqi
    };
    let believed = quality(&channel);
    channel.noise_gain = 0.19;
    let known = quality(&channel);
    assert!(known < believed, "{known} {believed}");
}
