use super::*;

fn load(file: &str, sets: &[&str]) -> Result<Scenario, ScenarioError> {
    let mut l = Loader::new();
    l.file("run.toml", file)?;
    sets.iter().try_for_each(|s| l.set(s))?;
    l.build()
}

#[test] // Spec: ironcell issue §1 (every preset)
fn every_preset_passes_and_is_shown_and_read_back() {
    for name in gnb_du::config::PRESETS {
        let mut s = Scenario::of_preset(name).unwrap();
        s.check().unwrap();
        s.n_ues = 3;
        s.seed = Some(7);
        s.output.pcap = Some("cap \"x\"\n".into());
        s.traffic.n6_allow = vec!["127.0.0.1/32".into()];
        s.ues.insert(Which::Number(2), UeParams { sqn: Some(1 << 40), ..UeParams::default() });
        s.ues.insert(Which::All, UeParams { suci: Some("null".into()), ..UeParams::default() });
        s.subscribers.insert(Which::Number(1), SubscriberParams { sqn: Some(5), ..SubscriberParams::default() });
        assert_eq!(load(&s.to_toml(), &[]).unwrap(), s);
        assert_eq!(load(&toml::to_string(&s.to_table()).unwrap(), &[]).unwrap(), s);
        assert!(s.plan(7, None).is_ok());
    }
}

#[test] // Spec: ironcell issue §1 (each value with its unit, range and specification name)
fn the_configuration_is_shown_with_unit_range_and_name() {
    let text = Scenario::default().to_toml();
    assert!(text.contains("Range: 0 to 1007. Spec: physCellId, TS 38.211 7.4.2.1.\npci = 500\n"), "{text}");
    assert!(text.contains("Unit: dB. Range: -40 to 60.\n# snr_db =\n"));
    assert!(text.contains("\ntarget_bler = 0.1\n"));
    for line in text.lines().filter(|l| l.contains(" = ") && !l.starts_with('#')) {
        let at = text.find(&format!("\n{line}\n")).unwrap();
        assert!(text[..at].lines().last().unwrap().starts_with("# "), "{line}");
    }
}

#[test] // Spec: ironcell issue §1 (--config, --set, options)
fn later_sources_win() {
    let mut l = Loader::new();
    l.file(
        "a.toml",
        "preset = \"n3-10\"\nues = 2\n[cell]\npci = 1\ntac = 9\n[ue.all]\nsnr_db = 3\n[ue.2]\nsnr_db = 4.5",
    )
    .unwrap();
    l.set("cell.pci=2").unwrap();
    l.set("traffic.transfer_bytes=2M").unwrap();
    l.option("--preset", "preset", "n3-20");
    let s = l.build().unwrap();
    assert_eq!((s.preset.as_str(), s.cell.n_rb, s.cell.pci, s.cell.tac), ("n3-20", 106, 2, 9));
    assert_eq!((s.snr_db(1), s.snr_db(2), s.traffic.transfer_bytes), (3.0, 4.5, 2_000_000));
}

