//! Everything a run can be told, section by section, with unit, range and name in the specification.

use gnb_du::config::ParamDoc;
use serde::{Deserialize, Serialize};

macro_rules! section {
    ($(#[$meta:meta])* $section:ident, $docs:ident {
        $($name:ident: $t:ty = $default:expr, $doc:literal, $unit:literal, $range:literal, $spec:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $section {
            $(#[doc = $doc]
              #[doc = concat!("\n\nUnit: ", $unit, ". Range: ", $range, ". Spec: ", $spec)]
              pub $name: $t,)*
        }
        impl Default for $section {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }
        #[doc = concat!("Documentation of [`", stringify!($section), "`], in its order.")]
        pub const $docs: &[ParamDoc] = &[
            $(ParamDoc { path: stringify!($name), doc: $doc, unit: $unit, range: $range, spec: $spec },)*
        ];
    };
}

section! {
    /// What a run is about.
    Top, TOP {
        preset: String = "n78-20".into(), "Cell that the values of cell start from", "", "n78-20, n78-100, n3-10, n3-20, mine-ul, n78-20-2x2, n78-100-4x4", "ironcell";
        seed: Option<u64> = None, "Fixes everything that is drawn, keys too (a lab, predictable on purpose); unset: drawn, keys from the operating system", "", "0 to 9223372036854775807", "ironcell";
        ues: u32 = 1, "Terminals", "", "1 to 64, and at most cell.max_ues", "ironcell";
    }
}

section! {
    /// How it runs.
    RunParams, RUN {
        once: bool = false, "Attach, ping, transfer, deregister, report, exit", "", "true, false", "ironcell";
        virtual_time: bool = false, "As fast as the machine can: no sleeping, no proxies, nothing outside N6", "", "true, false", "ironcell";
        isa: String = "best".into(), "Instruction set of the kernels; with scalar a seed gives the same on any machine", "", "best, scalar, avx2, avx512, neon", "ironcell";
        threads: u32 = 0, "Threads of a slot's work; 0: one for each core, at most 4", "", "0 to 64", "ironcell";
        air_seconds_max: f64 = 120.0, "Air time after which a run with once gives up", "s", "0.1 to 86400", "ironcell";
        attach_seconds_max: f64 = 20.0, "Air time that a terminal may take from switching on to its session; 0: no limit", "s", "0 to 86400", "ironcell";
        log: String = "warn".into(), "What is told beside the steps: a level, and others for some layers, as in info,nas=debug,mac=trace", "", "off, error, warn, info, debug, trace; ue, gnb, core, rrc, nas, ngap, pfcp, gtpu, ip, mac, rlc, pdcp", "ironcell";
    }
}

section! {
    /// Whom it serves.
    TrafficParams, TRAFFIC {
        pings: u32 = 10, "Pings with once", "", "0 to 1000", "RFC 792, RFC 4443";
        ping_interval_ms: u32 = 20, "Time from one ping to the next", "ms", "1 to 600000", "ironcell";
        transfer_bytes: u64 = 4_000_000, "Bytes each way with once, for each terminal", "B", "0 to 4000000000, or as in 500k, 4M, 1G", "ironcell";
        proxy: Option<String> = None, "Where SOCKS5 and HTTP proxy listen; unset: the first free loopback port from 1080 on", "", "address:port", "RFC 1928, RFC 9110";
        proxy_password: Option<String> = None, "Password that the proxy asks for; needed off loopback", "", "1 to 255 bytes", "RFC 1929";
        n6_allow: Vec<String> = Vec::new(), "Networks that N6 lets through although they are private, local or this machine's", "", "CIDR, as in 127.0.0.1/32", "ironcell";
        tun: bool = false, "A real TUN interface for each terminal, irnue1 and on, beside the user-space stack; needs the right to make one, and real time", "", "true, false", "ironcell";
    }
}

section! {
    /// What it leaves behind.
    OutputParams, OUTPUT {
        pcap: Option<String> = None, "Directory for captures of the bytes that crossed", "", "a directory, made if it is not there", "pcapng";
        keylog: Option<String> = None, "File for deciphered copies of protected NAS, readable by its owner only", "", "a file", "pcapng";
        iq: Option<String> = None, "SigMF recordings of what the gNB transmits (NAME.sigmf-data, -meta) and receives (NAME.rx.sigmf-data, -meta)", "", "a file name", "SigMF 1.2";
        iq_seconds_max: f64 = 1.0, "Air time that is recorded", "s", "0.001 to 600", "ironcell";
    }
}

section! {
    /// The channel. Everything that has a range is drawn from the seed.
    AirParams, AIR {
        snr_db: Option<f64> = None, "Es/N0 of a resource element, at the UE for the SSB and at the gNB for a full-band PUSCH: it sets the path loss; unset: 20, and with several terminals 25 down to 5", "dB", "-40 to 60", "ironcell";
        channel: String = "awgn".into(), "Delay profile", "", "awgn, tdl-a, tdl-b, tdl-c", "TR 38.901 7.7.2";
        delay_spread_ns: f64 = 100.0, "RMS delay spread of a fading profile", "ns", "0 to 1000", "DS_desired, TR 38.901 7.7.3";
        doppler_hz: f64 = 5.0, "Greatest Doppler shift of a fading profile", "Hz", "0 to 1000", "TR 38.901 7.7.2";
        delay_min_us: f64 = 0.1, "Shortest one-way delay that is drawn", "us", "0 to 100", "ironcell";
        delay_max_us: f64 = 5.0, "Longest one-way delay that is drawn", "us", "0 to 100", "ironcell";
        ue_ppm_max: f64 = 2.0, "Largest error of a terminal's oscillator", "ppm", "0 to 10", "ironcell";
        gnb_ppm_max: f64 = 0.05, "Largest error of the gNB's oscillator", "ppm", "0 to 0.1", "TS 38.104 6.5.1.2";
        ue_noise_figure_db: f64 = 7.0, "Noise figure of a terminal's receiver", "dB", "0 to 30", "TR 38.803";
        start_ms_max: f64 = 30.0, "Latest switching on of a terminal", "ms", "0 to 10000", "ironcell";
        blackout_at_s: Option<f64> = None, "When the channel goes dark", "s", "0 to 86400", "ironcell";
        blackout_s: f64 = 3.0, "How long it stays dark", "s", "0 to 600", "ironcell";
    }
}

section! {
    /// The core network.
    CoreParams, CORE {
        plmn: Option<String> = None, "PLMN; unset: that of the cell", "", "MCC-MNC, as in 001-01", "TS 23.003 2.2";
        tacs: Option<Vec<u32>> = None, "Tracking areas; unset: that of the cell", "", "1 to 16 values of 0 to 16777215", "TS 23.003 19.4.2.3";
        slices: Vec<String> = vec!["1".into()], "Slices", "", "SST or SST-SD, as in 1 or 1-0000a1", "S-NSSAI, TS 23.003 28.4";
        dnn: String = "internet".into(), "Data network", "", "a name", "TS 23.003 9A";
        ipv4_pool: String = "10.45.0.0/16".into(), "Addresses of sessions; the first is the gateway's", "", "a CIDR of /8 to /30", "TS 23.501 5.8.2.2";
        ipv6_pool: String = "2001:db8:45::/48".into(), "Prefixes of sessions, a /64 each", "", "a CIDR of /32 to /63", "TS 23.501 5.8.2.2";
        mtu: u16 = 1400, "Link MTU", "B", "1280 to 9000", "TS 24.501 9.11.4.6, RFC 4861";
        five_qi: u8 = 9, "5QI of the default QoS flow", "", "1 to 86", "TS 23.501 table 5.7.4-1";
        nea: Vec<String> = ["nea2", "nea1", "nea3"].map(String::from).to_vec(), "Ciphering algorithms, best first; nea0 only with allow_null", "", "nea0, nea1, nea2, nea3", "TS 33.501 5.11.1.1";
        nia: Vec<String> = ["nia2", "nia1", "nia3"].map(String::from).to_vec(), "Integrity algorithms, best first; nia0 only with allow_null", "", "nia0, nia1, nia2, nia3", "TS 33.501 5.11.1.2";
        allow_null: bool = false, "Null ciphering and integrity may be chosen, and terminals take them; said aloud", "", "true, false", "TS 33.501 5.3.2";
        null_suci: bool = true, "A SUCI of the null scheme is taken", "", "true, false", "TS 33.501 6.12.2";
        home_key_a: Option<String> = None, "Private key of the home network for profile A; unset: drawn", "", "64 hexadecimal digits", "TS 33.501 annex C.3.4.1";
        home_key_b: Option<String> = None, "Private key of the home network for profile B; unset: drawn", "", "64 hexadecimal digits", "TS 33.501 annex C.3.4.2";
        t3512_s: u32 = 3240, "Periodic registration timer", "s", "60 to 36000", "T3512, TS 24.501 10.2";
    }
}

section! {
    /// One terminal and its USIM: what is unset follows from the seed and the terminal's number. [ue.all] holds for every terminal.
    UeParams, UE {
        supi: Option<String> = None, "IMSI of the USIM; unset: the core's PLMN, then the terminal's number", "", "6 to 15 digits", "TS 23.003 2.2A";
        k: Option<String> = None, "K of the USIM (the core's stays as it is: another value here is a wrong key)", "", "32 hexadecimal digits", "TS 33.501 6.1";
        opc: Option<String> = None, "OPc of the USIM", "", "32 hexadecimal digits", "TS 35.205 8.2";
        sqn: Option<u64> = None, "Highest sequence number that the USIM has accepted", "", "0 to 281474976710655", "SQN_MS, TS 33.102 6.3.3";
        plmn: Option<String> = None, "PLMN that the terminal looks for; unset: the core's", "", "MCC-MNC, as in 001-01", "TS 23.122";
        bands: Option<Vec<u16>> = None, "Bands that it searches; unset: that of the cell", "", "3, 78, 79", "TS 38.101-1 5.2";
        suci: Option<String> = None, "Protection scheme of its SUCI", "", "null, profile-a, profile-b", "TS 33.501 annex C";
        nea: Option<Vec<String>> = None, "Ciphering algorithms it supports", "", "nea0, nea1, nea2, nea3", "TS 24.501 9.11.3.54";
        nia: Option<Vec<String>> = None, "Integrity algorithms it supports", "", "nia0, nia1, nia2, nia3", "TS 24.501 9.11.3.54";
        session: Option<String> = None, "Type of its session", "", "ipv4, ipv6, ipv4v6", "PDU session type, TS 24.501 9.11.4.11";
        dnn: Option<String> = None, "DNN it asks for", "", "a name", "TS 24.501 9.11.2.1B";
        slice: Option<String> = None, "Slice it asks for", "", "SST or SST-SD, as in 1 or 1-0000a1", "TS 24.501 9.11.2.8";
        dl_256qam: Option<bool> = None, "It can receive 256QAM", "", "true, false", "pdsch-256QAM-FR1, TS 38.306 4.2.7.10";
        ul_256qam: Option<bool> = None, "It can send 256QAM", "", "true, false", "pusch-256QAM, TS 38.306 4.2.7.10";
        antennas: Option<u8> = None, "Antennas that it receives and sends with, and the most layers of its PDSCH and PUSCH; unset: as many as the gNB has", "", "1, 2, 4", "maxNumberMIMO-LayersPDSCH, -CB-PUSCH, TS 38.306 4.2.7.7, 4.2.7.8";
        snr_db: Option<f64> = None, "Its Es/N0; unset: by air.snr_db", "dB", "-40 to 60", "ironcell";
        ppm: Option<f64> = None, "Error of its oscillator; unset: drawn", "ppm", "-10 to 10", "ironcell";
        delay_us: Option<f64> = None, "Its one-way delay; unset: drawn", "us", "0 to 100", "ironcell";
        start_ms: Option<f64> = None, "When it is switched on; unset: drawn", "ms", "0 to 10000", "ironcell";
    }
}

section! {
    /// One subscriber as the core knows it: what is unset follows from the seed and the number. [subscriber.all] holds for every one.
    SubscriberParams, SUBSCRIBER {
        supi: Option<String> = None, "IMSI", "", "6 to 15 digits", "TS 23.003 2.2A";
        k: Option<String> = None, "K in the core", "", "32 hexadecimal digits", "TS 33.501 6.1";
        opc: Option<String> = None, "OPc in the core", "", "32 hexadecimal digits", "TS 35.205 8.2";
        sqn: Option<u64> = None, "Sequence number of the last vector", "", "0 to 281474976710655", "SQN_HE, TS 33.102 6.3.2";
        slices: Option<Vec<String>> = None, "Its slices; the first is its default; unset: the core's first", "", "SST or SST-SD, as in 1 or 1-0000a1", "TS 23.501 5.15.3";
        dnns: Option<Vec<String>> = None, "Its DNNs; the first is its default; unset: the core's", "", "names", "TS 23.501 5.6.1";
        sessions: Option<Vec<String>> = None, "Session types it may have; the first is its default", "", "ipv4, ipv6, ipv4v6", "TS 29.503 6.1.6.2.9";
    }
}

impl UeParams {
    /// Values of `self`, and of `other` where `self` has none.
    pub(super) fn or(&self, other: &UeParams) -> UeParams {
        merge(self, other)
    }
}

impl SubscriberParams {
    /// Values of `self`, and of `other` where `self` has none.
    pub(super) fn or(&self, other: &SubscriberParams) -> SubscriberParams {
        merge(self, other)
    }
}

/// Fields that are set in `first` win over those of `second`. Both come from the same type, so the result is one again.
fn merge<T: Serialize + for<'a> Deserialize<'a> + Clone>(first: &T, second: &T) -> T {
    let (Ok(first_table), Ok(mut table)) = (toml::Table::try_from(first), toml::Table::try_from(second)) else {
        return first.clone();
    };
    table.extend(first_table);
    table.try_into().unwrap_or_else(|_| first.clone())
}
