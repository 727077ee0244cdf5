//! What core and terminals are made from: everything that was left open is derived from the seed and a terminal's number.

use cn::config::{Credentials, DnnConfig, HomeNetworkKey, TapConfig};
use cn::{CoreConfig, SubscriberConfig};
use nas::ie::PduSessionType;
use node::Rng;
use nr::{Plmn, SNssai, Supi};
use obs::log::Level;
use security::{NeaAlg, NiaAlg, Scheme};
use ue_cp::{RadioCapability, SessionWish, UeCpConfig, Usim};

use super::check::{parse_hex, parse_slice};
use super::{Scenario, ScenarioError, UeParams};

/// Core and terminals.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The core with its subscribers.
    pub core: CoreConfig,
    /// The terminals, number 1 first.
    pub ues: Vec<UePlan>,
    /// What a person must be told: null algorithms and the like.
    pub warnings: Vec<String>,
}

/// One terminal.
#[derive(Clone, Debug)]
pub struct UePlan {
    /// Its control plane, with its USIM.
    pub cp: UeCpConfig,
    /// Es/N0, dB.
    pub snr_db: f64,
    /// Error of its oscillator, ppm, if it is not to be drawn.
    pub ppm: Option<f64>,
    /// One-way delay, microseconds, if it is not to be drawn.
    pub delay_us: Option<f64>,
    /// When it is switched on, ms, if it is not to be drawn.
    pub start_ms: Option<f64>,
}

impl Scenario {
    /// Core and terminals of this scenario.
    ///
    /// - `seed` fixes everything in a lab.
    /// - `secrets` keys, sequence numbers and key pairs come from it where it is given (the operating system's generator), else
    ///   from the seed.
    ///
    /// Errors: values that [`Scenario::check`] would have found, and what the core finds wrong.
    pub fn plan(&self, seed: u64, mut secrets: Option<Rng>) -> Result<Plan, ScenarioError> {
        let core_plmn = self.core.plmn.as_ref().unwrap_or(&self.cell.plmn);
        let plmn: Plmn = core_plmn.parse().map_err(|e: String| ScenarioError::new(e, &[], ""))?;
        let mut core = CoreConfig::lab(seed, 0);
        core.plmn = plmn;
        core.tacs = self.core.tacs.clone().unwrap_or_else(|| vec![self.cell.tac]);
        core.slices = self.core.slices.iter().filter_map(|s| parse_slice(s)).collect();
        core.dnns = vec![self.dnn()?];
        core.nea = self.core.nea.iter().filter_map(|w| NeaAlg::new(digit(w))).collect();
        core.nia = self.core.nia.iter().filter_map(|w| NiaAlg::new(digit(w))).collect();
        core.null_suci = self.core.null_suci;
        core.t3512_s = self.core.t3512_s;
        core.taps = TapConfig {
            control: self.output.pcap.is_some() || self.log_taps(Level::Debug),
            user: self.output.pcap.is_some() || self.log_taps(Level::Trace),
            nas_plain: self.output.keylog.is_some() || self.log_taps(Level::Debug),
            keys: false,
        };
        core.home_network_keys = vec![
            home_key(Scheme::ProfileA, &self.core.home_key_a, seed, &mut secrets),
            home_key(Scheme::ProfileB, &self.core.home_key_b, seed, &mut secrets),
        ];
        let mut ues = Vec::new();
        for n in 1..=self.n_ues {
            let lab = draw(SubscriberConfig::lab(plmn, n, seed), &mut secrets);
            let usim = self.usim(n, &lab, &core, plmn)?;
            core.subscribers.push(self.subscriber_of(n, lab, &core));
            ues.push(self.ue_plan(n, usim, &core)?);
        }
        if let Some(what) = core.check().into_iter().next() {
            return Err(ScenarioError::new(what, &[], "`ironcell config show` prints every value"));
        }
        Ok(Plan { warnings: self.warnings(), core, ues })
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.core.allow_null {
            warnings.push(
                "null ciphering and null integrity are allowed: anyone may read and forge what crosses the air".into(),
            );
        }
        let null = |n: &u32| self.scheme(*n, &self.ue(*n)) == Scheme::Null;
        if let Some(n) = (1..=self.n_ues).find(null) {
            warnings.push(format!("ue{n} sends its identity in clear: its SUCI has the null scheme"));
        }
        warnings
    }

