//! Nanoseconds to decode and to encode the messages of vectors/rrc_hand.txt: `cargo bench -p rrc`.

use std::hint::black_box;
use std::time::Instant;

const RUNS: u32 = 20_000;

fn ns(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..RUNS).for_each(|_| work());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS)
}

fn bench<T: rrc::Codec>(name: &str, octets: &[u8]) {
    let Ok(value) = rrc::decode::<T>(octets) else { return };
    let decode = ns(|| drop(black_box(rrc::decode::<T>(black_box(octets)))));
    let encode = ns(|| drop(black_box(rrc::encode(black_box(&value)))));
    println!("{name}, {} octets: decode {decode:.0} ns, encode {encode:.0} ns", octets.len());
}

fn main() {
    for line in include_str!("../../../vectors/rrc_hand.txt").lines() {
        let Some((name, hex)) = line.split_once(' ') else { continue };
        let octet = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap_or(0);
        let octets: Vec<u8> = (0..hex.len()).step_by(2).map(octet).collect();
        match name {
            "BCCH-BCH-Message" => bench::<rrc::BcchBchMessage>(name, &octets),
            "BCCH-DL-SCH-Message" => bench::<rrc::BcchDlSchMessage>(name, &octets),
            "DL-CCCH-Message" => bench::<rrc::DlCcchMessage>(name, &octets),
            "DL-DCCH-Message" => bench::<rrc::DlDcchMessage>(name, &octets),
            "UL-CCCH-Message" => bench::<rrc::UlCcchMessage>(name, &octets),
            "UL-DCCH-Message" => bench::<rrc::UlDcchMessage>(name, &octets),
            _ => bench::<rrc::UeNrCapability>(name, &octets),
        }
    }
}
