//! Identifiers. Each range stands in its constructor.

use core::fmt;
use core::str::FromStr;

macro_rules! id {
    ($(#[$m:meta])* $name:ident($t:ty) in $lo:literal..=$hi:literal) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name($t);
        impl $name {
            /// The value, if it lies in the range.
            #[allow(unused_comparisons, clippy::absurd_extreme_comparisons, clippy::manual_range_contains)]
            pub const fn new(value: $t) -> Option<Self> {
                if value >= $lo && value <= $hi { Some(Self(value)) } else { None }
            }
            /// The plain number.
            pub const fn get(self) -> $t {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(/// Physical cell identity N_ID^cell. Spec: TS 38.211 §7.4.2.1
    Pci(u16) in 0..=1007);
id!(/// HARQ process number. Spec: TS 38.321 §5.3.2
    HarqId(u8) in 0..=15);
id!(/// QoS flow identifier. Spec: TS 23.501 §5.7.1
    Qfi(u8) in 0..=63);
id!(/// Logical channel identity; 0 is the CCCH, 1 to 32 as RRC configures them. Spec: TS 38.331 §6.3.2
    LcId(u8) in 0..=32);
id!(/// Data radio bearer identity. Spec: TS 38.331 §6.3.2
    DrbId(u8) in 1..=32);
id!(/// PDU session identity. Spec: TS 24.501 §9.4
    PduSessionId(u8) in 1..=15);
id!(/// Tracking area code, 24 bits. Spec: TS 38.413 §9.3.3.10
    Tac(u32) in 0..=0xff_ffff);
id!(/// NR cell identity, 36 bits. Spec: TS 38.413 §9.3.1.7
    NrCellIdentity(u64) in 0..=0xf_ffff_ffff);

impl Pci {
    /// N_ID^(1), 0..=335.
    pub const fn n_id_1(self) -> u16 {
        self.0 / 3
    }
    /// N_ID^(2), 0..=2.
    pub const fn n_id_2(self) -> u16 {
        self.0 % 3
    }
}

/// Radio network temporary identifier. Spec: TS 38.321 §7.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rnti(pub u16);

impl Rnti {
    /// Paging.
    pub const P: Rnti = Rnti(0xfffe);
    /// System information.
    pub const SI: Rnti = Rnti(0xffff);
}
impl fmt::Display for Rnti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}

/// Tunnel endpoint identifier. Spec: TS 29.281 §5.1
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Teid(pub u32);

/// Public land mobile network identity. Spec: TS 23.003 §2.2
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plmn {
    /// Mobile country code, decimal digits.
    pub mcc: [u8; 3],
    /// Mobile network code; the third digit is `None` in a two-digit code.
    pub mnc: ([u8; 2], Option<u8>),
}

impl Plmn {
    /// The three bytes of TS 24.008 §10.5.1.13.
    pub const fn to_bcd(self) -> [u8; 3] {
        let m3 = match self.mnc.1 {
            Some(d) => d,
            None => 0xf,
        };
        [self.mcc[1] << 4 | self.mcc[0], m3 << 4 | self.mcc[2], self.mnc.0[1] << 4 | self.mnc.0[0]]
    }
    /// From the three bytes of TS 24.008 §10.5.1.13; `None` if a digit is not decimal.
    pub fn from_bcd(b: [u8; 3]) -> Option<Plmn> {
        let p = Plmn {
            mcc: [b[0] & 15, b[0] >> 4, b[1] & 15],
            mnc: ([b[2] & 15, b[2] >> 4], if b[1] >> 4 == 0xf { None } else { Some(b[1] >> 4) }),
        };
        p.digits().all(|d| d <= 9).then_some(p)
    }
    fn digits(&self) -> impl Iterator<Item = u8> {
        self.mcc.into_iter().chain(self.mnc.0).chain(self.mnc.1)
    }
    /// The MNC as digits, two or three.
    pub fn mnc_digits(&self) -> Vec<u8> {
        self.mnc.0.into_iter().chain(self.mnc.1).collect()
    }
    /// "5G:mncXXX.mccYYY.3gppnetwork.org", the serving network name. Spec: TS 24.501 §9.12.1
    pub fn serving_network_name(&self) -> String {
        let m = self.mnc_digits();
        let mnc: String = if m.len() == 2 { format!("0{}{}", m[0], m[1]) } else { format!("{}{}{}", m[0], m[1], m[2]) };
        format!("5G:mnc{mnc}.mcc{}{}{}.3gppnetwork.org", self.mcc[0], self.mcc[1], self.mcc[2])
    }
}

impl FromStr for Plmn {
    type Err = String;
    /// "00101", "001-01", "001/01", "310-410".
    fn from_str(s: &str) -> Result<Self, String> {
        let d: Vec<u8> = s.bytes().filter(|b| !matches!(b, b'-' | b'/')).map(|b| b.wrapping_sub(b'0')).collect();
        if !(5..=6).contains(&d.len()) || d.iter().any(|&x| x > 9) {
            return Err(format!("a PLMN is 3 digits of MCC and 2 or 3 of MNC, as in 001-01; got {s:?}"));
        }
        Ok(Plmn { mcc: [d[0], d[1], d[2]], mnc: ([d[3], d[4]], d.get(5).copied()) })
    }
}
impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for d in self.mcc {
            write!(f, "{d}")?;
        }
        write!(f, "-")?;
        self.mnc_digits().iter().try_for_each(|d| write!(f, "{d}"))
    }
}
impl fmt::Debug for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Single network slice selection assistance information. Spec: TS 23.003 §28.4
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SNssai {
    /// Slice/service type.
    pub sst: u8,
    /// Slice differentiator, 24 bits; `None` where no value is associated.
    pub sd: Option<u32>,
}

/// Subscription permanent identifier of type IMSI: 6 to 15 digits. Spec: TS 23.003 §2.2A
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Supi(String);

impl Supi {
    /// From the digits of an IMSI, with or without the prefix "imsi-".
    pub fn from_imsi(s: &str) -> Option<Supi> {
        let d = s.strip_prefix("imsi-").unwrap_or(s);
        ((6..=15).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit())).then(|| Supi(d.to_owned()))
    }
    /// The digits.
    pub fn imsi(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Supi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "imsi-{}", self.0)
    }
}
impl fmt::Debug for Supi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 24.008 §10.5.1.13
    fn plmn_round_trips_through_bcd() {
        for s in ["001-01", "310-410", "999-70"] {
            let p: Plmn = s.parse().unwrap();
            assert_eq!(Plmn::from_bcd(p.to_bcd()), Some(p));
            assert_eq!(p.to_string(), s);
        }
        assert_eq!("001-01".parse::<Plmn>().unwrap().to_bcd(), [0x00, 0xf1, 0x10]);
        assert!("1234".parse::<Plmn>().is_err());
        assert_eq!(Plmn::from_bcd([0xaa, 0xf1, 0x10]), None);
    }

    #[test] // Spec: TS 24.501 §9.12.1
    fn serving_network_name_has_three_digit_mnc() {
        assert_eq!("001-01".parse::<Plmn>().unwrap().serving_network_name(), "5G:mnc001.mcc001.3gppnetwork.org");
    }

    #[test] // Spec: TS 38.211 §7.4.2.1
    fn pci_range() {
        assert!(Pci::new(1008).is_none());
        assert_eq!(Pci::new(1007).unwrap().n_id_1(), 335);
    }
}