    fn dnn(&self) -> Result<DnnConfig, ScenarioError> {
        let wrong = |path: &str, value: &str| {
            ScenarioError::new(format!("{path} is no network"), &[(path, value.to_owned())], "10.45.0.0/16")
        };
        let v4: ipnet::Ipv4Net =
            self.core.ipv4_pool.parse().map_err(|_| wrong("core.ipv4_pool", &self.core.ipv4_pool))?;
        let v6: ipnet::Ipv6Net =
            self.core.ipv6_pool.parse().map_err(|_| wrong("core.ipv6_pool", &self.core.ipv6_pool))?;
        let gateway4 = u32::from(v4.network()) + 1;
        let gateway6 = u128::from(v6.network()) + 1;
        Ok(DnnConfig {
            name: self.core.dnn.clone(),
            ipv4_pool: (v4.network(), v4.prefix_len()),
            ipv6_pool: (v6.network(), v6.prefix_len()),
            dns: vec![std::net::Ipv4Addr::from(gateway4).into(), std::net::Ipv6Addr::from(gateway6).into()],
            mtu: self.core.mtu,
            five_qi: self.core.five_qi,
            ..DnnConfig::internet()
        })
    }

    fn subscriber_of(&self, n: u32, lab: SubscriberConfig, core: &CoreConfig) -> SubscriberConfig {
        let p = self.subscriber(n);
        let slices: Vec<SNssai> = match &p.slices {
            Some(list) => list.iter().filter_map(|s| parse_slice(s)).collect(),
            None => core.slices.clone(),
        };
        let sessions = p.sessions.iter().flatten().filter_map(|s| session(s)).collect::<Vec<_>>();
        SubscriberConfig {
            supi: p.supi.as_deref().and_then(Supi::from_imsi).unwrap_or(lab.supi),
            credentials: with_keys(lab.credentials, &p.k, &p.opc),
            sqn: p.sqn.unwrap_or(lab.sqn),
            slices: slices.into_iter().enumerate().map(|(i, s)| (s, i == 0)).collect(),
            dnns: p.dnns.unwrap_or_else(|| vec![self.core.dnn.clone()]),
            session_types: if sessions.is_empty() { lab.session_types } else { sessions },
            ..lab
        }
    }

    fn usim(&self, n: u32, lab: &SubscriberConfig, core: &CoreConfig, plmn: Plmn) -> Result<Usim, ScenarioError> {
        let p = self.ue(n);
        let supi = p.supi.as_deref().and_then(Supi::from_imsi).unwrap_or_else(|| lab.supi.clone());
        let scheme = self.scheme(n, &p);
        let key = core.home_network_keys.iter().find(|k| k.scheme == scheme);
        let home_public_key = key.map(HomeNetworkKey::public).unwrap_or_default();
        if scheme != Scheme::Null && home_public_key.is_empty() {
            let path = if scheme == Scheme::ProfileA { "core.home_key_a" } else { "core.home_key_b" };
            let what = format!("{path} is no private key of the profile's curve (TS 33.501 annex C.3.4)");
            return Err(ScenarioError::new(what, &[], "leave it out, and one is made"));
        }
        Ok(Usim {
            home_plmn: home_of(&supi, plmn),
            supi,
            subscription: with_keys(lab.credentials.clone(), &p.k, &p.opc).subscription(),
            sqn_ms: p.sqn.unwrap_or(lab.sqn),
            scheme,
            home_public_key,
            home_key_id: key.map_or(0, |k| k.id),
            routing_indicator: "0".into(),
        })
    }

    /// Profile A, and with several terminals every third one profile B.
    fn scheme(&self, n: u32, p: &UeParams) -> Scheme {
        match p.suci.as_deref() {
            Some("null") => Scheme::Null,
            Some("profile-b") => Scheme::ProfileB,
            Some(_) => Scheme::ProfileA,
            None if n.is_multiple_of(3) => Scheme::ProfileB,
            None => Scheme::ProfileA,
        }
    }