#[test] // Spec: ironcell issue §1 (exit status 2: bad configuration)
fn nonsense_is_refused_with_path_expectation_finding_origin_and_a_way_out() {
    let cases: &[(&str, &[&str])] = &[
        ("cell.pcii=5", &["no key cell.pcii", "--set", "cell.pci"]),
        ("pci=5", &["no key pci", "cell.pci"]),
        ("cell=5", &["no key cell"]),
        ("cell.pci.x=5", &["no key cell.pci.x", "try:"]),
        ("cell.pci=1008", &["cell.pci = 1008", "1007"]),
        ("cell.pci=-1", &["cell.pci = -1", "0 to 1007"]),
        ("cell.pci=five", &["cell.pci", "expected 0 to 1007", "five"]),
        ("cell.pci=[5]", &["cell.pci", "0 to 1007"]),
        ("cell.plmn=1", &["cell.plmn = 1", "001-01"]),
        ("cell.ssb_arfcn=632545", &["synchronisation raster", "ssb_arfcn = 632544"]),
        ("cell.prach_config_index=155", &["PRACH occasion", "outside the uplink"]),
        ("cell.coreset0_index=15", &["CORESET 0 does not fit", "table 13-4"]),
        ("cell.k1_slots=[2,3]", &["falls on a downlink slot", "cell.k1_slots"]),
        ("cell.ssb_period_ms=160", &["TS 38.213 §4.1", "cell.ssb_period_ms = 20"]),
        ("preset=n79", &["no preset \"n79\"", "n78-20"]),
        ("ues=0", &["ues: expected 1 to 64, found 0"]),
        ("ues=65", &["ues"]),
        ("seed=-1", &["seed"]),
        ("seed=x", &["seed", "expected 0 to"]),
        ("air.snr_db=nan", &["air.snr_db"]),
        ("air.snr_db=1000", &["-40 to 60 dB", "found 1000"]),
        ("air.channel=tdl-d", &["one of awgn, tdl-a, tdl-b, tdl-c"]),
        ("air.delay_min_us=50", &["shortest delay", "air.delay_max_us = 5"]),
        ("run.isa=mmx", &["run.isa", "scalar"]),
        ("run.once=maybe", &["run.once", "true, false"]),
        ("run.log=loud", &["run.log"]),
        ("traffic.transfer_bytes=4X", &["traffic.transfer_bytes", "4M"]),
        ("traffic.n6_allow=[\"10.0.0.0/99\"]", &["traffic.n6_allow", "CIDR"]),
        ("traffic.proxy=0.0.0.0:1080", &["without a password", "--proxy-password"]),
        ("traffic.proxy=somewhere", &["address:port"]),
        ("traffic.tun=maybe", &["traffic.tun", "true, false"]),
        ("ue.1.k=00", &["ue.1.k", "32 hexadecimal digits", "2 characters"]),
        ("ue.1.k=zz112233445566778899aabbccddeeff", &["ue.1.k", "hexadecimal"]),
        ("ue.2.sqn=5", &["ue.2 is configured, and there are 1 terminals", "--ues 2"]),
        ("ue.0.sqn=5", &["numbered from 1 to 64", "ue.1.sqn"]),
        ("ue.x.sqn=5", &["numbered from 1 to 64"]),
        ("ue.1.sqn=999999999999999999", &["281474976710655"]),
        ("ue.1.suci=profile-c", &["null, profile-a, profile-b"]),
        ("ue.1.nea=[\"nea0\"]", &["allow_null"]),
        ("ue.1.bands=[41]", &["3, 78, 79"]),
        ("ue.1.dnn=a b", &["DNN"]),
        ("ue.1.supi=12", &["6 to 15 digits"]),
        ("subscriber.1.slices=[]", &["at least one"]),
        ("subscriber.1.dnns=[\"ims\"]", &["no such data network", "internet"]),
        ("core.nia=[]", &["core.nia", "at least one"]),
        ("core.nia=[\"nia0\"]", &["core.allow_null = true"]),
        ("core.nea=[\"aes\"]", &["nea0, nea1, nea2, nea3"]),
        ("core.ipv4_pool=10.45.0.0/31", &["/8 to /30"]),
        ("core.slices=[\"1-xyz\"]", &["core.slices"]),
        ("core.tacs=[16777216]", &["16777215"]),
        ("core.mtu=100", &["1280 to 9000 B"]),
    ];
    for (set, wanted) in cases {
        let e = load("", &[set]).expect_err(set).to_string();
        assert!(wanted.iter().all(|w| e.contains(w)), "{set}: {e}");
        assert!(e.contains("\n  try: "), "{set}: {e}");
        let path = set.split('=').next().unwrap();
        assert!(e.lines().any(|l| l.contains(path) && l.contains("(--set)")) || set.starts_with("ue.2."), "{set}: {e}");
    }
    for set in ["", "=", "cell.pci", "cell..pci=5", ".=1", "cell.pci 5"] {
        assert!(load("", &[set]).unwrap_err().to_string().contains("path=value"), "{set}");
    }
}

#[test] // Spec: ironcell issue §1 (config check judges a file)
fn a_wrong_file_is_told_with_its_line() {
    let e = load("# hello\n[cell]\npci = 3\n\nssb_arfcn = 1\n", &[]).unwrap_err().to_string();
    assert!(e.contains("cell.ssb_arfcn = 1      (run.toml line 5)"), "{e}");
    let e = load("[cell]\npci = \n", &[]).unwrap_err().to_string();
    assert!(e.contains("run.toml is no TOML: line 2"), "{e}");
    let e = load("[cell]\nk1_slots = [\n 2,\n 3,\n]\n", &[]).unwrap_err().to_string();
    assert!(e.contains("run.toml line 2"), "{e}");
    for file in ["[cell\n", "a = 1\na = 2", "\u{0}", "[[cell]]\npci = 1", "cell = 1", "[ue.1.k]\nx = 1", "[ue]\nk = 1"]
    {
        assert!(load(file, &[]).is_err(), "{file}");
    }
    assert_eq!(load("cell = { pci = 3 }", &[]).unwrap().cell.pci, 3);
}

