//! Judges the values of a scenario, each and together.

use core::fmt::Display;

use gnb_du::config::Cell;
use nr::{Plmn, SNssai, Supi};

use super::load::{parse_listen, parse_net};
use super::{CoreParams, Scenario, ScenarioError, SubscriberParams, UeParams, Which};

type Checked = Result<(), ScenarioError>;

fn wrong(path: &str, value: impl Display, expected: &str, hint: impl Into<String>) -> ScenarioError {
    ScenarioError::new(format!("{path}: expected {expected}, found {value}"), &[(path, value.to_string())], hint)
}

fn within<T: PartialOrd + Display + Copy>(path: &str, value: T, low: T, high: T, unit: &str) -> Checked {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    if value >= low && value <= high {
        return Ok(());
    }
    Err(wrong(path, value, &format!("{low} to {high}{unit}"), format!("a value of {low} to {high}{unit}")))
}

fn one_of(path: &str, value: &str, words: &[&str]) -> Checked {
    if words.contains(&value) {
        return Ok(());
    }
    let list = words.join(", ");
    Err(wrong(path, format!("{value:?}"), &format!("one of {list}"), format!("one of {list}")))
}

fn parsed<T>(path: &str, value: &str, parse: impl FnOnce(&str) -> Option<T>, expected: &str, like: &str) -> Checked {
    match parse(value) {
        Some(_) => Ok(()),
        None => Err(wrong(path, format!("{value:?}"), expected, format!("a value like {like}"))),
    }
}

fn hex(path: &str, value: &Option<String>, bytes: usize) -> Checked {
    let Some(value) = value else { return Ok(()) };
    let digits = 2 * bytes;
    let expected = format!("{digits} hexadecimal digits");
    let found = value.chars().count();
    if parse_hex(value).is_some_and(|b| b.len() == bytes) {
        return Ok(());
    }
    Err(wrong(path, format!("{value:?}"), &expected, format!("{expected} (these are {found} characters)")))
}

/// Bytes of hexadecimal digits.
pub(super) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

/// A slice from "1" or "1-0000a1".
pub(super) fn parse_slice(text: &str) -> Option<SNssai> {
    let (sst, sd) = match text.split_once('-') {
        Some((sst, sd)) => (sst, Some(sd)),
        None => (text, None),
    };
    let sd = match sd {
        Some(sd) if sd.len() == 6 => Some(u32::from_str_radix(sd, 16).ok()?),
        Some(_) => return None,
        None => None,
    };
    Some(SNssai { sst: sst.parse().ok()?, sd })
}