    /// What a terminal is told. By number they differ in algorithms and session type, the first takes what the core likes best.
    fn ue_plan(&self, n: u32, usim: Usim, core: &CoreConfig) -> Result<UePlan, ScenarioError> {
        let p = self.ue(n);
        let plmn = match &p.plmn {
            Some(plmn) => plmn.parse().map_err(|e: String| ScenarioError::new(e, &[], "001-01"))?,
            None => core.plmn,
        };
        let bits = |list: &Option<Vec<String>>, by_number: u8| match list {
            Some(list) => list.iter().fold(0, |bits, word| bits | 0x80 >> digit(word)),
            None => by_number,
        };
        // Null algorithms are always among what a terminal can do; whether it takes them is another matter. TS 33.501 §5.3.2
        let supported = [0xf0, 0xc0, 0x90, 0xa0][(n as usize - 1) % 4];
        let kind = [PduSessionType::Ipv4v6, PduSessionType::Ipv4, PduSessionType::Ipv6][(n as usize - 1) % 3];
        let slice = p.slice.as_deref().and_then(parse_slice);
        let default = RadioCapability::default();
        let cp = UeCpConfig {
            bands: p.bands.clone().unwrap_or_else(|| vec![self.cell.band]),
            plmn,
            usim,
            imeisv: format!("35609204{n:06}01"),
            nea: bits(&p.nea, supported),
            nia: bits(&p.nia, supported),
            allow_null: self.core.allow_null,
            requested_nssai: slice.or(core.slices.first().copied()).into_iter().collect(),
            sessions: vec![SessionWish {
                id: 1,
                kind: p.session.as_deref().and_then(session).unwrap_or(kind),
                dnn: p.dnn.clone(),
                s_nssai: slice,
            }],
            capability: RadioCapability {
                dl_256qam: p.dl_256qam.unwrap_or(default.dl_256qam),
                dl_layers: p.antennas.unwrap_or(self.cell.antennas),
                ul_layers: p.antennas.unwrap_or(self.cell.antennas),
                ul_256qam: p.ul_256qam.unwrap_or(default.ul_256qam),
                ..default
            },
        };
        Ok(UePlan { cp, snr_db: self.snr_db(n), ppm: p.ppm, delay_us: p.delay_us, start_ms: p.start_ms })
    }
}

/// The number of "nea2" or "nia2"; 8, which is none, for anything else.
fn digit(word: &str) -> u8 {
    word.as_bytes().last().map_or(8, |b| b.wrapping_sub(b'0')).min(8)
}

fn session(word: &str) -> Option<PduSessionType> {
    match word {
        "ipv4" => Some(PduSessionType::Ipv4),
        "ipv6" => Some(PduSessionType::Ipv6),
        "ipv4v6" => Some(PduSessionType::Ipv4v6),
        _ => None,
    }
}

/// The network of an IMSI: `plmn` if it starts so, else its first five digits.
fn home_of(supi: &Supi, plmn: Plmn) -> Plmn {
    let digits: String = plmn.to_string().chars().filter(char::is_ascii_digit).collect();
    if supi.imsi().starts_with(&digits) {
        return plmn;
    }
    supi.imsi().get(..5).and_then(|d| d.parse().ok()).unwrap_or(plmn)
}

fn array<const N: usize>(text: &Option<String>) -> Option<[u8; N]> {
    text.as_deref().and_then(parse_hex)?.try_into().ok()
}

/// The credentials with another K or OPc. An OPc makes them MILENAGE.
fn with_keys(credentials: Credentials, k: &Option<String>, opc: &Option<String>) -> Credentials {
    let new_k = array::<16>(k);
    if let Some(opc) = array::<16>(opc) {
        let (Credentials::MilenageOpc { k, .. } | Credentials::MilenageOp { k, .. } | Credentials::Tuak { k, .. }) =
            credentials;
        return Credentials::MilenageOpc { k: new_k.unwrap_or(k), opc };
    }
    let Some(new_k) = new_k else { return credentials };
    match credentials {
        Credentials::MilenageOpc { opc, .. } => Credentials::MilenageOpc { k: new_k, opc },
        Credentials::MilenageOp { op, .. } => Credentials::MilenageOp { k: new_k, op },
        Credentials::Tuak { topc, .. } => Credentials::Tuak { k: new_k, topc },
    }
}

/// Secrets from the operating system's generator where there is one.
fn draw(mut lab: SubscriberConfig, secrets: &mut Option<Rng>) -> SubscriberConfig {
    let Some(rng) = secrets else { return lab };
    match &mut lab.credentials {
        Credentials::MilenageOpc { k, opc: other } | Credentials::MilenageOp { k, op: other } => {
            rng.fill(k);
            rng.fill(other);
        }
        Credentials::Tuak { k, topc } => {
            rng.fill(k);
            rng.fill(topc);
        }
    }
    // Far from the end of its 48 bits, the lower five being the index. Spec: TS 33.102 annex C.1.1
    lab.sqn = (rng.u64() >> 24) << 5;
    lab
}

fn home_key(scheme: Scheme, given: &Option<String>, seed: u64, secrets: &mut Option<Rng>) -> HomeNetworkKey {
    let lab = HomeNetworkKey::lab(scheme, seed);
    if let Some(private) = array::<32>(given) {
        return HomeNetworkKey { private, ..lab };
    }
    let Some(rng) = secrets else { return lab };
    // Nearly every string of 32 bytes is a key of either curve.
    for _ in 0..16 {
        let mut key = lab.clone();
        rng.fill(&mut key.private);
        if !key.public().is_empty() {
            return key;
        }
    }
    lab
}