#[test] // Spec: ironcell issue §3 (wrong K, unknown subscriber, SQN out of range, wrong PLMN)
fn a_terminal_can_differ_from_what_the_core_knows() {
    let plan = |sets: &[&str]| load("ues = 4", sets).unwrap().plan(7, None).unwrap();
    let plain = plan(&[]);
    let known = |p: &Plan, i: usize| p.core.subscribers.iter().any(|s| s.supi == p.ues[i].cp.usim.supi);
    assert!((0..4).all(|i| known(&plain, i)));
    let other = plan(&[
        "ue.1.k=00112233445566778899001122334455",
        "ue.2.sqn=1099511627776",
        "ue.3.plmn=999-70",
        "ue.4.supi=001019999999999",
    ]);
    assert_eq!(other.core, plain.core);
    let subscription = |p: &Plan, i: usize| format!("{:?}", p.ues[i].cp.usim.subscription);
    let vector = |p: &Plan, i: usize| {
        let c = match i {
            0 => &p.core.subscribers[0].credentials,
            _ => unreachable!(),
        };
        format!("{:?}", c.subscription())
    };
    assert_eq!(subscription(&plain, 0), vector(&plain, 0));
    assert_eq!(other.ues[1].cp.usim.sqn_ms, 1 << 40);
    assert_eq!(other.ues[2].cp.plmn.to_string(), "999-70");
    assert!(!known(&other, 3));
    let kinds: std::collections::BTreeSet<_> =
        plain.ues.iter().map(|u| format!("{:?}", u.cp.sessions[0].kind)).collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(
        plain.ues.iter().map(|u| u.snr_db).collect::<Vec<_>>(),
        [25.0, 25.0 - 20.0 / 3.0, 25.0 - 40.0 / 3.0, 5.0]
    );
}

#[test] // Spec: ironcell issue §2 (without a seed keys come from the operating system's generator)
fn secrets_follow_their_own_generator() {
    let s = Scenario::default();
    let with = |b: u8| s.plan(7, Some(node::Rng::from_entropy([b; 32]))).unwrap();
    let (a, b, lab) = (with(1), with(2), s.plan(7, None).unwrap());
    assert_ne!(a.core.subscribers[0].credentials, b.core.subscribers[0].credentials);
    assert_ne!(a.core.subscribers[0].credentials, lab.core.subscribers[0].credentials);
    assert_ne!(a.core.home_network_keys, lab.core.home_network_keys);
    assert_eq!(a.core.subscribers[0].supi, lab.core.subscribers[0].supi);
    assert_eq!(s.plan(7, None).unwrap().core, lab.core);
    assert_ne!(s.plan(8, None).unwrap().core.subscribers, lab.core.subscribers);
}

#[test] // Spec: ironcell issue §2 (null ciphering and integrity only if configured, and then said aloud)
fn null_protection_is_said_aloud() {
    let s =
        load("[core]\nallow_null = true\nnea = [\"nea0\"]\nnia = [\"nia0\"]\n[ue.all]\nsuci = \"null\"", &[]).unwrap();
    let plan = s.plan(1, None).unwrap();
    assert_eq!(plan.warnings.len(), 2);
    assert!(plan.ues[0].cp.allow_null);
    assert!(!Scenario::default().plan(1, None).unwrap().ues[0].cp.allow_null);
}

#[test] // Spec: TS 38.214 §5.3, §6.4 (what the terminals here need, beyond N_1 and N_2)
fn feedback_and_grants_that_the_terminals_cannot_follow_are_refused() {
    let of = |key: &str, values: &str| load(&format!("preset = \"n3-10\"\n[cell]\n{key} = {values}\n"), &[]);
    // At 15 kHz one slot is more than N_2, and fewer than the terminals build ahead.
    let e = of("k2_slots", "[1, 4]").unwrap_err().to_string();
    assert!(
        e.contains("TS 38.214 §6.4") && e.contains("cell.k2_slots = [1, 4]") && e.contains("values of 2 or more"),
        "{e}"
    );
    let e = of("k1_slots", "[1, 4]").unwrap_err().to_string();
    assert!(e.contains("TS 38.214 §5.3") && e.contains("cell.k1_slots"), "{e}");
    assert!(of("k1_slots", "[2, 4]").is_ok() && of("k2_slots", "[2, 4]").is_ok());
}

#[test] // Spec: ironcell issue §1 (--transfer SIZE)
fn sizes_have_units() {
    for (text, bytes) in [
        ("0", 0),
        ("4000000", 4_000_000),
        ("4M", 4_000_000),
        ("1.5k", 1500),
        ("2MiB", 2_097_152),
        ("1 GB", 1_000_000_000),
    ] {
        assert_eq!(parse_size(text), Some(bytes), "{text}");
    }
    for text in ["", "M", "-1", "4X", "1e3", "1.2.3", "99999999999999999999G", "NaN"] {
        assert_eq!(parse_size(text), None, "{text}");
    }
}