fn algorithms(path: &str, prefix: &str, list: &[String], null: bool) -> Checked {
    let names: Vec<String> = (0..4).map(|n| format!("{prefix}{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    list.iter().try_for_each(|word| one_of(path, word, &names))?;
    if list.is_empty() {
        let hint = format!("[\"{prefix}2\"]");
        return Err(wrong(path, "[]", "at least one algorithm (TS 33.501 §5.11.1)", hint));
    }
    if !null && list.iter().any(|word| word == names[0]) {
        let what =
            format!("{path}: a null algorithm protects nothing and is refused unless it is wanted (TS 33.501 §5.3.2)");
        let fields = [(path, format!("{list:?}")), ("core.allow_null", "false".to_owned())];
        return Err(ScenarioError::new(what, &fields, "core.allow_null = true, or another algorithm"));
    }
    Ok(())
}

const SESSIONS: [&str; 3] = ["ipv4", "ipv6", "ipv4v6"];
/// Period of SS/PBCH blocks that a cell search assumes. Spec: TS 38.213 §4.1
const SSB_PERIOD_SEARCHED_MS: u8 = 20;
const SQN_MAX: u64 = (1 << 48) - 1;

impl Scenario {
    /// Checks every value, and what they mean together. Errors: the first thing that is wrong.
    pub fn check(&self) -> Result<(), ScenarioError> {
        within("ues", self.n_ues, 1, 64, "")?;
        self.check_run()?;
        self.check_traffic()?;
        self.check_output()?;
        self.check_air()?;
        Cell::new(self.cell.clone())?;
        self.check_for_terminals()?;
        if self.n_ues > u32::from(self.cell.max_ues) {
            let fields = [("ues", self.n_ues.to_string()), ("cell.max_ues", self.cell.max_ues.to_string())];
            let hint = format!("cell.max_ues = {}", self.n_ues);
            return Err(ScenarioError::new("the cell serves fewer terminals than there are", &fields, hint));
        }
        self.core.check()?;
        self.ues.iter().try_for_each(|(which, ue)| ue.check(*which, self.core.allow_null))?;
        self.subscribers.iter().try_for_each(|(which, s)| s.check(*which, &self.core))?;
        self.check_numbers()
    }

    fn check_run(&self) -> Checked {
        let r = &self.run;
        one_of("run.isa", &r.isa, &["best", "scalar", "avx2", "avx512", "neon"])?;
        if let Ok(isa) = r.isa.parse::<dsp::Isa>()
            && !isa.is_available()
        {
            let have: Vec<String> = dsp::Isa::available().map(|i| i.to_string()).collect();
            let have = have.join(", ");
            return Err(wrong("run.isa", isa, "an instruction set that this machine has", format!("one of {have}")));
        }
        within("run.threads", r.threads, 0, 64, "")?;
        within("run.air_seconds_max", r.air_seconds_max, 0.1, 86_400.0, "s")?;
        within("run.attach_seconds_max", r.attach_seconds_max, 0.0, 86_400.0, "s")?;
        let names: Vec<&str> = obs::log::Level::ALL.map(|(_, name)| name).to_vec();
        let expected = format!("{}, or with layers ({})", names.join(", "), obs::log::LAYERS.join(", "));
        parsed("run.log", &r.log, obs::log::Filter::parse, &expected, "info,nas=debug,mac=trace")
    }

    fn check_traffic(&self) -> Checked {
        let t = &self.traffic;
        within("traffic.pings", t.pings, 0, 1000, "")?;
        within("traffic.ping_interval_ms", t.ping_interval_ms, 1, 600_000, "ms")?;
        within("traffic.transfer_bytes", t.transfer_bytes, 0, 4_000_000_000, "B")?;
        for net in &t.n6_allow {
            parsed("traffic.n6_allow", net, parse_net, "an address or a network in CIDR", "127.0.0.1/32")?;
        }
        if t.tun && self.run.virtual_time {
            let fields = [("traffic.tun", "true".to_owned()), ("run.virtual_time", "true".to_owned())];
            let what = "virtual time has no TUN: the operating system's own TCP lives in real time";
            return Err(ScenarioError::new(what, &fields, "leave out --tun or --virtual-time"));
        }
        if let Some(password) = &t.proxy_password
            && !(1..=255).contains(&password.len())
        {
            let found = format!("one of {} bytes", password.len());
            return Err(wrong(
                "traffic.proxy_password",
                found,
                "a password of 1 to 255 bytes (RFC 1929)",
                "another one",
            ));
        }
        let Some(proxy) = &t.proxy else { return Ok(()) };
        let fields = [("traffic.proxy", proxy.clone())];
        let Ok(address) = parse_listen(proxy) else {
            return Err(wrong("traffic.proxy", format!("{proxy:?}"), "address:port", "127.0.0.1:1080"));
        };
        if !address.ip().is_loopback() && t.proxy_password.is_none() {
            let what = format!("the proxy would listen on {address}, which others can reach, without a password");
            return Err(ScenarioError::new(
                what,
                &fields,
                "a loopback address such as 127.0.0.1:1080, or --proxy-password",
            ));
        }
        if self.run.virtual_time {
            let fields = [fields[0].clone(), ("run.virtual_time", "true".to_owned())];
            let what = "virtual time has no proxies: a person's programs live in real time";
            return Err(ScenarioError::new(what, &fields, "leave out --proxy or --virtual-time"));
        }
        Ok(())
    }

    fn check_output(&self) -> Checked {
        let o = &self.output;
        within("output.iq_seconds_max", o.iq_seconds_max, 0.001, 600.0, "s")?;
        for (path, name) in [("output.pcap", &o.pcap), ("output.keylog", &o.keylog), ("output.iq", &o.iq)] {
            if name.as_deref() == Some("") {
                return Err(wrong(path, "\"\"", "a name", "leave it out, or give it a name"));
            }
        }
        Ok(())
    }

    fn check_air(&self) -> Checked {
        let a = &self.air;
        if let Some(snr) = a.snr_db {
            within("air.snr_db", snr, -40.0, 60.0, "dB")?;
        }
        one_of("air.channel", &a.channel, &["awgn", "tdl-a", "tdl-b", "tdl-c"])?;
        within("air.delay_spread_ns", a.delay_spread_ns, 0.0, 1000.0, "ns")?;
        within("air.doppler_hz", a.doppler_hz, 0.0, 1000.0, "Hz")?;
        within("air.delay_min_us", a.delay_min_us, 0.0, 100.0, "us")?;
        within("air.delay_max_us", a.delay_max_us, 0.0, 100.0, "us")?;
        if a.delay_min_us > a.delay_max_us {
            let fields =
                [("air.delay_min_us", a.delay_min_us.to_string()), ("air.delay_max_us", a.delay_max_us.to_string())];
            return Err(ScenarioError::new("the shortest delay is above the longest", &fields, "swap them"));
        }
        within("air.ue_ppm_max", a.ue_ppm_max, 0.0, 10.0, "ppm")?;
        within("air.gnb_ppm_max", a.gnb_ppm_max, 0.0, 0.1, "ppm")?;
        within("air.ue_noise_figure_db", a.ue_noise_figure_db, 0.0, 30.0, "dB")?;
        within("air.start_ms_max", a.start_ms_max, 0.0, 10_000.0, "ms")?;
        if let Some(at) = a.blackout_at_s {
            within("air.blackout_at_s", at, 0.0, 86_400.0, "s")?;
        }
        within("air.blackout_s", a.blackout_s, 0.0, 600.0, "s")
    }

    /// What the specification lets a cell do, and the terminals here cannot follow.
    fn check_for_terminals(&self) -> Checked {
        let c = &self.cell;
        // A terminal may assume 20 ms until it has read the period in SIB1, and its search listens no longer.
        if c.ssb_period_ms > SSB_PERIOD_SEARCHED_MS {
            let what = format!(
                "a terminal that searches for a cell assumes SS/PBCH blocks every {SSB_PERIOD_SEARCHED_MS} ms or more often, \
                 and would find this one by luck only (TS 38.213 §4.1)"
            );
            let fields = [("cell.ssb_period_ms", c.ssb_period_ms.to_string())];
            return Err(ScenarioError::new(what, &fields, "cell.ssb_period_ms = 20, 10 or 5"));
        }
        let least = ue_l1::uplink::AHEAD;
        for (path, values, name, clause) in [
            ("cell.k1_slots", &c.k1_slots, "K_1: HARQ feedback", "N_1, TS 38.214 §5.3"),
            ("cell.k2_slots", &c.k2_slots, "K_2: a PUSCH", "N_2, TS 38.214 §6.4"),
        ] {
            if let Some(k) = values.iter().find(|k| i64::from(**k) < least) {
                let what = format!(
                    "{name} {k} slot(s) after the PDCCH's or PDSCH's slot is too soon for the terminals here, which build an \
                     uplink slot {least} slots ahead ({clause})"
                );
                let hint = format!("values of {least} or more in {path}");
                return Err(ScenarioError::new(what, &[(path, format!("{values:?}"))], hint));
            }
        }
        Ok(())
    }

    /// Sections of terminals and subscribers that are not there.
    fn check_numbers(&self) -> Checked {
        let ues = self.ues.keys().map(|w| ("ue", w));
        for (section, which) in ues.chain(self.subscribers.keys().map(|w| ("subscriber", w))) {
            if let Which::Number(n) = which
                && *n > self.n_ues
            {
                let what = format!("{section}.{n} is configured, and there are {} terminals", self.n_ues);
                return Err(ScenarioError::new(what, &[("ues", self.n_ues.to_string())], format!("--ues {n}")));
            }
        }
        Ok(())
    }
}

impl CoreParams {
    fn check(&self) -> Checked {
        if let Some(plmn) = &self.plmn {
            check_plmn("core.plmn", plmn)?;
        }
        if let Some(tacs) = &self.tacs {
            if !(1..=16).contains(&tacs.len()) {
                return Err(wrong("core.tacs", format!("{} values", tacs.len()), "1 to 16 values", "tacs = [1]"));
            }
            tacs.iter().try_for_each(|tac| within("core.tacs", *tac, 0, 0xff_ffff, ""))?;
        }
        if !(1..=8).contains(&self.slices.len()) {
            let found = format!("{} values", self.slices.len());
            return Err(wrong("core.slices", found, "1 to 8 slices", "slices = [\"1\"]"));
        }
        self.slices.iter().try_for_each(|s| check_slice("core.slices", s))?;
        check_dnn("core.dnn", &self.dnn)?;
        let v4 = |t: &str| t.parse::<ipnet::Ipv4Net>().ok().filter(|n| (8..=30).contains(&n.prefix_len()));
        parsed("core.ipv4_pool", &self.ipv4_pool, v4, "an IPv4 network of /8 to /30", "10.45.0.0/16")?;
        let v6 = |t: &str| t.parse::<ipnet::Ipv6Net>().ok().filter(|n| (32..=63).contains(&n.prefix_len()));
        parsed("core.ipv6_pool", &self.ipv6_pool, v6, "an IPv6 network of /32 to /63", "2001:db8:45::/48")?;
        within("core.mtu", self.mtu, 1280, 9000, "B")?;
        within("core.five_qi", self.five_qi, 1, 86, "")?;
        algorithms("core.nea", "nea", &self.nea, self.allow_null)?;
        algorithms("core.nia", "nia", &self.nia, self.allow_null)?;
        hex("core.home_key_a", &self.home_key_a, 32)?;
        hex("core.home_key_b", &self.home_key_b, 32)?;
        within("core.t3512_s", self.t3512_s, 60, 36_000, "s")
    }
}

fn check_plmn(path: &str, plmn: &str) -> Checked {
    parsed(path, plmn, |t| t.parse::<Plmn>().ok(), "a PLMN, MCC-MNC", "001-01")
}

fn check_slice(path: &str, slice: &str) -> Checked {
    parsed(
        path,
        slice,
        parse_slice,
        "a slice: SST of 0 to 255, or SST-SD with an SD of 6 hexadecimal digits",
        "1-0000a1",
    )
}

fn check_dnn(path: &str, dnn: &str) -> Checked {
    let label = |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let name = |t: &str| (t.len() <= 99 && t.split('.').all(label)).then_some(());
    parsed(path, dnn, name, "a DNN of labels with letters, digits and hyphens (TS 23.003 §9A)", "internet")
}

fn check_supi(path: &str, supi: &Option<String>) -> Checked {
    let Some(supi) = supi else { return Ok(()) };
    parsed(path, supi, Supi::from_imsi, "an IMSI of 6 to 15 digits", "001010000000001")
}

fn prefix(section: &str, which: Which) -> impl Fn(&str) -> String {
    let which = match which {
        Which::All => "all".to_owned(),
        Which::Number(n) => n.to_string(),
    };
    let prefix = format!("{section}.{which}.");
    move |key| format!("{prefix}{key}")
}

impl UeParams {
    fn check(&self, which: Which, allow_null: bool) -> Checked {
        let at = prefix("ue", which);
        check_supi(&at("supi"), &self.supi)?;
        hex(&at("k"), &self.k, 16)?;
        hex(&at("opc"), &self.opc, 16)?;
        if let Some(sqn) = self.sqn {
            within(&at("sqn"), sqn, 0, SQN_MAX, "")?;
        }
        if let Some(plmn) = &self.plmn {
            check_plmn(&at("plmn"), plmn)?;
        }
        if let Some(bands) = &self.bands {
            let known = |b: &u16| gnb_du::config::band(*b).is_some();
            if bands.is_empty() || !bands.iter().all(known) {
                return Err(wrong(&at("bands"), format!("{bands:?}"), "bands out of 3, 78, 79", "bands = [78]"));
            }
        }
        if let Some(suci) = &self.suci {
            one_of(&at("suci"), suci, &["null", "profile-a", "profile-b"])?;
        }
        if let Some(nea) = &self.nea {
            algorithms(&at("nea"), "nea", nea, allow_null)?;
        }
        if let Some(nia) = &self.nia {
            algorithms(&at("nia"), "nia", nia, allow_null)?;
        }
        if let Some(session) = &self.session {
            one_of(&at("session"), session, &SESSIONS)?;
        }
        if let Some(dnn) = &self.dnn {
            check_dnn(&at("dnn"), dnn)?;
        }
        if let Some(slice) = &self.slice {
            check_slice(&at("slice"), slice)?;
        }
        if let Some(n) = self.antennas.filter(|n| ![1, 2, 4].contains(n)) {
            return Err(wrong(&at("antennas"), n, "1, 2 or 4", "1, 2 or 4"));
        }
        let ranges = [
            ("snr_db", self.snr_db, -40.0, 60.0, "dB"),
            ("ppm", self.ppm, -10.0, 10.0, "ppm"),
            ("delay_us", self.delay_us, 0.0, 100.0, "us"),
            ("start_ms", self.start_ms, 0.0, 10_000.0, "ms"),
        ];
        for (key, value, low, high, unit) in ranges {
            if let Some(value) = value {
                within(&at(key), value, low, high, unit)?;
            }
        }
        Ok(())
    }
}

impl SubscriberParams {
    fn check(&self, which: Which, core: &CoreParams) -> Checked {
        let at = prefix("subscriber", which);
        check_supi(&at("supi"), &self.supi)?;
        hex(&at("k"), &self.k, 16)?;
        hex(&at("opc"), &self.opc, 16)?;
        if let Some(sqn) = self.sqn {
            within(&at("sqn"), sqn, 0, SQN_MAX, "")?;
        }
        let slices = self.slices.iter().flatten();
        slices.into_iter().try_for_each(|s| check_slice(&at("slices"), s))?;
        for dnn in self.dnns.iter().flatten() {
            check_dnn(&at("dnns"), dnn)?;
            if *dnn != core.dnn {
                let path = at("dnns");
                let fields = [(path.as_str(), dnn.clone()), ("core.dnn", core.dnn.clone())];
                return Err(ScenarioError::new("the core has no such data network", &fields, "the core's name"));
            }
        }
        self.sessions.iter().flatten().try_for_each(|s| one_of(&at("sessions"), s, &SESSIONS))?;
        let empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
        for (key, list) in [("slices", &self.slices), ("dnns", &self.dnns), ("sessions", &self.sessions)] {
            if empty(list) {
                return Err(wrong(&at(key), "[]", "at least one", "leave it out for the default"));
            }
        }
        Ok(())
    }
}
